"""Models in fewer bits: made, judged, chosen or refused, and proven again when they are loaded."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier
from tests.compile.quantize.networks import Digits, as_images

import modelport
from modelport.bundle.writer import write
from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.compile.quantize.anatomy import anatomy
from modelport.compile.quantize.bundled import quantize_bundle
from modelport.compile.quantize.processor import processor
from modelport.compile.quantize.report import Report
from modelport.compile.quantize.wish import Wish
from modelport.compile.sample import Sample
from modelport.errors import ModelportError, ParityError, SettingsError, Unsupported
from modelport.runtimes.load import load, replay

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def report_of(packed: Packed) -> Report:
    return msgspec.json.decode(packed.attachments["precision.json"], type=Report)


@pytest.fixture(scope="module")
def fp32(perceptron: MLPClassifier, digits: Digits) -> Packed:
    return pack(perceptron, name="digits", sample=digits.unseen)


@pytest.fixture(scope="module")
def int8(perceptron: MLPClassifier, digits: Digits) -> Packed:
    return pack(
        perceptron,
        name="digits",
        sample=digits.unseen,
        quantize="int8",
        truth=digits.truth,
        allow_loss=1.0,
    )


def test_an_int8_model_is_another_model_and_a_smaller_one(fp32: Packed, int8: Packed) -> None:
    assert int8.identity != fp32.identity
    assert sum(map(len, int8.files.values())) < 0.5 * sum(map(len, fp32.files.values()))
    assert int8.about.source["precision"] == "int8"


def test_the_same_model_gives_the_same_int8_identity(
    perceptron: MLPClassifier, digits: Digits, int8: Packed
) -> None:
    again = pack(perceptron, name="digits", sample=digits.unseen, quantize="int8")
    assert again.identity == int8.identity


def test_the_evidence_tells_size_speed_and_accuracy_of_both(int8: Packed) -> None:
    report = report_of(int8)
    before, after = report.variants
    assert (report.chosen, before.precision, after.precision) == ("int8", "fp32", "int8")
    assert 0 < after.bytes < before.bytes
    assert [timed.case for timed in after.timings] == ["1 row", "8 rows", "32 rows"]
    assert after.loss is not None
    assert (after.loss.measure, after.loss.rows) == ("accuracy", 1197)
    assert after.loss.before > 0.9
    assert after.loss.lost <= 1.0
    assert "int8" in int8.attachments["card.md"].decode()


def test_an_int8_bundle_replays_its_golden_rows_when_it_is_loaded(int8: Packed, tmp_path: Path) -> None:
    with int8.save(tmp_path / "digits.bundle") as bundle:
        golden = bundle.golden()
        assert golden is not None
        assert golden.rows >= 8
        assert 0.02 <= golden.tolerance <= 0.1
        replay(load(bundle), golden, bundle.manifest.signature)


def test_no_sum_of_two_products_can_saturate_sixteen_bits(int8: Packed) -> None:
    """Processors with AVX2 and no VNNI add two products of bytes in 16 bits."""
    model = onnx.load_model_from_string(int8.files["model/graph.onnx"])
    tables = [numpy_helper.to_array(each) for each in model.graph.initializer if each.data_type == 3]
    assert any(table.ndim == 2 for table in tables)
    assert max(int(np.abs(table.astype(int)).max()) for table in tables) * 255 * 2 <= 32_767


def test_every_channel_has_a_scale_of_its_own(int8: Packed) -> None:
    model = onnx.load_model_from_string(int8.files["model/graph.onnx"])
    scales = [each for each in model.graph.initializer if each.name.endswith("_scale")]
    assert scales
    assert all(tuple(each.dims) == (128,) for each in scales)


def test_the_product_at_the_output_stays_as_it_is(int8: Packed) -> None:
    model = onnx.load_model_from_string(int8.files["model/graph.onnx"])
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("MatMulInteger") == 2
    assert kinds.count("MatMul") == 1
    assert report_of(int8).variants[1].kept == 1


def test_a_sum_that_passes_layers_by_makes_no_layer_a_head() -> None:
    """Every residual layer leads straight to the output; only the last is next to it."""
    nodes, tensor, tables = [], "x", []
    for layer in range(4):
        tables.append(numpy_helper.from_array(np.ones((64, 64), np.float32), f"w{layer}"))
        nodes.append(helper.make_node("MatMul", [tensor, f"w{layer}"], [f"p{layer}"], name=f"product{layer}"))
        nodes.append(helper.make_node("Add", [tensor, f"p{layer}"], [f"s{layer}"]))
        tensor = f"s{layer}"
    shapes = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 64]) for name in ("x", tensor)
    ]
    graph = helper.make_graph(nodes, "residual", shapes[:1], shapes[1:], tables)
    found = anatomy(helper.make_model(graph))
    assert (found.kept, found.nodes) == (("product3",), 3)


def test_convolutions_are_calibrated_on_the_sample(convolution: bytes, digits: Digits) -> None:
    packed = pack(
        convolution,
        name="digits",
        sample={"image": as_images(digits.unseen)},
        labels=range(10),
        quantize="int8",
        truth=digits.truth,
        allow_loss=1.0,
    )
    report = report_of(packed)
    assert report.variants[1].method == "static"
    assert report.variants[1].bytes < 0.55 * report.variants[0].bytes
    kinds = {
        node.op_type for node in onnx.load_model_from_string(packed.files["model/graph.onnx"]).graph.node
    }
    assert {"QuantizeLinear", "DequantizeLinear", "Conv"} <= kinds
    assert report.variants[1].loss is not None
    assert report.variants[1].loss.before > 0.9
    assert report.variants[1].shift < 1e-5  # fixed ranges: a row's neighbours do not matter


def test_half_precision_keeps_the_types_of_inputs_and_outputs(
    perceptron: MLPClassifier, digits: Digits, fp32: Packed
) -> None:
    packed = pack(perceptron, name="digits", sample=digits.unseen, quantize="fp16", truth=digits.truth)
    assert packed.manifest.signature == fp32.manifest.signature
    assert sum(map(len, packed.files.values())) < 0.6 * sum(map(len, fp32.files.values()))
    report = report_of(packed)
    assert report.variants[1].loss is not None
    assert abs(report.variants[1].loss.lost) < 0.5


@pytest.mark.parametrize("asked", ["int8", "fp16"])
def test_a_forest_has_nothing_to_quantise(digits: Digits, asked: str) -> None:
    model = DecisionTreeClassifier(max_depth=5).fit(digits.seen, digits.seen_truth)
    with pytest.raises(Unsupported, match="nothing to quantise") as caught:
        pack(model, name="tree", sample=digits.unseen[:50], quantize=asked)
    assert caught.value.code == "nothing-to-quantize"


def test_auto_keeps_a_linear_model_and_says_why(digits: Digits) -> None:
    model = LinearRegression().fit(digits.seen, digits.seen_truth)
    packed = pack(model, name="line", sample=digits.unseen[:50], quantize="auto")
    plain = pack(model, name="line", sample=digits.unseen[:50])
    assert packed.identity == plain.identity
    report = report_of(packed)
    assert report.chosen == "fp32"
    assert "nothing to quantise" in report.why
    assert "fp32 stays" in packed.attachments["card.md"].decode()


def test_few_rows_decide_nothing(perceptron: MLPClassifier, digits: Digits) -> None:
    packed = pack(
        perceptron, name="digits", sample=digits.unseen[:20], quantize="auto", truth=digits.truth[:20]
    )
    report = report_of(packed)
    assert report.chosen == "fp32"
    assert report.rows_needed == 598
    assert "needs at least 598" in report.why
    with pytest.raises(ParityError, match="needs at least 598") as caught:
        pack(perceptron, name="digits", sample=digits.unseen[:20], quantize="int8", allow_loss=0.5)
    assert caught.value.code == "too-few-rows"


def test_a_named_precision_that_loses_too_much_is_refused(perceptron: MLPClassifier, digits: Digits) -> None:
    """One shouting pixel per row takes all of the 256 steps there are; the others fall between them."""
    model, deaf = copy.deepcopy(perceptron), digits.unseen.copy()
    deaf[:, 0] = 1e4
    model.coefs_[0][0] = 0.0
    with pytest.raises(ParityError, match="loses more than") as caught:
        pack(model, name="digits", sample=deaf, quantize="int8", truth=digits.truth, allow_loss=0.5)
    assert caught.value.code == "precision-loss"


def test_a_regression_is_judged_by_its_error(digits: Digits) -> None:
    model = MLPRegressor(hidden_layer_sizes=(128,), max_iter=40, random_state=0).fit(
        digits.seen, digits.seen_truth
    )
    packed = pack(model, name="r", sample=digits.unseen, quantize="int8", truth=digits.truth, allow_loss=20.0)
    loss = report_of(packed).variants[1].loss
    assert loss is not None
    assert loss.measure == "rmse"
    assert 0 < loss.before < 3


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"quantize": "int8", "truth": ["seven"] * 20}, "labels-mismatch"),
        ({"quantize": "int8", "truth": [1, 2]}, "labels-mismatch"),
        ({"quantize": "int4"}, "settings"),
        ({"allow_loss": 0.5}, "settings"),
        ({"quantize": "auto", "allow_loss": float("nan")}, "settings"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    perceptron: MLPClassifier, digits: Digits, wanted: dict[str, Any], code: str
) -> None:
    with pytest.raises(ModelportError) as caught:
        pack(perceptron, name="digits", sample=digits.unseen[:20], **wanted)
    assert caught.value.code == code


def test_a_bundle_is_quantised_without_its_source(
    fp32: Packed, int8: Packed, digits: Digits, tmp_path: Path
) -> None:
    with fp32.save(tmp_path / "digits.bundle") as bundle:
        made = quantize_bundle(bundle, Sample.of(digits.unseen), Wish("int8", digits.truth, 1.0))
    assert made.identity == int8.identity
    write(tmp_path / "int8.bundle", made.manifest, made.about, made.files, made.attachments)
    with modelport.open_bundle(tmp_path / "int8.bundle") as bundle:
        assert "parity.json" in bundle.attachments()
        golden = bundle.golden()
        assert golden is not None
        replay(load(bundle), golden, bundle.manifest.signature)
        with pytest.raises(Unsupported, match="int8 already"):
            quantize_bundle(bundle, Sample.of(digits.unseen), Wish("int8"))


def test_weights_beside_the_graph_are_read_from_there(fp32: Packed) -> None:
    from modelport.compile.onnx_external import inside

    model = onnx.load_model_from_string(fp32.files["model/graph.onnx"])
    tensor = next(each for each in model.graph.initializer if len(each.dims) == 2)
    values = numpy_helper.to_array(tensor)
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", str(values.nbytes))):
        tensor.external_data.add(key=key, value=value)
    whole = onnx.load_model_from_string(inside(model.SerializeToString(), {"weights.bin": values.tobytes()}))
    found = next(each for each in whole.graph.initializer if each.name == tensor.name)
    np.testing.assert_array_equal(numpy_helper.to_array(found), values)


def test_the_processor_is_described_by_what_decides() -> None:
    old = processor("model name\t: Old\nflags\t\t: sse avx2 fma\n", cores=4)
    new = processor("model name\t: New\nflags\t\t: avx2 avx512_vnni\n", cores=2)
    assert (old.name, old.cores, old.features) == ("Old", 4, ("avx2",))
    assert "VNNI" in old.says
    assert "avx512_vnni" in new.says


def test_a_wish_without_a_limit_has_one_when_it_is_auto() -> None:
    from modelport.compile.quantize.wish import wish

    assert wish(None) is None
    auto, named = wish("auto"), wish("int8")
    assert auto is not None
    assert named is not None
    assert (auto.allowed, named.allowed) == (0.5, None)
    with pytest.raises(SettingsError):
        wish(None, truth=[1])


def test_tables_that_lie_the_other_way_round_are_quantised(digits: Digits) -> None:
    """Exporters write the weights of a layer as `[outputs, inputs]` and say so in the node."""
    rng = np.random.default_rng(0)
    tables = {"first": rng.normal(size=(128, 64)), "second": rng.normal(size=(10, 128))}
    nodes = [
        helper.make_node("Gemm", ["x", "first"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "second"], ["y"], transB=1),
    ]
    given, made = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", width])
        for name, width in (("x", 64), ("y", 10))
    )
    weights = [numpy_helper.from_array(table.astype(np.float32), name) for name, table in tables.items()]
    graph = helper.make_graph(nodes, "turned", [given], [made], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    packed = pack(model, name="turned", sample=digits.unseen[:100], quantize="int8")
    loss = report_of(packed).variants[1].loss
    assert loss is not None
    assert (loss.measure, report_of(packed).variants[1].kept) == ("similarity", 1)
    assert loss.after > 0.999
