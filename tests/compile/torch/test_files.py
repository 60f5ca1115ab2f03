"""Files of PyTorch: loaded and exported in the sandbox, or refused with the way out."""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelport.compile.pack_file import pack_file
from modelport.compile.sandbox.process import Rung
from modelport.errors import SourceRefused, Unsupported
from modelport.runtimes.batch import Batch
from modelport.runtimes.load import load

pytestmark = [pytest.mark.extras, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def torch() -> Any:
    found = importlib.import_module("torch")
    found.manual_seed(0)
    return found


@pytest.fixture(scope="module")
def folder(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small network in every dress, and rows to prove it on."""
    path = tmp_path_factory.mktemp("files")
    nn = torch.nn
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)).eval()
    example = (torch.randn(4, 6),)
    rows = {0: torch.export.Dim("rows")}
    torch.export.save(torch.export.export(model, example, dynamic_shapes=(rows,)), path / "open.pt2")
    torch.export.save(torch.export.export(model, example), path / "fixed.pt2")
    torch.jit.save(torch.jit.script(model), path / "script.pt")
    torch.jit.save(torch.jit.trace(model, example), path / "traced.pth")
    torch.save(model.state_dict(), path / "weights.pt")
    torch.save(model.state_dict(), path / "old.pth", _use_new_zipfile_serialization=False)
    torch.save(model, path / "pickled.pt")
    np.save(path / "rows.npy", np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32))
    return path


@pytest.mark.parametrize("name", ["open.pt2", "script.pt", "traced.pth"])
def test_a_file_becomes_a_proven_bundle(folder: Path, tmp_path: Path, name: str) -> None:
    packed = pack_file(folder / name, name="small", sample_path=folder / "rows.npy", labels=["a", "b", "c"])
    assert packed.parity.holds
    assert packed.about.source["framework"] == "torch"
    with packed.save(tmp_path / "small.bundle") as bundle:
        answer = load(bundle).predict(Batch(2, {"input": np.ones((2, 6), np.float32)}))
        assert answer.array("probabilities").shape == (2, 3)


@pytest.mark.usefixtures("chosen")
def test_every_rung_of_the_sandbox_has_room_for_torch(folder: Path, rung: Rung) -> None:
    packed = pack_file(folder / "open.pt2", name="small", sample_path=folder / "rows.npy", task="transform")
    assert packed.manifest.task == "transform"


def test_a_program_for_a_fixed_number_of_rows_is_refused(folder: Path) -> None:
    with pytest.raises(Unsupported) as caught:
        pack_file(folder / "fixed.pt2", name="small", sample_path=folder / "rows.npy")
    assert caught.value.code in {"fixed-size", "sample-mismatch"}


@pytest.mark.parametrize("name", ["weights.pt", "pickled.pt", "old.pth"])
def test_weights_without_code_are_refused_with_the_way_out(folder: Path, name: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        pack_file(folder / name, name="small", sample_path=folder / "rows.npy", trust_pickle=True)
    assert caught.value.code == "source-unknown"
    assert "torch.export.save" in caught.value.hint


def test_a_program_with_pickles_in_it_is_refused(folder: Path, tmp_path: Path) -> None:
    """Their loader would run them."""
    target = tmp_path / "pickled.pt2"
    with zipfile.ZipFile(folder / "open.pt2") as given, zipfile.ZipFile(target, "w") as made:
        for entry in given.infolist():
            data = given.read(entry)
            if entry.filename.endswith("weights_config.json"):
                data = data.replace(b'"use_pickle": false', b'"use_pickle": true')
            made.writestr(entry, data)
    with pytest.raises(SourceRefused) as caught:
        pack_file(target, name="small", sample_path=folder / "rows.npy")
    assert caught.value.code == "pickle-refused"


@pytest.mark.parametrize("name", ["open.pt2", "script.pt"])
def test_a_damaged_file_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[200:600] = bytes(400)
    target = tmp_path / name
    target.write_bytes(data)
    from modelport.errors import CompileError

    with pytest.raises(CompileError):
        pack_file(target, name="small", sample_path=folder / "rows.npy")
