"""The audit: what a bundle holds is judged before any of it is loaded. Read, audit, construct.

Digests say that a bundle is what its author made; the audit says whether what its author made is harmless to
load. Every file must be, by its bytes, what its name says; graphs are scanned; nothing that runs its author's
code is let through unless the manifest says so openly, and then the caller decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from modelport.bundle import magic, onnx_scan, safetensors_scan
from modelport.bundle.contain import components
from modelport.bundle.onnx_tensors import External
from modelport.core.manifest import Manifest
from modelport.errors import BundleRefused

KINDS: Mapping[str, tuple[magic.Kind, ...]] = {
    "onnx": ("onnx",),
    "safetensors": ("safetensors",),
    "npy": ("npy",),
    "json": ("json",),
    "txt": ("text", "json"),
    "md": ("text", "json"),
    "csv": ("text", "json"),
}
"""What the bytes of an identity file may be, by the ending of its name. Other endings are refused."""

_PROTO = b"\x80"

RUNTIME_FILES: Mapping[str, str] = {
    "image": "model/graph.onnx",
    "onnx": "model/graph.onnx",
    "transformer": "model/graph.onnx",
}
"""The file without which a runtime has nothing to load."""


class Bundle(Protocol):
    """What the audit needs of an opened bundle: `bundle.reader.Bundle` is one."""

    @property
    def manifest(self) -> Manifest: ...

    def read(self, path: str) -> bytes:
        """The verified bytes of a listed file."""
        ...

    def attachments(self) -> tuple[str, ...]:
        """Names of the evidence files."""
        ...

    def attachment(self, name: str) -> bytes:
        """The verified bytes of an evidence file."""
        ...


def audit(bundle: Bundle) -> None:
    """Raise unless everything in `bundle` is harmless to load.

    Raises `BundleRefused` (`executable-refused`, `pickle-refused`, `kind-mismatch`, `kind-unknown`,
    `name-refused`, `file-missing`, the `onnx-*` and `safetensors-*` codes) or `BundleCorrupt`. A bundle that
    declares itself executable passes as far as its programs go: whether to run it is the caller's question.
    """
    manifest = bundle.manifest
    sizes = {entry.path: entry.size for entry in manifest.files}
    needed = RUNTIME_FILES.get(manifest.runtime)
    if needed is not None and needed not in sizes:
        msg = f"the bundle has no {needed}"
        raise BundleRefused(msg, code="file-missing")
    _audit_listed(sizes, bundle.read, executable=manifest.executable)
    for name in bundle.attachments():
        components(name)
        _refuse_code(name, bundle.attachment(name))


def audit_files(files: Mapping[str, bytes], *, executable: bool = False) -> None:
    """The same judgement over files that are not a bundle yet: what came out of a sandbox.

    Raises as `audit` does.
    """
    sizes = {path: len(data) for path, data in files.items()}
    _audit_listed(sizes, files.__getitem__, executable=executable)


def check_external(graph: str, external: tuple[External, ...], sizes: Mapping[str, int]) -> frozenset[str]:
    """Paths of the files that hold the graph's outside tensors.

    Each must be a file of the bundle beside the graph, with room for the tensor. `sizes` are the true sizes
    of the bundle's regular files. Raises `BundleRefused` (`onnx-external-data`).
    """
    folder = graph.rpartition("/")[0]
    found = set()
    for tensor in external:
        path = f"{folder}/{tensor.location}" if folder else tensor.location
        if path == graph or tensor.offset + tensor.length > sizes.get(path, -1):
            msg = f"the external data {tensor.location} is not a file of the bundle, or too small"
            raise BundleRefused(
                msg,
                code="onnx-external-data",
                hint="save the model with its weights inside the graph",
            )
        found.add(path)
    return frozenset(found)


def _audit_listed(sizes: Mapping[str, int], read: Callable[[str], bytes], *, executable: bool) -> None:
    outside: set[str] = set()
    for path in sizes:
        components(path)
        if path.endswith(".onnx"):
            outside |= _audit_graph(path, read(path), sizes)
    for path in sizes.keys() - outside:
        _audit_file(path, read(path), executable=executable)


def _audit_graph(path: str, data: bytes, sizes: Mapping[str, int]) -> frozenset[str]:
    magic.require(path, data, "onnx")
    return check_external(path, onnx_scan.scan(data).external, sizes)


def _audit_file(path: str, data: bytes, *, executable: bool) -> None:
    ending = path.rpartition(".")[2]
    if executable and ending not in KINDS:
        _refuse_pickle(path, data)
        return  # declared openly; `serve` refuses it without --allow-python
    if ending not in KINDS:
        _refuse_code(path, data)
        msg = f"{path} is of a kind that no runtime reads"
        raise BundleRefused(msg, code="kind-unknown")
    magic.require(path, data, *KINDS[ending])
    if ending == "safetensors":
        safetensors_scan.scan(data)


def _refuse_pickle(name: str, data: bytes) -> None:
    """A program is read by who wants to know what it does; nobody reads a pickle.

    A pickle of protocol 2 or later says that it is one; other bytes, where any format is allowed, may parse
    as an older one by chance.
    """
    kind = magic.kind_of(data)
    if kind in {"npy-object", "torch"} or (kind == "pickle" and data.startswith(_PROTO)):
        msg = f"{name} is a pickle, and a bundle holds none"
        raise BundleRefused(msg, code="pickle-refused", hint="pack the model with .npy, .safetensors or JSON")


def _refuse_code(name: str, data: bytes) -> None:
    if magic.kind_of(data) in magic.RUNS_CODE | {"zip", "tar"}:
        magic.require(name, data, "text")
