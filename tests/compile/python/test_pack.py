"""A Python model is packed with what it needs, tried without anything else, and refused with the reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelport
from modelport.bundle.reader import open_bundle
from modelport.bundle.trust import audit
from modelport.compile.python.code import collect
from modelport.errors import BundleRefused, ModelportError, SettingsError, SourceRefused, Unsupported

ROWS = np.random.default_rng(0).normal(size=(24, 2))
TEXTS = ["a", "bbb", "cccccccc"]


def test_a_class_is_packed_with_its_module_what_that_imports_and_its_files(folder: Path) -> None:
    packed = modelport.pack_python("own_module:Weighs", name="custom", sample=ROWS, files=["weights.npy"])
    manifest = packed.manifest
    assert sorted(packed.files) == [
        "model/code/own_module.py",
        "model/code/own_scale.py",
        "model/code/weights.npy",
    ]
    assert (manifest.runtime, manifest.task, manifest.executable) == ("python", "classification", True)
    assert manifest.labels == ("no", "yes")
    assert manifest.steps[0].options["requirements"] == {"numpy": np.__version__}
    assert packed.parity.holds
    assert "own_module" not in sys.modules, "who packs it does not import it"
    with packed.save(folder / "custom.bundle") as bundle:
        audit(bundle)
        golden = bundle.golden()
    assert golden is not None
    assert golden.rows == 16


@pytest.mark.parametrize(
    ("entry", "sample", "task", "labels"),
    [
        ("own_module:lengths", TEXTS, "regression", None),
        ("own_module:mood", TEXTS, "classification", ("long", "short")),
        ("own_module:table", {"a": [1, 2, 3], "b": ["x", "y", None]}, "regression", None),
    ],
)
def test_what_the_answers_mean_is_found_out(
    folder: Path, entry: str, sample: Any, task: str, labels: Any
) -> None:
    packed = modelport.pack_python(entry, name="custom", sample=sample)
    assert (packed.manifest.task, packed.manifest.labels) == (task, labels)


@pytest.mark.parametrize(
    ("entry", "code", "told"),
    [
        ("own_module:guess", "answers-vary", "fix seeds"),
        ("own_module:centred", "answers-vary", "depend on the others"),
        ("own_module:Weighs", "python-failed", "weights.npy"),
        ("own_module:fails", "python-failed", "ValueError: no such thing"),
        ("own_module:ends", "python-failed", "exit code 3"),
        ("own_module:later", "python-entry", "no plain predict"),
        ("own_module:absent", "python-entry", "has no absent"),
        ("absent_module:Model", "python-entry", "no module 'absent_module'"),
        ("own_module:chances", "labels", "order"),
        ("no entry", "python-entry", "names no model"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused(folder: Path, entry: str, code: str, told: str) -> None:
    with pytest.raises(ModelportError, match=told) as refused:
        modelport.pack_python(entry, name="custom", sample=ROWS)
    assert refused.value.code == code


def test_a_class_of_a_module_is_packed_by_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    from own_module import lengths  # type: ignore[import-not-found]

    packed = modelport.pack(lengths, name="custom", sample=TEXTS)
    assert packed.manifest.steps[0].options["entry"] == "own_module:lengths"
    with pytest.raises(Unsupported, match="not compiled"):
        modelport.pack(lengths, name="custom", sample=TEXTS, quantize="int8")
    monkeypatch.delitem(sys.modules, "own_module")


def test_a_class_without_a_module_of_its_own_is_refused() -> None:
    class Local:
        """Nobody else could import it."""

    with pytest.raises(Unsupported, match="put the class or function into a file"):
        collect(Local)


def test_a_pickle_is_no_part_of_a_bundle(folder: Path) -> None:
    (folder / "weights.pkl").write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e.")
    with pytest.raises(SourceRefused, match="a bundle holds none") as refused:
        collect("own_module:Weighs", ["weights.pkl"])
    assert refused.value.code == "pickle-refused"


def test_a_pickle_in_a_bundle_that_runs_code_is_refused_all_the_same(folder: Path) -> None:
    packed = modelport.pack_python("own_module:lengths", name="custom", sample=TEXTS)
    files = {
        **packed.files,
        "model/code/x.bin": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e.",
    }
    from modelport.bundle.writer import write

    write(folder / "bad.bundle", packed.manifest, packed.about, files, {})
    with open_bundle(folder / "bad.bundle") as bundle, pytest.raises(BundleRefused, match="pickle"):
        audit(bundle)


@pytest.mark.parametrize(
    ("files", "requires", "code"),
    [
        (["absent.npy"], [], "no-such-file"),
        ([], ["absent-library"], "requirement-absent"),
        ([], ["numpy; touch /tmp/pwn"], "requirement-absent"),
        ([], ["-r"], "requirement-absent"),
        (["odd name.npy"], [], "bundle-path"),
    ],
)
def test_files_and_requirements_that_make_no_sense_are_refused(
    folder: Path, files: list[str], requires: list[str], code: str
) -> None:
    (folder / "odd name.npy").write_bytes((folder / "weights.npy").read_bytes())
    with pytest.raises(SettingsError) as refused:
        collect("own_module:lengths", files, requires)
    assert refused.value.code == code


def test_a_package_and_a_folder_of_files_keep_their_places(folder: Path) -> None:
    for name in ("own_package/__init__.py", "own_package/inner/__init__.py", "own_package/data/words.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("words = 'a'\n")
    code = collect("own_package.inner:Model", ["own_package/data"])
    assert sorted(code.files) == [
        "model/code/own_package/__init__.py",
        "model/code/own_package/data/words.txt",
        "model/code/own_package/inner/__init__.py",
    ]
