"""Picture files made on the spot, and a small graph that looks at them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image


def graph(size: int = 8, dtype: int = TensorProto.FLOAT, factor: float = 10) -> bytes:
    """Mean colour of a picture, then the softmax of `factor` times it: classes red, green, blue."""
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("GlobalAveragePool", ["f"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Mul", ["flat", "factor"], ["sharp"]),
        helper.make_node("Softmax", ["sharp"], ["y"], axis=1),
    ]
    made = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("x", dtype, ["n", 3, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.array(factor, np.float32), "factor")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def saved(image: Any, form: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def plain(colour: Any = (255, 0, 0), size: tuple[int, int] = (20, 10), mode: str = "RGB") -> Any:
    """A picture of one colour; `size` is width and height."""
    return Image.new(mode, size, colour)


def noise(height: int, width: int, seed: int = 0) -> Any:
    """A picture of random pixels."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return Image.fromarray(values.astype(np.uint8))


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG that says to be so large, with the chunks given and nothing else."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *chunks, chunk(b"IEND", b"")])
