"""A bundle reads back as written, shows any damage, and is replaced whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelport.bundle import format as layout
from modelport.bundle.reader import Bundle, open_bundle
from modelport.bundle.writer import write
from modelport.core.golden import Golden
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, canonical
from modelport.core.signature import Field, Signature
from modelport.errors import BundleCorrupt, BundleError, FormatTooNew

KINDS = ["sum.bundle", "sum.zip"]

names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}[A-Za-z0-9_-]", fullmatch=True)
blobs = st.binary(max_size=200)


class Parts(NamedTuple):
    """The arguments of `write` after the path."""

    manifest: Manifest
    about: About
    files: dict[str, bytes]
    attachments: dict[str, bytes]


@pytest.fixture(scope="session")
def parts() -> Parts:
    """A small bundle to write, read and damage."""
    signature = Signature("vector", (Field("input", "FP64", (-1, 2)),), (Field("value", "FP64", (-1,)),))
    manifest = Manifest(FORMAT, "dummy", "regression", signature, None, (), Parameters(), ())
    golden = Golden({"input": [[1.0, 2.0]]}, {"value": [3.0]}, 1)
    return Parts(
        manifest,
        About("sum", label="1.0.0", created="2026-01-01T00:00:00Z"),
        {"model/graph.onnx": b"graph", "model/deep/table.bin": bytes(range(64))},
        {"golden.json": msgspec.json.encode(golden), "card.md": b"# Sum"},
    )


def distinct(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files whose names differ by more than case."""
    return {name: files[name] for name in {name.lower(): name for name in files}.values()}


def all_bytes(bundle: Bundle) -> dict[str, bytes]:
    listed = (*bundle.manifest.files, *bundle.about.attachments)
    return {entry.path: bundle.read(entry.path) for entry in listed}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_read(tmp_path: Path, parts: Parts, kind: str) -> None:
    identity = write(tmp_path / kind, *parts)
    with open_bundle(tmp_path / kind) as bundle:
        assert bundle.identity == identity
        assert bundle.about.name == "sum"
        assert bundle.read("model/graph.onnx") == b"graph"
        assert bundle.attachment("card.md") == b"# Sum"
        golden = bundle.golden()
        assert golden is not None
        assert golden.outputs == {"value": [3.0]}
        assert not bundle.executable


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(names, blobs, max_size=4), attachments=st.dictionaries(names, blobs, max_size=4))
def test_any_files_survive_the_round_trip(
    tmp_path: Path, parts: Parts, kind: str, files: dict[str, bytes], attachments: dict[str, bytes]
) -> None:
    files = {f"model/{name}": data for name, data in distinct(files).items()}
    attachments = distinct(attachments)
    write(tmp_path / kind, parts.manifest, parts.about, files, attachments)
    with open_bundle(tmp_path / kind) as bundle:
        evidence = {f"attachments/{name}": data for name, data in attachments.items()}
        assert all_bytes(bundle) == {**files, **evidence}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=20), created=st.text(max_size=20), card=blobs)
def test_identity_depends_on_nothing_that_leaves_the_answers_alone(
    tmp_path: Path, parts: Parts, name: str, created: str, card: bytes
) -> None:
    first = write(tmp_path / "a", *parts)
    about = About(name, created=created, tags={"team": name})
    assert write(tmp_path / "b", parts.manifest, about, parts.files, {"card.md": card}) == first


def test_identity_changes_with_any_file_that_changes_answers(tmp_path: Path, parts: Parts) -> None:
    first = write(tmp_path / "a", *parts)
    files = {**parts.files, "model/graph.onnx": b"graph2"}
    assert write(tmp_path / "b", parts.manifest, parts.about, files, {}) != first


def test_the_same_bundle_is_the_same_zip(tmp_path: Path, parts: Parts) -> None:
    write(tmp_path / "a.zip", *parts)
    write(tmp_path / "b.zip", *parts)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_any_flipped_byte_of_any_file_is_detected(tmp_path: Path, parts: Parts) -> None:
    path = tmp_path / "sum.bundle"
    write(path, *parts)
    for file in sorted(item for item in path.rglob("*") if item.is_file()):
        whole = file.read_bytes()
        for place in range(len(whole)):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
            with pytest.raises((BundleCorrupt, FormatTooNew)), open_bundle(path) as bundle:
                all_bytes(bundle)
        file.write_bytes(whole)
    with open_bundle(path) as bundle:
        all_bytes(bundle)


def test_any_flipped_byte_of_content_in_a_zip_is_detected(tmp_path: Path, parts: Parts) -> None:
    """Bytes of a zip's own headers may change without meaning (times, system); then the content is whole."""
    path = tmp_path / "sum.zip"
    write(path, *parts)
    with open_bundle(path) as bundle:
        truth = all_bytes(bundle)
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        try:
            with open_bundle(path) as bundle:
                assert all_bytes(bundle) == truth
        except BundleError:
            continue


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_truncated_file_is_detected(tmp_path: Path, parts: Parts, cut: int) -> None:
    write(tmp_path / "b", *parts)
    file = tmp_path / "b/model/deep/table.bin"
    file.write_bytes(file.read_bytes()[: cut * 8])
    with open_bundle(tmp_path / "b") as bundle, pytest.raises(BundleCorrupt, match="table"):
        bundle.read("model/deep/table.bin")


def _link(path: Path) -> None:
    (path / "model/graph.onnx").rename(path.parent / "elsewhere")
    (path / "model/graph.onnx").symlink_to(path.parent / "elsewhere")


def _linked_folder(path: Path) -> None:
    (path / "model/deep").rename(path.parent / "deep")
    (path / "model/deep").symlink_to(path.parent / "deep")


def _pipe(path: Path) -> None:
    (path / "model/graph.onnx").unlink()
    os.mkfifo(path / "model/graph.onnx")


def _extra(path: Path) -> None:
    (path / "model/hidden.pkl").write_bytes(b"cos\nsystem\n")


def _extra_at_top(path: Path) -> None:
    (path / "setup.py").write_bytes(b"")


def _absent(path: Path) -> None:
    (path / "attachments/card.md").unlink()


def _no_manifest(path: Path) -> None:
    (path / "manifest.json").unlink()


def _deep(path: Path) -> None:
    (path / "model/a/b/c/d/e/f").mkdir(parents=True)


def _nested_json(path: Path) -> None:
    (path / "about.json").write_bytes(b'{"a":' * 100_000)


def _folder_for_file(path: Path) -> None:
    (path / "about.json").unlink()
    (path / "about.json").mkdir()


FAULTS: list[Callable[[Path], None]] = [
    _link,
    _linked_folder,
    _pipe,
    _extra,
    _extra_at_top,
    _absent,
    _no_manifest,
    _deep,
    _nested_json,
    _folder_for_file,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_structure_is_named_and_no_path_is_told(
    tmp_path: Path, parts: Parts, fault: Callable[[Path], None]
) -> None:
    write(tmp_path / "b", *parts)
    fault(tmp_path / "b")
    with pytest.raises(BundleCorrupt) as caught, open_bundle(tmp_path / "b") as bundle:
        all_bytes(bundle)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "model/../x",
        "/model/x",
        "model//x",
        "model/x.",
        "model/.x",
        "model\\x",
        "model/é",
        "model/x\n",
        "x",
        "model",
        "model/a/b/c/d/e",
        "model/" + "x" * 101,
        "attachments/../model/x",
        "model/x\0",
        "C:/model/x",
        "",
    ],
)
def test_paths_that_could_mean_something_else_are_refused(tmp_path: Path, parts: Parts, path: str) -> None:
    assert not layout.safe(path)
    with pytest.raises(BundleCorrupt):
        write(tmp_path / "b", parts.manifest, parts.about, {path: b""}, {})
    assert not (tmp_path / "b").exists()


def test_names_that_differ_only_in_case_are_refused(tmp_path: Path, parts: Parts) -> None:
    with pytest.raises(BundleCorrupt):
        write(tmp_path / "b", parts.manifest, parts.about, {"model/A": b"", "model/a": b""}, {})


def test_a_newer_format_is_called_newer(tmp_path: Path, parts: Parts) -> None:
    write(tmp_path / "b", *parts)
    newer = {"format": FORMAT + 1, "shape": "unknown to us"}
    (tmp_path / "b/manifest.json").write_bytes(msgspec.json.encode(newer))
    with pytest.raises(FormatTooNew, match="upgrade"):
        open_bundle(tmp_path / "b")


@pytest.mark.parametrize("number", [None, 0, -1, True, "1", 1.5])
def test_a_manifest_without_a_format_is_corrupt(tmp_path: Path, parts: Parts, number: object) -> None:
    write(tmp_path / "b", *parts)
    document = msgspec.json.decode(canonical(parts.manifest)) | {"format": number}
    (tmp_path / "b/manifest.json").write_bytes(msgspec.json.encode(document))
    with pytest.raises(BundleCorrupt):
        open_bundle(tmp_path / "b")


def test_an_older_format_is_upgraded_by_its_recipe_and_keeps_its_identity(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade(document: dict[str, object]) -> dict[str, object]:
        return {**document, "format": 2}

    monkeypatch.setattr(layout, "FORMAT", 2)
    monkeypatch.setattr(layout, "UPGRADES", {1: upgrade})
    assert layout.decode_manifest(canonical(parts.manifest)).format == 2


def test_a_manifest_spelled_another_way_is_corrupt(tmp_path: Path, parts: Parts) -> None:
    """One model, one spelling: otherwise one model would have many identities."""
    write(tmp_path / "b", *parts)
    manifest = tmp_path / "b/manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b",", b", ", 1))
    with pytest.raises(BundleCorrupt, match="canonical"):
        open_bundle(tmp_path / "b")


def test_another_bundle_than_the_one_asked_for_is_refused(tmp_path: Path, parts: Parts) -> None:
    identity = write(tmp_path / "b", *parts)
    open_bundle(tmp_path / "b", identity=identity).close()
    with pytest.raises(BundleCorrupt, match="identity"):
        open_bundle(tmp_path / "b", identity="0" * 64)


def test_nothing_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle"):
        open_bundle(tmp_path / "absent")


@pytest.mark.parametrize("kind", KINDS)
def test_an_existing_bundle_is_replaced_and_nothing_is_left_beside_it(
    tmp_path: Path, parts: Parts, kind: str
) -> None:
    write(tmp_path / kind, *parts)
    write(tmp_path / kind, parts.manifest, parts.about, {"model/new": b"new"}, {})
    with open_bundle(tmp_path / kind) as bundle:
        assert all_bytes(bundle) == {"model/new": b"new"}
    assert [item.name for item in tmp_path.iterdir()] == [kind]


def test_an_opened_bundle_still_reads_its_own_files_after_it_was_replaced(
    tmp_path: Path, parts: Parts
) -> None:
    """Digests would catch a mixture of two bundles; holding the old one keeps it from happening."""
    write(tmp_path / "b.zip", *parts)
    with open_bundle(tmp_path / "b.zip") as bundle:
        write(tmp_path / "b.zip", parts.manifest, parts.about, {"model/graph.onnx": b"other"}, {})
        assert bundle.read("model/graph.onnx") == b"graph"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_a_bundle_is_left_alone(tmp_path: Path, parts: Parts, kind: str) -> None:
    target = tmp_path / kind
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    (target / "manifest.json").write_text("{}")
    with pytest.raises(BundleError, match="left alone"):
        write(target, *parts)
    assert (target / "thesis.tex").read_text() == "years of work"


def test_a_file_or_a_link_in_the_way_is_left_alone(tmp_path: Path, parts: Parts) -> None:
    (tmp_path / "f").write_text("text")
    (tmp_path / "l.zip").symlink_to(tmp_path / "f")
    for name in ("f", "l.zip"):
        with pytest.raises(BundleError, match="left alone"):
            write(tmp_path / name, *parts)
    assert (tmp_path / "f").read_text() == "text"


KILLED = """
import os, signal, sys
from pathlib import Path
from modelport.bundle import writer
from modelport.bundle.reader import open_bundle

target, left = Path(sys.argv[1]), int(sys.argv[2])
def hook(event, args):
    # Every visible change of the file system passes here; the process dies before the chosen one.
    global left
    if event in CHANGES:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
CHANGES = {"open", "os.rename", "os.mkdir", "os.chmod", "os.remove", "os.rmdir", "ctypes.dlsym"}
with open_bundle(target) as old:
    arguments = (old.manifest, old.about, {"model/new": b"new"}, {})
sys.addaudithook(hook)
writer.write(target, *arguments)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_point_leaves_the_old_bundle_or_the_new_one(
    tmp_path: Path, parts: Parts, kind: str
) -> None:
    seen = set()
    for point in range(200):
        target = tmp_path / str(point) / kind
        target.parent.mkdir()
        write(target, *parts)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(target), str(point)], check=False, env={"PYTHONPATH": "src"}
        )
        with open_bundle(target) as bundle:
            seen.add(frozenset(all_bytes(bundle)))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert done.returncode == 0
    assert len(seen) == 2


DAY = 24 * 3600


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_writer_left_is_removed_by_a_later_write(
    tmp_path: Path, parts: Parts, kind: str
) -> None:
    folder, file, busy = (tmp_path / f".{kind}.{digit * 12}.tmp" for digit in "abc")
    folder.joinpath("model").mkdir(parents=True)
    folder.joinpath("model/graph.onnx").write_bytes(b"half")
    file.write_bytes(b"half a zip")
    busy.mkdir()
    for old in (folder, file):
        os.utime(old, times=(0, time.time() - DAY - 60))
    write(tmp_path / kind, *parts)
    assert {item.name for item in tmp_path.iterdir()} == {kind, busy.name}


@pytest.mark.parametrize(
    "name",
    [
        ".other.bundle.aaaaaaaaaaaa.tmp",
        ".sum.bundle.tmp",
        ".sum.bundle.notours.tmp",
        "sum.bundle.aaaaaaaaaaaa.tmp",
    ],
)
def test_what_was_not_left_by_a_writer_of_this_bundle_stays(tmp_path: Path, parts: Parts, name: str) -> None:
    (tmp_path / name).mkdir()
    os.utime(tmp_path / name, times=(0, 0))
    write(tmp_path / "sum.bundle", *parts)
    assert (tmp_path / name).is_dir()


def test_a_link_with_a_leftover_name_is_removed_and_not_followed(tmp_path: Path, parts: Parts) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter").write_bytes(b"dear")
    link = tmp_path / ".sum.bundle.aaaaaaaaaaaa.tmp"
    link.symlink_to(tmp_path / "home")
    os.utime(link, times=(0, 0), follow_symlinks=False)
    write(tmp_path / "sum.bundle", *parts)
    assert not link.is_symlink()
    assert (tmp_path / "home/letter").read_bytes() == b"dear"
