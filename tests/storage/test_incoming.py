"""Uploads: whole and as declared, or gone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import BadRequest, BundleCorrupt, TooLarge
from modelport.storage.incoming import Incoming

DATA = bytes(range(256)) * 64
DIGEST = hashlib.sha256(DATA).hexdigest()


def test_a_whole_upload_can_be_read_until_the_end(tmp_path: Path) -> None:
    with Incoming(tmp_path / "new", limit=1 << 20, size=len(DATA), digest=DIGEST) as upload:
        for start in range(0, len(DATA), 1000):
            upload.write(DATA[start : start + 1000])
        assert upload.finish() == DIGEST
        assert upload.path.read_bytes() == DATA
        assert upload.path.stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("sixteenths", range(1, 16))
def test_a_cut_upload_leaves_nothing(tmp_path: Path, sixteenths: int) -> None:
    with Incoming(tmp_path, limit=1 << 20, size=len(DATA)) as upload:
        upload.write(DATA[: len(DATA) * sixteenths // 16])
        with pytest.raises(BadRequest) as caught:
            upload.finish()
    assert caught.value.code == "upload-cut"
    assert list(tmp_path.iterdir()) == []


def test_without_a_declared_size_the_digest_tells_a_cut(tmp_path: Path) -> None:
    with Incoming(tmp_path, limit=1 << 20, digest=DIGEST) as upload:
        upload.write(DATA[:-1])
        with pytest.raises(BundleCorrupt):
            upload.finish()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("limit", "size"), [(100, None), (100, 1000), (1000, 100)])
def test_more_than_is_declared_or_accepted_ends_it_at_once(
    tmp_path: Path, limit: int, size: int | None
) -> None:
    with Incoming(tmp_path, limit=limit, size=size) as upload:
        upload.write(DATA[:60])
        with pytest.raises(TooLarge):
            upload.write(DATA[:60])
    assert list(tmp_path.iterdir()) == []


@given(pieces=st.lists(st.binary(max_size=50), max_size=20))
def test_the_digest_does_not_depend_on_how_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    with Incoming(tmp_path_factory.getbasetemp() / "laws", limit=1 << 20) as upload:
        for piece in pieces:
            upload.write(piece)
        assert upload.finish() == hashlib.sha256(b"".join(pieces)).hexdigest()
