"""Archives that are fine: read, unpacked, and the laws that hold for any of them."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelport.bundle import contain
from modelport.bundle.archive import open_archive, unpack
from modelport.errors import BundleError, BundleRefused

NAME = st.from_regex(r"[a-z][a-z0-9_-]{0,8}(/[a-z][a-z0-9_-]{0,8}){0,3}\.bin", fullmatch=True)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    files=st.dictionaries(NAME, st.binary(max_size=300), max_size=6),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_was_zipped_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], method: int
) -> None:
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    path.write_bytes(zipped(files, method))
    with open_archive(path) as archive:
        assert {name: archive.read(name) for name in archive.names()} == files
        unpack(archive, path.with_name("out"))
    for name, data in files.items():
        assert (path.with_name("out") / name).read_bytes() == data


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), place=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_archive_is_refused_or_read_right(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, place: int, byte: int
) -> None:
    """One wrong byte anywhere: never other content under a right name, never another exception."""
    raw = bytearray(zipped({"a/b.bin": data}))
    raw[place % len(raw)] = byte
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    path.write_bytes(raw)
    try:
        with open_archive(path) as archive:
            for name in archive.names():
                assert archive.read(name) == data
    except BundleError:
        return


def test_streamed_and_wide_entries_are_read(tmp_path: Path) -> None:
    """Zips written to a pipe keep their sizes behind the data, and zip64 fields when asked."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.bin", "w", force_zip64=True) as file:
        file.write(b"hello")
    with open_archive(path) as opened:
        assert opened.read("a.bin") == b"hello"
        assert opened.size("a.bin") == 5


def test_unpacked_files_are_private_whatever_the_archive_says(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("a/run.sh")
        member.external_attr = 0o100777 << 16
        archive.writestr(member, b"#!/bin/sh")
    with open_archive(path) as opened:
        unpack(opened, tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out/a/run.sh").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out/a").stat().st_mode) == 0o700


def test_unpacking_does_not_touch_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a": b"new"}))
    (tmp_path / "out").mkdir()
    with open_archive(tmp_path / "a.zip") as archive, pytest.raises(FileExistsError):
        unpack(archive, tmp_path / "out")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with open_archive(tmp_path / "a.zip") as archive, pytest.raises(FileExistsError):
        unpack(archive, tmp_path / "link")


def test_only_regular_files_are_opened_as_archives(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(BundleRefused) as caught:
            open_archive(path)
        assert caught.value.code == "archive-format"


@given(st.text(max_size=40))
def test_an_accepted_name_stays_below_its_root(name: str) -> None:
    """The law of `contain`: accepted means inside, by components, however it is joined."""
    try:
        parts = contain.components(name)
    except BundleRefused:
        return
    root = Path("/root/of/store")
    assert root in Path(os.path.normpath(root / name)).parents
    assert "/".join(parts) == name
