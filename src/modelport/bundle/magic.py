"""What a file really is, by its bytes.

A name is its author's word. Before anything is loaded, the bytes are asked, and name and bytes must agree;
when they do not, the file is refused. There is no second try with another loader anywhere.
"""

from __future__ import annotations

import io
import json
import pickletools
import re
import zipfile
from contextlib import suppress
from itertools import islice
from typing import Literal

from modelport.bundle import onnx_scan
from modelport.errors import BundleRefused

Kind = Literal[
    "onnx",
    "safetensors",
    "npy",
    "npy-object",  # a pickle inside an array file
    "pickle",
    "compressed",  # gzip, zlib, bz2, xz, lz4, zstd: joblib hides pickles in them
    "zip",
    "torch",  # zip with a pickle, as torch.save writes it
    "torchscript",  # zip with a pickle and code, as torch.jit.save writes it
    "torch-export",  # zip with a graph as JSON, as torch.export.save writes it
    "keras",
    "skops",
    "npz",
    "tar",
    "hdf5",
    "tflite",
    "program",  # ELF, PE, Mach-O, WebAssembly, Java, compiled Python, or a script
    "ubjson",  # binary JSON, as XGBoost writes it
    "catboost",
    "json",
    "text",
    "unknown",
]

RUNS_CODE = frozenset({
    "pickle", "npy-object", "torch", "torchscript", "torch-export", "keras", "hdf5", "program", "compressed",
})  # fmt: skip
"""Kinds whose loaders run what the author wrote, or can hide such a file."""

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", "compressed"),
    (b"BZh", "compressed"),
    (b"\xfd7zXZ\x00", "compressed"),
    (b"\x5d\x00\x00", "compressed"),
    (b"\x04\x22\x4d\x18", "compressed"),
    (b"\x28\xb5\x2f\xfd", "compressed"),
    (b"ZF0x", "compressed"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"CBM1", "catboost"),
    (b"{L\x00\x00", "ubjson"),  # an object whose first name has a length in eight bytes
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"#!", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xce\xfa\xed\xfe", "program"),
    (b"\xfe\xed\xfa\xce", "program"),
    (b"\xfe\xed\xfa\xcf", "program"),
    (b"\x00asm", "program"),
)
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_IMPORTS = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"})
_CALLS = frozenset({"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD"})
_NAMES = re.compile(r"[A-Za-z_][\w.]* [A-Za-z_][\w.]*")
_MAX_OPCODES = 20_000


def kind_of(data: bytes) -> Kind:
    """What `data` is. Parses headers only; runs and decompresses nothing."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    for test in (_tflite, _npy, _safetensors, _onnx, _pickle, _zip, _other):
        found = test(data)
        if found is not None:
            return found
    return "unknown"


def require(name: str, data: bytes, *kinds: Kind) -> None:
    """Refuse `data` unless it is of one of `kinds`.

    Raises `BundleRefused`: code `pickle-refused` for pickles in any dress, `executable-refused` for programs
    and formats that carry code, `kind-mismatch` for everything else.
    """
    found = kind_of(data)
    if found in kinds:
        return
    wanted = " or ".join(kinds)
    msg = f"{name} should be {wanted} but its bytes say {found}"
    raise BundleRefused(
        msg,
        code=_code(found),
        hint="pack the original model again; a file is never loaded as something else than it says",
    )


def _code(found: Kind) -> str:
    if found in {"pickle", "npy-object", "torch", "compressed"}:
        return "pickle-refused"
    return "executable-refused" if found in RUNS_CODE else "kind-mismatch"


def _tflite(data: bytes) -> Kind | None:
    return "tflite" if data[4:8] == b"TFL3" else None


def _npy(data: bytes) -> Kind | None:
    if not data.startswith(b"\x93NUMPY"):
        return None
    from numpy.lib import format as npy

    stream = io.BytesIO(data[:65_536])
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        dtype = read(stream)[2]
    except ValueError:
        return "unknown"
    return "npy-object" if dtype.hasobject else "npy"


def _safetensors(data: bytes) -> Kind | None:
    # Eight bytes of header length, then a JSON object: no other format we know begins so.
    length = int.from_bytes(data[:8], "little")
    return "safetensors" if data[8:9] == b"{" and 2 <= length <= len(data) - 8 else None


def _onnx(data: bytes) -> Kind | None:
    return "onnx" if onnx_scan.looks_like_model(data) else None


def _pickle(data: bytes) -> Kind | None:
    """Pickles of protocol 2 and up say so; older ones are known by what their opcodes would do."""
    if data[:1] == b"\x80" and data[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return "pickle"
    found = _opcodes(data)
    if not _readable(data):
        return "pickle" if found & (_IMPORTS | _CALLS) else None
    # Every letter is an opcode, so plain words look like a pickle until one imports and calls.
    return "pickle" if found & _IMPORTS and found & _CALLS else None


def _opcodes(data: bytes) -> set[str]:
    """Names of the opcodes in front; a damaged tail does not help, since a loader runs what is before it."""
    found: set[str] = set()
    # pickletools raises whatever its readers raise on bytes that are no pickle.
    with suppress(Exception):
        for opcode, argument, _ in islice(pickletools.genops(io.BytesIO(data)), _MAX_OPCODES):
            if opcode.name not in {"GLOBAL", "INST"} or _NAMES.fullmatch(str(argument)):
                found.add(opcode.name)
    return found


def _zip(data: bytes) -> Kind | None:
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")) and b"PK\x05\x06" not in data[-65_557:]:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [item.filename for item in archive.infolist()[:10_000]]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "zip"
    return _zip_kind(names)


def _zip_kind(names: list[str]) -> Kind:
    if any(name.endswith("/archive_format") for name in names):
        return "torch-export"
    if any(name.endswith("/constants.pkl") for name in names) and any("/code/" in name for name in names):
        return "torchscript"
    if any(name.endswith((".pkl", ".pickle")) for name in names):
        return "torch"
    if "schema.json" in names:
        return "skops"
    if any(name.endswith((".h5", ".hdf5")) for name in names):
        return "keras"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"


def _other(data: bytes) -> Kind | None:
    if data[257:262] == b"ustar":
        return "tar"
    if data[:2] in _ZLIB:
        return "compressed"
    if data[2:4] == b"\r\n" and data[:2] != b"\r\n":
        return "program"  # compiled Python: a two-byte version, then CR LF
    if data[:1] in {b"{", b"["}:
        return "json" if _is_json(data) else "text" if _readable(data) else None
    return "text" if _readable(data) else None


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _readable(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "\x00" not in text
