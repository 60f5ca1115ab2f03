"""A graph whose weights lie in files beside it is packed whole, and nothing but its weights comes along."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelport.bundle.trust import audit
from modelport.compile.onnx_external import whole_graph
from modelport.compile.pack import pack
from modelport.compile.pack_file import pack_file
from modelport.errors import BundleRefused, ModelportError
from modelport.runtimes.batch import Batch
from modelport.runtimes.load import load

RNG = np.random.default_rng(0)
WEIGHTS, BIAS = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
ROWS = RNG.normal(size=(40, 4)).astype(np.float32)
FILE = "linear.onnx.data"


def linear() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["rows", "w", "b"], ["out"])],
        "g",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(WEIGHTS, "w"), numpy_helper.from_array(BIAS, "b")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def saved(folder: Path) -> Path:
    """The model as exporters write it: one graph, one file of weights."""
    path = folder / "linear.onnx"
    onnx.save_model(
        linear(), path, save_as_external_data=True, location=FILE, size_threshold=0, convert_attribute=False
    )
    assert onnx.load(path, load_external_data=False).graph.initializer[0].data_location
    return path


def _by_pack(path: Path) -> Any:
    return pack(path, name="linear", sample=ROWS, task="regression")


def _by_pack_file(path: Path) -> Any:
    rows = path.with_name("rows.csv")
    np.savetxt(rows, ROWS, delimiter=",", header="a,b,c,d", comments="")
    return pack_file(path, name="linear", sample_path=rows)


@pytest.mark.parametrize("packed", [_by_pack, _by_pack_file], ids=["pack", "pack_file"])
def test_a_graph_with_weights_beside_it_answers_as_before(
    tmp_path: Path, packed: Callable[[Path], Any]
) -> None:
    path = saved(tmp_path)
    found = packed(path)
    (tmp_path / FILE).unlink()  # what was packed needs it no more
    with found.save(tmp_path / "linear.bundle") as bundle:
        audit(bundle)
        answer = load(bundle).predict(Batch(40, {"input": ROWS}))
    name = "value" if packed is _by_pack else "out"
    np.testing.assert_allclose(answer.array(name), ROWS @ WEIGHTS + BIAS, rtol=1e-5, atol=1e-6)


def test_a_graph_with_its_weights_inside_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "linear.onnx"
    path.write_bytes(linear().SerializeToString())
    assert whole_graph(path) == path.read_bytes()


def _edit(path: Path, **entries: str) -> None:
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = entries.get(entry.key, entry.value)
    path.write_bytes(model.SerializeToString())


def _hard_link(path: Path) -> None:
    (path.parent / FILE).rename(path.parent / "somebody")
    os.link(path.parent / "somebody", path.parent / FILE)


def _symlink(path: Path) -> None:
    (path.parent / FILE).rename(path.parent / "somebody")
    (path.parent / FILE).symlink_to(path.parent / "somebody")


def _fifo(path: Path) -> None:
    (path.parent / FILE).unlink()
    os.mkfifo(path.parent / FILE)


def _in_a_branch(path: Path) -> None:
    model = onnx.load(path, load_external_data=False)
    branch = helper.make_graph(
        [helper.make_node("Identity", ["inner"], ["z"])],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [3])],
        [model.graph.initializer.pop()],
    )
    branch.initializer[0].name = "inner"
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    node = helper.make_node("If", ["yes"], ["b"], then_branch=branch, else_branch=branch)
    model.graph.initializer.append(yes)
    model.graph.node.insert(0, node)
    path.write_bytes(model.SerializeToString())


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "62-climbing": (lambda path: _edit(path, location="../secret"), "onnx-external-data"),
    "62-absolute": (lambda path: _edit(path, location="/etc/passwd"), "onnx-external-data"),
    "62-itself": (lambda path: _edit(path, location=path.name), "onnx-external-data"),
    "62-hard-link": (_hard_link, "link-refused"),
    "62-symlink": (_symlink, "link-refused"),
    "62-fifo": (_fifo, "link-refused"),
    "62-missing": (lambda path: (path.parent / FILE).unlink(), "onnx-external-data"),
    "62-too-small": (lambda path: (path.parent / FILE).write_bytes(b"x"), "onnx-external-data"),
    "62-huge-offset": (lambda path: _edit(path, offset=str(1 << 40)), "onnx-external-data"),
    "62-in-a-branch": (_in_a_branch, "onnx-external-data"),
}


@pytest.mark.parametrize("packed", [_by_pack, _by_pack_file], ids=["pack", "pack_file"])
@pytest.mark.parametrize(("attack", "code"), ATTACKS.values(), ids=ATTACKS.keys())
def test_weights_from_anywhere_else_are_refused(
    tmp_path: Path, attack: Callable[[Path], object], code: str, packed: Callable[[Path], Any]
) -> None:
    path = saved(tmp_path)
    attack(path)
    with pytest.raises(ModelportError) as caught:
        packed(path)
    assert caught.value.code == code


def test_a_graph_too_large_for_one_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 29])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=FILE)
    graph = helper.make_graph([], "g", [], [], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "big.onnx").write_bytes(model.SerializeToString())
    with (tmp_path / FILE).open("wb") as file:
        file.truncate(1 << 31)  # a hole: it takes no room
    with pytest.raises(BundleRefused) as caught:
        whole_graph(tmp_path / "big.onnx")
    assert caught.value.code == "onnx-too-large"
