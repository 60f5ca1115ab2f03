"""A small graph of pictures, and picture files made on the spot."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

Saved = Callable[..., bytes]


def graph(size: int = 8, dtype: int = TensorProto.FLOAT) -> bytes:
    """Mean colour of a picture, then the softmax of it: classes red, green, blue."""
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("GlobalAveragePool", ["f"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Mul", ["flat", "ten"], ["sharp"]),
        helper.make_node("Softmax", ["sharp"], ["y"], axis=1),
    ]
    made = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("x", dtype, ["n", 3, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.float32(10), "ten")],
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


@pytest.fixture
def colours() -> list[bytes]:
    """Red, green and blue pictures of several forms."""
    return [
        saved(plain((250, 10, 10)), "PNG"),
        saved(plain((10, 250, 10)), "JPEG", quality=95),
        saved(plain((10, 10, 250)), "WEBP"),
        saved(plain((200, 20, 30)), "BMP"),
    ]
