"""Graphs in, graphs of another precision out. ONNX Runtime's own quantiser does the work.

int8 weights are symmetric, one scale per channel, and 7 bits wide: an AVX2 processor without VNNI adds two
products of 8 bits in 16, which saturates for weights of 8 bits (255 * 127 * 2 > 32,767) and never for weights
of 7 (255 * 63 * 2 = 32,130). So a graph answers alike wherever it is served, for one bit less of weight.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelport.bundle.onnx_opsets import OPSETS, domain_of
from modelport.compile.quantize.anatomy import FLOAT, Anatomy
from modelport.runtimes.batch import Array
from modelport.runtimes.ort import onnxruntime, part

Feeds = Mapping[str, Array]

_DYNAMIC = ["MatMul", "Attention"]
_STATIC = [
    "Conv",
    "MatMul",
    "Gemm",
    "Add",
    "Relu",
    "Clip",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Concat",
    "Flatten",
    "Reshape",
]


def folded(graph: bytes) -> Any:
    """The graph as an `onnx.ModelProto`: constants folded, batch norms in their convolutions, nodes named.

    Only rewrites that do not depend on the machine, so that the same graph gives the same bytes.
    """
    import onnx

    ort = onnxruntime()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        out = Path(folder, "folded.onnx")
        options.optimized_model_filepath = str(out)
        ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        model = onnx.load(out)
    made = part("quantization.onnx_model").ONNXModel(model)
    made.replace_gemm_with_matmul()
    _name_nodes(made.model)
    del made.model.graph.value_info[:]  # the shapes of tables that were just turned round are others
    model = onnx.shape_inference.infer_shapes(made.model)
    part("quantization.quant_utils").add_pre_process_metadata(model)
    return model


def int8_dynamic(model: Any, found: Anatomy) -> bytes:
    """Matrix products in int8; the range of what comes in is measured at every call, over the whole batch."""
    ort = part("quantization")
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        given, made = _written(model, Path(folder)), Path(folder, "int8.onnx")
        ort.quantize_dynamic(
            given,
            made,
            op_types_to_quantize=_DYNAMIC,
            per_channel=True,
            reduce_range=True,
            weight_type=ort.QuantType.QInt8,
            nodes_to_exclude=list(found.kept),
            extra_options={"DefaultTensorType": FLOAT, "WeightSymmetric": True},
        )
        return _finished(made)


def int8_static(model: Any, found: Anatomy, rows: Sequence[Feeds]) -> bytes:
    """Convolutions, and products beside them, in int8; ranges come from `rows`, what the graph is fed."""
    ort = part("quantization")

    class Reader(ort.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self._rows: Iterator[Feeds] = iter(rows)

        def get_next(self) -> Feeds | None:
            return next(self._rows, None)

    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        given, made = _written(model, Path(folder)), Path(folder, "int8.onnx")
        ort.quantize_static(
            given,
            made,
            Reader(),
            quant_format=ort.QuantFormat.QDQ,
            op_types_to_quantize=_STATIC,
            per_channel=True,
            reduce_range=True,
            activation_type=ort.QuantType.QUInt8,
            weight_type=ort.QuantType.QInt8,
            nodes_to_exclude=list(found.kept),
            extra_options={"DefaultTensorType": FLOAT, "WeightSymmetric": True},
        )
        return _finished(made)


def fp16(model: Any) -> bytes:
    """Every float32 inside becomes float16; inputs and outputs keep their types."""
    with warnings.catch_warnings():
        # It tells of each weight too small for float16, which becomes zero; the loss is measured afterwards.
        warnings.simplefilter("ignore")
        made = part("transformers.float16").convert_float_to_float16(
            model, keep_io_types=True, disable_shape_infer=True
        )
    return _serialized(made)


def _name_nodes(model: Any) -> None:
    """Every node gets a name of its own: what stays in fp32 is told by name."""
    for place, node in enumerate(model.graph.node):
        node.name = f"{place}_{node.op_type}"


def _written(model: Any, folder: Path) -> Path:
    import onnx

    path = folder / "given.onnx"
    onnx.save(model, path)
    return path


def _finished(path: Path) -> bytes:
    import onnx

    return _serialized(onnx.load(path))


def _serialized(model: Any) -> bytes:
    """The bytes, always the same for the same graph, naming only operator domains that are served."""
    foreign = [each for each in model.opset_import if domain_of(each.domain) not in OPSETS]
    for each in foreign:
        model.opset_import.remove(each)
    del model.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))
