"""Files of PyTorch and CatBoost that are no good; what only their libraries can write, they write here."""

from __future__ import annotations

import importlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.zoo.animals import Animal, Write, file

Change = Callable[[str, bytes], bytes]


def _zip(**contents: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in contents.items():
            archive.writestr(f"m/{name.replace('__', '/').replace('_DOT_', '.')}", data)
    return out.getvalue()


def _changed(written: Callable[[Path], Path], change: Change) -> Write:
    """An archive with the content of its members changed."""

    def write(folder: Path) -> Path:
        path = written(folder)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, change(name, data))
        return path

    return write


def _cut(written: Callable[[Path], Path], at: float) -> Write:
    """A file that ends early, or late where `at` is above one."""

    def write(folder: Path) -> Path:
        path = written(folder)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * at)])
        return path

    return write


def _overwritten(written: Callable[[Path], Path], share: float) -> Write:
    """A file with forty bytes of nonsense in it."""

    def write(folder: Path) -> Path:
        path = written(folder)
        data = bytearray(path.read_bytes())
        start = int(len(data) * share)
        data[start : start + 40] = b"\xff" * 40
        path.write_bytes(data)
        return path

    return write


def _exported(rows: bool = True) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch = importlib.import_module("torch")
        shapes = ({0: torch.export.Dim("rows")},) if rows else None
        made = torch.export.export(torch.nn.Linear(4, 2).eval(), (torch.randn(3, 4),), dynamic_shapes=shapes)
        torch.export.save(made, folder / "m.pt2")
        return folder / "m.pt2"

    return write


def _module(folder: Path) -> Path:
    torch = importlib.import_module("torch")
    torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.Identity())), folder / "m.pt")
    return folder / "m.pt"


def _scripted(*lines: str) -> Write:
    """A TorchScript archive that does this, in the language it is written in, before it answers `input`."""
    body = "".join(f"    {line}\n" for line in (*lines, "return input"))

    def change(name: str, data: bytes) -> bytes:
        return data.replace(b"    return input\n", body.encode()) if name.endswith("linear.py") else data

    return _changed(_module, change)


def _pickled_weights(name: str, data: bytes) -> bytes:
    return (
        data.replace(b'"use_pickle": false', b'"use_pickle": true') if name.endswith("_config.json") else data
    )


def _graph(replaced: bytes) -> Change:
    return lambda name, data: replaced if name.endswith("models/model.json") else data


def _boosted(folder: Path) -> Path:
    catboost = importlib.import_module("catboost")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 4))
    model = catboost.CatBoostRegressor(
        iterations=8, depth=3, verbose=0, allow_writing_files=False, thread_count=1
    )
    model.fit(rows, rows[:, 0]).save_model(str(folder / "m.cbm"))
    return folder / "m.cbm"


ANIMALS = (
    Animal(
        "torch-weights", file("m.pt", _zip(data_DOT_pkl=b"\x80\x02}.")), "source-unknown", "without the code"
    ),
    Animal(
        "torch-old-weights",
        file("m.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."),
        "source-unknown",
        "pickled",
    ),
    Animal(
        "torch-pickle-that-runs",
        file("m.pt", b"cos\nsystem\n(S'touch owned'\ntR."),
        "source-unknown",
        "pickled",
    ),
    Animal("pt2-cut", file("m.pt2", b"PK\x03\x04"), "source-mismatch", "its bytes say"),
    Animal(
        "pt2-of-weights",
        file("m.pt2", _zip(data_DOT_pkl=b"\x80\x02}.")),
        "source-unknown",
        "without the code",
    ),
    Animal(
        "torchscript-cut",
        file("m.pt", _zip(code__a_DOT_py=b"", constants_DOT_pkl=b"")[:-9]),
        "source-mismatch",
        "its bytes say",
    ),
)
"""Told by their bytes; no library is needed."""

HEAVY = (
    Animal(
        "pt2-with-pickles",
        _changed(_exported(), _pickled_weights),
        "pickle-refused",
        "as a pickle",
        heavy=True,
    ),
    Animal("pt2-of-three-rows", _exported(rows=False), "sample-mismatch", "Guard failed", heavy=True),
    Animal(
        "pt2-no-graph",
        _changed(_exported(), _graph(b"{}")),
        "source-malformed",
        "ExportedProgram",
        heavy=True,
    ),
    Animal(
        "pt2-deep",
        _changed(_exported(), _graph(b"[" * 100_000)),
        "source-malformed",
        "does not take",
        heavy=True,
    ),
    Animal(
        "pt2-names-code",
        _changed(_exported(), lambda n, d: d.replace(b"torch.ops.aten.linear.default", b"os.system")),
        "source-malformed",
        "does not take",
        heavy=True,
    ),
    Animal(
        "pt2-table-of-nonsense",
        _changed(_exported(), lambda n, d: b"[1]" if n.endswith("_config.json") else d),
        "source-malformed",
        "weights_config.json",
        heavy=True,
    ),
    Animal(
        "torchscript-without-end",
        _scripted("while True:", "  input = torch.add(input, 1)"),
        "sandbox-cpu",
        "processor time",
        heavy=True,
    ),
    Animal(
        "torchscript-reads-passwords",
        _scripted(
            "y = torch.from_file('/etc/shadow', False, 4, dtype=0)", "input = torch.add(input, torch.sum(y))"
        ),
        "sample-mismatch|sandbox-denied",
        "",
        heavy=True,
    ),
    Animal(
        "torchscript-fills-memory",
        _scripted("y = torch.zeros([100000, 1000000])", "input = torch.add(input, torch.sum(y))"),
        "sample-mismatch",
        "does not take",
        heavy=True,
    ),
    Animal(
        "torchscript-raises",
        _scripted("ops.prim.RaiseException('no')"),
        "sample-mismatch",
        "does not take",
        heavy=True,
    ),
    Animal(
        "torchscript-rows-look-at-each-other",
        _scripted("input = torch.sub(input, torch.mean(input, [0]))"),
        "mixes-rows",
        "alone",
        heavy=True,
    ),
    Animal("torchscript-nonsense", _scripted("def ("), "source-failed", "could not be used", heavy=True),
    Animal("catboost-cut-in-the-middle", _cut(_boosted, 0.5), "source-malformed", "CatBoost", heavy=True),
    Animal("catboost-cut-at-the-end", _cut(_boosted, 0.97), "source-malformed", "CatBoost", heavy=True),
    Animal(
        "catboost-overwritten-trees",
        _overwritten(_boosted, 0.6),
        "source-malformed",
        "CatBoost refuses",
        heavy=True,
    ),
)
"""Made by their libraries, and read by them in the sandbox."""
