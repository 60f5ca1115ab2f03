"""Pickles, and what looks like them: each tries something of its own when it is loaded."""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from typing import Any

from tests.zoo.animals import Animal, file


class _Code:
    """Python text that runs when the pickle is loaded."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self.text,)


def _code(text: str) -> bytes:
    return pickle.dumps(_Code(text))


def _bomb() -> bytes:
    """Four gigabytes of zeros in four megabytes: the start of a pickle of bytes, and its compressed rest."""
    packer = zlib.compressobj(1)
    head = packer.compress(b"\x80\x04\x8e" + (4 << 30).to_bytes(8, "little"))
    return head + b"".join(packer.compress(bytes(1 << 26)) for _ in range(64)) + packer.flush()


def _skops(schema: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", schema)
    return out.getvalue()


def _polyglot() -> bytes:
    """A pickle with an archive behind it: whoever looks at the end sees skops."""
    return _code("open('/tmp/owned', 'w')") + _skops(b"{}")


_READ = "raise ValueError(open('{}').read())"
_NODE = b"""{"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "__id__": 1,
"content": {"module_path": "os", "function": "system"}, "protocol": 2, "_skops_version": "0.16.0"}"""

ANIMALS = (
    Animal("pickle-cut", file("m.pkl", pickle.dumps(list(range(100)))[:-20]), "source-failed", ""),
    Animal("pickle-of-nothing", file("m.pkl", pickle.dumps(None)), "unsupported-model", "NoneType"),
    Animal("pickle-reads-keys", file("m.pkl", _code(_READ.format("/root/.aws/credentials"))),
           "source-failed|sandbox-denied", ""),
    Animal("pickle-reads-passwords", file("m.pkl", _code(_READ.format("/etc/shadow"))),
           "source-failed|sandbox-denied", ""),
    Animal("pickle-reads-the-environment",
           file("m.pkl", _code("import os; raise ValueError(os.environ.get('ZOO_SECRET', 'nothing'))")),
           "source-failed", "nothing"),
    Animal("pickle-forks", file("m.pkl", _code("import os\nwhile True: os.fork()")),
           "sandbox-denied", "does not allow"),
    Animal("pickle-starts-a-program", file("m.pkl", _code("import os; os.execv('/bin/sh', ['sh'])")),
           "sandbox-denied", ""),
    Animal("pickle-connects",
           file("m.pkl", _code("import socket; socket.create_connection(('127.0.0.1', 1), 1)")),
           "sandbox-denied", ""),
    Animal("pickle-kills-its-parent",
           file("m.pkl", _code("import os, signal; os.kill(os.getppid(), signal.SIGKILL)")),
           "sandbox-denied", ""),
    Animal("pickle-sleeps", file("m.pkl", _code("import time; time.sleep(10**6)")),
           "sandbox-timeout", "", wall=2.0),
    Animal("pickle-spins", file("m.pkl", _code("while True: pass")), "sandbox-cpu", "processor time", cpu=2),
    Animal("pickle-fills-memory", file("m.pkl", _code("x = [bytearray(1 << 28) for _ in range(64)]")),
           "sandbox-memory|sandbox-cpu", ""),  # whichever limit a slow machine meets first
    Animal("pickle-leaves", file("m.pkl", _code("import os; os._exit(0)")), "sandbox-died", ""),
    Animal("pickle-crashes", file("m.pkl", _code("import ctypes; ctypes.string_at(0)")), "sandbox-died", ""),
    Animal("pickle-speaks-without-end",
           file("m.pkl", _code("import os\nwhile True: os.write(1, b'x' * 65536)")),
           "sandbox-cpu|sandbox-timeout", "", wall=2.0),
    Animal("pickle-bomb", file("m.joblib", _bomb()), "sandbox-memory", "memory"),
    Animal("pickle-with-an-archive-behind", file("m.skops", _polyglot()), "source-mismatch", "pickle"),
    Animal("skops-of-a-function", file("m.skops", _skops(_NODE)), "skops-untrusted", "system"),
    Animal("skops-cut", file("m.skops", _skops(b"{}")[:-9]), "source-mismatch", "its bytes say"),
    Animal("skops-of-nonsense", file("m.skops", _skops(b"[" * 100_000)),
           "source-failed", "Recursion"),
)  # fmt: skip
