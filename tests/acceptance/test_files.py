"""RELIABILITY cases 57 to 65: hostile model files and archives are refused, and nothing else happens."""

from __future__ import annotations

import io
import os
import pickle
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelport.bundle import contain, safetensors_scan
from modelport.bundle.archive import Limits, open_archive, unpack
from modelport.bundle.reader import open_bundle
from modelport.bundle.trust import audit, audit_files
from modelport.bundle.writer import write
from modelport.compile.pack_file import PROBE, probe
from modelport.compile.source import open_source
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, RuntimeKind
from modelport.core.signature import Field, Signature
from modelport.errors import BundleError, ModelportError, SandboxError, SourceRefused

GRAPH = "model/graph.onnx"
SECRET = b"the canary"


@pytest.fixture(autouse=True)
def harmless(tmp_path: Path) -> Iterator[None]:
    """After every case: the canary is untouched, nothing appeared beside it, a good bundle opens."""
    (tmp_path / "work").mkdir()
    (tmp_path / "canary").write_bytes(SECRET)
    yield
    assert (tmp_path / "canary").read_bytes() == SECRET
    assert {path.name for path in tmp_path.iterdir()} == {"work", "canary"}
    assert not list(tmp_path.rglob("*.partial"))
    good = save(tmp_path / "work" / "good.bundle", {}, runtime="dummy")
    with open_bundle(good) as bundle:
        audit(bundle)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The one folder in which a case may write."""
    return tmp_path / "work"


def save(
    path: Path, files: Mapping[str, bytes], *, runtime: RuntimeKind = "onnx", executable: bool = False
) -> Path:
    signature = Signature("vector", (Field("input", "FP64", (-1, 2)),), (Field("value", "FP64", (-1,)),))
    manifest = Manifest(
        FORMAT, runtime, "regression", signature, None, (), Parameters(), (), executable=executable
    )
    write(path, manifest, About("hostile"), files, {})
    return path


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(ModelportError) as caught:
        action()
    assert caught.value.status == 400
    assert "/root" not in str(caught.value)
    return caught.value.code


# -- archives ------------------------------------------------------------------------------------------------


@dataclass
class Raw:
    """One zip member, with everything a forger can choose; `data` is what lies in the archive."""

    name: bytes
    data: bytes = b"x"
    method: int = 0
    size: int | None = None
    mode: int = 0o100600
    flags: int = 0
    extra: bytes = b""
    inside: list[Raw] = field(default_factory=list)

    def local(self) -> bytes:
        body = self.data + b"".join(member.local() for member in self.inside)
        sizes = (zlib.crc32(self.plain()), len(body), self.true_size(body))
        head = (b"PK\x03\x04", 20, self.flags, self.method, 0, 0, *sizes, len(self.name), 0)
        return struct.pack("<4s5H3L2H", *head) + self.name + body

    def central(self, at: int) -> bytes:
        body = self.data + b"".join(member.local() for member in self.inside)
        size = self.true_size(body) if self.size is None else self.size
        sizes = (zlib.crc32(self.plain()), len(body), size, len(self.name), len(self.extra), 0, 0, 0)
        head = (b"PK\x01\x02", 3 << 8 | 20, 20, self.flags, self.method, 0, 0, *sizes, self.mode << 16, at)
        return struct.pack("<4s6H3L5H2L", *head) + self.name + self.extra

    def plain(self) -> bytes:
        body = self.data + b"".join(member.local() for member in self.inside)
        return zlib.decompress(body, -15) if self.method == 8 else body

    def true_size(self, body: bytes) -> int:
        return len(zlib.decompress(body, -15)) if self.method == 8 else len(body)


def raw_zip(*members: Raw, count: int | None = None) -> bytes:
    body, directory = b"", b""
    for member in members:
        at = len(body)
        directory += member.central(at)
        for inner in member.inside:
            directory += inner.central(at + 30 + len(member.name) + len(member.data))
        body += member.local()
    total = len(members) + sum(len(member.inside) for member in members) if count is None else count
    end = (b"PK\x05\x06", 0, 0, total, total, len(directory), len(body), 0)
    return body + directory + struct.pack("<4s4H2LH", *end)


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def tarball(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def zip64_lie() -> bytes:
    claim = struct.pack("<HHQ", 1, 8, 1 << 60)
    return raw_zip(Raw(b"a", size=0xFFFFFFFF, extra=claim))


LINK, FIFO, DEVICE = stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o600, stat.S_IFBLK | 0o600

ARCHIVES = {
    **{
        f"57-name-{index}": (raw_zip(Raw(name)), "archive-path")
        for index, name in enumerate(
            [
                b"../x",
                b"/abs",
                b"C:\\x",
                b"C:x",
                b"a/../../x",
                b"a/..",
                b"a\x00.txt",
                b"x.",
                b"x ",
                b"a./x",
                b"a\\..\\x",
                b"./x",
                b"a//b",
                b".hidden",
                b"con.txt",
                b"\xff\xfe",
                "ünicode".encode(),
                b"",
            ]
        )
    },
    "57-tar": (tarball("../x"), "archive-format"),
    "58-symlink": (raw_zip(Raw(b"link", b"/etc/passwd", mode=LINK)), "archive-link"),
    "58-file-through-symlink": (
        raw_zip(Raw(b"link", b"/tmp", mode=LINK), Raw(b"link/owned")),
        "archive-link",
    ),
    "58-file-as-folder": (raw_zip(Raw(b"a"), Raw(b"a/b")), "archive-duplicate"),
    "58-fifo": (raw_zip(Raw(b"pipe", mode=FIFO)), "archive-link"),
    "58-device": (raw_zip(Raw(b"disk", mode=DEVICE)), "archive-link"),
    "58-setuid": (raw_zip(Raw(b"tool", mode=stat.S_IFREG | 0o4755)), "archive-link"),
    "59-long-name": (raw_zip(Raw(b"a" * 4096)), "archive-path"),
    "59-deep-name": (raw_zip(Raw(b"/".join([b"a"] * 40))), "archive-path"),
    "59-entries": (raw_zip(*(Raw(b"%d" % number) for number in range(10_001))), "archive-entries"),
    "59-claimed-entries": (raw_zip(Raw(b"a"), count=65_000), "archive-entries"),
    "59-twice": (raw_zip(Raw(b"a"), Raw(b"a")), "archive-duplicate"),
    "59-twice-but-for-case": (raw_zip(Raw(b"Model"), Raw(b"model")), "archive-duplicate"),
    "60-bomb": (raw_zip(Raw(b"a", deflated(bytes(64 << 20)), method=8)), "archive-ratio"),
    "60-overlap": (raw_zip(Raw(b"a", inside=[Raw(b"b")])), "archive-overlap"),
    "60-zip64-lie": (zip64_lie(), "archive-size"),
    "60-fewer-entries-than-claimed": (raw_zip(Raw(b"a"), count=2), "archive-corrupt"),
    "60-encrypted": (raw_zip(Raw(b"a", flags=1)), "archive-format"),
    "60-unknown-method": (raw_zip(Raw(b"a", method=12)), "archive-format"),
    "60-trailing-bytes": (raw_zip(Raw(b"a")) + b"more", "archive-corrupt"),
    "60-cut": (raw_zip(Raw(b"a" * 50, b"x" * 500))[:-30], "archive-format"),
}


@pytest.mark.parametrize(("data", "code"), ARCHIVES.values(), ids=ARCHIVES.keys())
def test_hostile_archive_is_refused_before_anything_is_unpacked(work: Path, data: bytes, code: str) -> None:
    path = work / "hostile.zip"
    path.write_bytes(data)
    assert code_of(lambda: open_archive(path)) == code
    with pytest.raises(BundleError):
        open_bundle(path)


@pytest.mark.parametrize(
    ("size", "code"), [(10, "archive-size"), (5 << 20, "archive-corrupt")], ids=["60-smaller", "60-larger"]
)
def test_forged_sizes_stop_while_unpacking_and_leave_nothing(work: Path, size: int, code: str) -> None:
    path = work / "forged.zip"
    path.write_bytes(raw_zip(Raw(b"a", deflated(os.urandom(1 << 20) * 4), method=8, size=size)))
    with open_archive(path) as archive:
        assert code_of(lambda: unpack(archive, work / "out")) == code
    assert {item.name for item in work.iterdir()} == {"forged.zip"}


def test_60_total_bytes_are_capped_over_all_members(work: Path) -> None:
    path = work / "many.zip"
    path.write_bytes(raw_zip(*(Raw(b"%d" % number, bytes(1000)) for number in range(50))))
    assert code_of(lambda: open_archive(path, Limits(total=40_000))) == "archive-size"


def test_60_an_archive_in_an_archive_stays_bytes(work: Path) -> None:
    inner = raw_zip(Raw(b"../../canary", b"changed"))
    path = work / "outer.zip"
    path.write_bytes(raw_zip(Raw(b"inner.zip", inner)))
    with open_archive(path) as archive:
        unpack(archive, work / "out")
    assert (work / "out" / "inner.zip").read_bytes() == inner
    assert code_of(lambda: audit_files({"model/inner.zip": inner})) == "kind-mismatch"


# -- folders -------------------------------------------------------------------------------------------------


def _link_file(bundle: Path, outside: Path) -> None:
    (bundle / "model/terms.txt").unlink()
    (bundle / "model/terms.txt").symlink_to(outside)


def _link_folder(bundle: Path, outside: Path) -> None:
    (bundle / "model").rename(outside.with_name("elsewhere"))
    (bundle / "model").symlink_to(outside.with_name("elsewhere"))


def _hard_link(bundle: Path, outside: Path) -> None:
    (bundle / "model/terms.txt").unlink()
    os.link(outside, bundle / "model/terms.txt")


def _fifo(bundle: Path, outside: Path) -> None:
    (bundle / "model/terms.txt").unlink()
    os.mkfifo(bundle / "model/terms.txt")


def _extra_file(bundle: Path, outside: Path) -> None:
    (bundle / "model/hidden.pkl").write_bytes(pickle.dumps(os.system))


@pytest.mark.parametrize(
    "change",
    [_link_file, _link_folder, _hard_link, _fifo, _extra_file],
    ids=["58-symlink", "58-symlinked-parent", "58-hard-link", "58-fifo", "65-hidden-file"],
)
def test_a_folder_that_is_not_what_was_written_is_refused(
    work: Path, change: Callable[[Path, Path], None]
) -> None:
    path = save(work / "bundle", {"model/terms.txt": SECRET}, runtime="dummy")
    (work / "other").write_bytes(b"somebody's file")
    change(path, work / "other")

    def read() -> None:
        with open_bundle(path) as bundle:
            bundle.read("model/terms.txt")

    with pytest.raises(BundleError) as caught:
        read()
    assert "somebody" not in str(caught.value)


def test_61_a_sibling_with_the_same_beginning_is_outside(work: Path) -> None:
    store, evil = work / "store", work / "store-evil"
    store.mkdir()
    evil.mkdir()
    (store / "link").symlink_to(evil)
    assert contain.is_within(store, store / "a" / "b")
    assert not contain.is_within(store, evil / "x")
    assert not contain.is_within(store, store / ".." / "store-evil" / "x")
    assert not contain.is_within(store, store / "link" / "x")


@pytest.mark.parametrize("name", ["../store-evil/x", "link/x", "/etc/passwd", "a/../../x"])
def test_61_names_do_not_lead_out_of_the_store(work: Path, name: str) -> None:
    store, evil = work / "store", work / "store-evil"
    store.mkdir()
    evil.mkdir()
    (evil / "x").write_bytes(SECRET)
    (store / "link").symlink_to(evil)

    def read() -> None:
        with contain.open_inside(store, name):
            pytest.fail("opened")

    assert code_of(read) in {"name-refused", "link-refused"}


# -- ONNX ----------------------------------------------------------------------------------------------------


def model(*nodes: onnx.NodeProto, **more: Any) -> onnx.ModelProto:
    row = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])
    chain = nodes or (helper.make_node("Identity", ["x"], ["y"]),)
    graph = helper.make_graph(chain, "g", [row], [answer], more.pop("initializer", []))
    return helper.make_model(graph, ir_version=10, **{"opset_imports": [helper.make_opsetid("", 20)], **more})


def external(**entries: str) -> bytes:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    data: bytes = model(initializer=[tensor]).SerializeToString()
    return data


EXTERNAL: dict[str, dict[str, str]] = {
    "62-climbing": {"location": "../../secret"},
    "62-absolute": {"location": "/etc/passwd"},
    "62-folder": {"location": "linked/weights.bin"},
    "62-backslash": {"location": "..\\secret"},
    "62-nul": {"location": "weights.bin\0"},
    "62-newline": {"location": "weights.bin\n"},
    "62-empty": {},
    "62-dots": {"location": ".."},
    "62-missing": {"location": "missing.bin"},
    "62-itself": {"location": "graph.onnx"},
    "62-wrong-size": {"location": "weights.bin", "length": "17"},
    "62-huge-offset": {"location": "weights.bin", "offset": str(1 << 62), "length": "16"},
    "62-negative-offset": {"location": "weights.bin", "offset": "-16"},
    "62-offset-past-the-end": {"location": "weights.bin", "offset": "4"},
}


@pytest.mark.parametrize("entries", EXTERNAL.values(), ids=EXTERNAL.keys())
def test_external_data_that_leaves_is_refused(work: Path, entries: dict[str, str]) -> None:
    path = save(work / "bundle", {GRAPH: external(**entries), "model/weights.bin": bytes(16)})
    with open_bundle(path) as bundle:
        assert code_of(lambda: audit(bundle)) == "onnx-external-data"


def test_62_external_data_beside_the_graph_is_read(work: Path) -> None:
    good = {GRAPH: external(location="weights.bin", offset="0", length="16"), "model/weights.bin": bytes(16)}
    with open_bundle(save(work / "bundle", good)) as bundle:
        audit(bundle)


def _recursive() -> onnx.ModelProto:
    body = [helper.make_node("F", ["a"], ["b"], domain="com.microsoft")]
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    function = helper.make_function("com.microsoft", "F", ["a"], ["b"], body, opset)
    call = helper.make_node("F", ["x"], ["y"], domain="com.microsoft")
    return model(call, functions=[function], opset_imports=opset)


def _laughing() -> onnx.ModelProto:
    """Ten functions, each calling the next ten times: 10^10 nodes when written out."""
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    functions = []
    for level in range(10):
        kind, domain = (f"F{level + 1}", "com.microsoft") if level < 9 else ("Abs", "")
        body = [helper.make_node(kind, [f"v{i}"], [f"v{i + 1}"], domain=domain) for i in range(10)]
        functions.append(helper.make_function("com.microsoft", f"F{level}", ["v0"], ["v10"], body, opset))
    call = helper.make_node("F0", ["x"], ["y"], domain="com.microsoft")
    return model(call, functions=functions, opset_imports=opset)


def _tagged(number: int, data: bytes) -> bytes:
    """A protobuf field of bytes, written by hand: the real library refuses to write some of these."""
    size, left = bytearray(), len(data)
    while left > 0x7F:
        size.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([number << 3 | 2]) + bytes([*size, left]) + data


def _nested(depth: int) -> bytes:
    node = _tagged(4, b"Abs")
    for _ in range(depth):
        node = _tagged(4, b"If") + _tagged(5, _tagged(6, _tagged(1, node)))
    return b"\x08\x0a\x42\x04\x0a\x00\x10\x14" + _tagged(7, _tagged(1, node))


def _many_nodes() -> bytes:
    node = _tagged(1, _tagged(1, b"x") + _tagged(2, b"x") + _tagged(4, b"Abs"))
    return b"\x08\x0a\x42\x04\x0a\x00\x10\x14" + _tagged(7, node * 1_000_000)


def _dims(*dims: int) -> onnx.ModelProto:
    return model(initializer=[TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims)])


def _huge_input() -> onnx.ModelProto:
    built = model()
    built.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1 << 62
    return built


GRAPHS: dict[str, tuple[Callable[[], onnx.ModelProto | bytes], str]] = {
    "63-million-nodes": (_many_nodes, "onnx-too-large"),
    "63-recursive": (_recursive, "onnx-recursive"),
    "63-functions-that-grow": (_laughing, "onnx-too-large"),
    "63-nesting": (lambda: _nested(40), "onnx-too-deep"),
    "63-unknown-opset": (lambda: model(opset_imports=[helper.make_opsetid("", 999)]), "onnx-opset"),
    "63-foreign-domain": (lambda: model(opset_imports=[helper.make_opsetid("evil", 1)]), "onnx-domain"),
    "63-dims-2-62": (lambda: _dims(1 << 62), "onnx-tensor-size"),
    "63-dims-overflow": (lambda: _dims(1 << 16, 1 << 16, 1 << 16, 1 << 16), "onnx-tensor-size"),
    "63-dims-negative": (lambda: _dims(-1), "onnx-tensor-size"),
    "63-bytes-missing": (lambda: _dims(4), "onnx-tensor-bytes"),
    "63-input-2-62": (_huge_input, "onnx-tensor-size"),
    "63-cut": (lambda: external(location="weights.bin")[:-3], "kind-mismatch"),
}


@pytest.mark.parametrize(("build", "code"), GRAPHS.values(), ids=GRAPHS.keys())
def test_hostile_graph_is_refused_by_its_bytes(
    build: Callable[[], onnx.ModelProto | bytes], code: str
) -> None:
    made = build()
    data = made if isinstance(made, bytes) else made.SerializeToString()
    assert code_of(lambda: audit_files({GRAPH: data})) == code


def test_63_a_loop_without_end_dies_in_the_child_only() -> None:
    """No scanner can say how long a graph runs; the first run is in a child with limits."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Abs", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, [None, 2]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [None, 2]),
        ],
    )
    trips = helper.make_tensor("trips", TensorProto.INT64, [], [10**12])
    node = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)
    graph = model(node, initializer=[trips]).SerializeToString()
    audit_files({GRAPH: graph})
    limits = type(PROBE)(memory=PROBE.memory, cpu=2, wall=6.0, output=1 << 20)
    with pytest.raises(SandboxError) as caught:
        probe(graph, limits=limits)
    assert caught.value.code in {"sandbox-cpu", "sandbox-timeout"}


# -- safetensors ---------------------------------------------------------------------------------------------


def tensors(header: bytes, body: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + body


def entry(start: int, stop: int, shape: str = "[1]", dtype: str = "F32") -> str:
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{stop}]}}'


SAFETENSORS = {
    "64-header-8-exabytes": (tensors(b"{}", size=1 << 63), "safetensors-too-large"),
    "64-header-100-mb": (tensors(b"{}" + b" " * (100 << 20)), "safetensors-too-large"),
    "64-header-past-the-end": (tensors(b"{}", size=1000), "safetensors-corrupt"),
    "64-no-header": (b"\x00", "safetensors-corrupt"),
    "64-overlap": (
        tensors(f'{{"a":{entry(0, 4)},"b":{entry(2, 6)}}}'.encode(), bytes(6)),
        "safetensors-corrupt",
    ),
    "64-gap": (
        tensors(f'{{"a":{entry(0, 4)},"b":{entry(8, 12)}}}'.encode(), bytes(12)),
        "safetensors-corrupt",
    ),
    "64-negative": (tensors(f'{{"a":{entry(-4, 0)}}}'.encode()), "safetensors-corrupt"),
    "64-past-the-end": (tensors(f'{{"a":{entry(0, 4)}}}'.encode()), "safetensors-corrupt"),
    "64-trailing": (tensors(b"{}", b"hidden"), "safetensors-corrupt"),
    "64-shape-overflow": (
        tensors(f'{{"a":{entry(0, 4, f"[{1 << 62},4]")}}}'.encode(), bytes(4)),
        "safetensors-corrupt",
    ),
    "64-twice": (
        tensors(f'{{"a":{entry(0, 4)},"a":{entry(0, 4)}}}'.encode(), bytes(4)),
        "safetensors-corrupt",
    ),
    "64-unknown-dtype": (
        tensors(f'{{"a":{entry(0, 4, dtype="Z9")}}}'.encode(), bytes(4)),
        "safetensors-corrupt",
    ),
    "64-deep": (tensors(b'{"a":' * 5000 + b"1" + b"}" * 5000), "safetensors-corrupt"),
}


@pytest.mark.parametrize(("data", "code"), SAFETENSORS.values(), ids=SAFETENSORS.keys())
def test_hostile_safetensors_are_refused(data: bytes, code: str) -> None:
    assert code_of(lambda: safetensors_scan.scan(data)) == code


# -- pickles in disguise -------------------------------------------------------------------------------------


class Bomb:
    """Writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_bytes, (self.path, b"exploded")


def torch_file(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    return out.getvalue()


def numpy_file(bomb: Bomb) -> bytes:
    out = io.BytesIO()
    holder = np.empty(1, object)
    holder[0] = bomb
    np.save(out, holder, allow_pickle=True)
    return out.getvalue()


def disguises(bomb: Bomb) -> dict[str, bytes]:
    protocols = {f"pickle-{protocol}": pickle.dumps(bomb, protocol) for protocol in range(6)}
    plain = pickle.dumps(bomb)
    return {
        **protocols,
        "pickle-with-bytes-behind": plain + b"\x00" * 100,
        "pickle-0-cut": pickle.dumps(bomb, 0)[:-1],
        "zlib": zlib.compress(plain),
        "torch": torch_file(plain),
        "npy": numpy_file(bomb),
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "program": b"\x7fELF" + bytes(100),
        "script": b"#!/bin/sh\nrm -rf /\n",
    }


DISGUISES = sorted(disguises(Bomb(Path("x"))))


@pytest.mark.parametrize("disguise", DISGUISES, ids=[f"65-{name}" for name in DISGUISES])
@pytest.mark.parametrize("ending", ["onnx", "json", "npy", "txt", "safetensors", "bin"])
def test_code_in_disguise_inside_a_bundle_is_refused(work: Path, ending: str, disguise: str) -> None:
    data = disguises(Bomb(work / "exploded"))[disguise]
    path = save(work / "bundle", {f"model/file.{ending}": data}, runtime="dummy")
    with open_bundle(path) as bundle:
        assert code_of(lambda: audit(bundle)) in {"pickle-refused", "executable-refused"}
    assert not (work / "exploded").exists()


@pytest.mark.parametrize("disguise", DISGUISES, ids=[f"65-{name}" for name in DISGUISES])
@pytest.mark.parametrize("ending", ["onnx", "skops", "json", "pt", "h5", "keras", "safetensors", "txt", ""])
def test_code_given_as_another_kind_of_source_is_refused(work: Path, ending: str, disguise: str) -> None:
    path = work / f"model.{ending}"
    path.write_bytes(disguises(Bomb(work / "exploded"))[disguise])
    if (ending, disguise) == ("h5", "hdf5"):  # which it says it is: its content is looked at in the sandbox
        assert open_source(path, trust_pickle=False).form.name == "keras-h5"
        return
    with pytest.raises(SourceRefused) as caught:
        open_source(path, trust_pickle=True)
    assert caught.value.code in {"source-mismatch", "source-unknown"}
    assert not (work / "exploded").exists()


@pytest.mark.parametrize("ending", ["pkl", "pickle", "joblib", "PKL"])
def test_65_a_pickle_needs_trust_and_the_refusal_says_how(work: Path, ending: str) -> None:
    path = work / f"model.{ending}"
    path.write_bytes(pickle.dumps(Bomb(work / "exploded")))
    with pytest.raises(SourceRefused, match="--trust-pickle") as caught:
        open_source(path, trust_pickle=False)
    assert caught.value.code == "pickle-untrusted"
    assert open_source(path, trust_pickle=True).form.name == "pickle"
    assert not (work / "exploded").exists()


def test_65_a_torch_file_named_pkl_is_still_refused(work: Path) -> None:
    path = work / "model.pkl"
    path.write_bytes(torch_file(pickle.dumps(Bomb(work / "exploded"))))
    with pytest.raises(SourceRefused) as caught:
        open_source(path, trust_pickle=True)
    assert caught.value.code == "source-mismatch"
