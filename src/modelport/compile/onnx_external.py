"""Graphs whose weights lie in files beside them: read as one whole graph, and nothing else along with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from modelport.bundle import magic
from modelport.bundle.contain import open_inside
from modelport.bundle.onnx_scan import scan
from modelport.bundle.onnx_tensors import External, outside
from modelport.bundle.trust import check_external
from modelport.errors import BundleRefused

MAX_BYTES = 2_000_000_000
"""Largest graph with its weights inside: the file format ends at 2 GiB."""


def whole_graph(path: Path) -> bytes:
    """The graph in the file `path`, with the weights that lie in files beside it put inside.

    Raises `BundleRefused` (`onnx-external-data`, `link-refused`, `onnx-too-large`, and those of the scan),
    `BundleCorrupt` and `OSError`.
    """
    graph = path.read_bytes()
    magic.require(path.name, graph, "onnx")
    external = scan(graph).external
    if not external:
        return graph
    total = len(graph) + sum(tensor.length for tensor in external)
    if total > MAX_BYTES:
        msg = f"the graph with its weights has {total / 1e9:.1f} GB; {MAX_BYTES / 1e9:.0f} GB are the most"
        raise BundleRefused(msg, code="onnx-too-large", hint="store the weights as float16, or quantise them")
    folder = path.parent.resolve()
    sizes = {location: _size(folder, location) for location in {tensor.location for tensor in external}}
    check_external(path.name, external, sizes)
    return _inside(graph, external, lambda tensor: _read(folder, tensor))


def inside(graph: bytes, files: Mapping[str, bytes]) -> bytes:
    """The graph with the weights that lie in `files`, by the names it has for them, put inside.

    Raises `BundleRefused` as `whole_graph` does.
    """
    external = scan(graph).external
    if not external:
        return graph
    check_external("the graph", external, {name: len(data) for name, data in files.items()})
    return _inside(graph, external, lambda tensor: files[tensor.location][tensor.offset :][: tensor.length])


def _size(folder: Path, location: str) -> int:
    """Size of a file beside the graph, in bytes. Raises `BundleRefused`."""
    try:
        with open_inside(folder, location) as descriptor:
            status = os.fstat(descriptor)
    except FileNotFoundError:
        msg = f"is in the file {location}, which does not lie beside the graph"
        raise outside(msg) from None
    # An archive can hold a link to a file of whoever unpacks it; its bytes would become part of a bundle.
    if status.st_nlink > 1:
        msg = f"{location} is a hard link"
        raise BundleRefused(msg, code="link-refused", hint="make it a plain copy")
    return status.st_size


def _read(folder: Path, tensor: External) -> bytes:
    with open_inside(folder, tensor.location) as descriptor, open(descriptor, "rb", closefd=False) as file:
        file.seek(tensor.offset)
        data = file.read(tensor.length)
    if len(data) != tensor.length:
        msg = "changed while it was read"
        raise outside(msg)
    return data


def _inside(graph: bytes, external: tuple[External, ...], read: Callable[[External], bytes]) -> bytes:
    import onnx

    model = onnx.load_model_from_string(graph)
    # The scan lets only initializers of the main graph lie outside, and tells them in their order.
    away = [each for each in model.graph.initializer if each.data_location or each.external_data]
    for tensor, place in zip(away, external, strict=True):
        tensor.raw_data = read(place)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
    return bytes(model.SerializeToString(deterministic=True))
