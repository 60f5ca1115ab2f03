"""From an opened bundle to a predictor: read, audit, construct, in that order."""

from __future__ import annotations

from modelport.bundle.reader import Bundle
from modelport.bundle.trust import audit
from modelport.core.plan import CPU
from modelport.errors import BundleRefused
from modelport.runtimes.base import Placeable, Predictor, Readable, Reader, Runtime
from modelport.runtimes.golden import replay
from modelport.runtimes.registry import runtime

__all__ = ["load", "replay"]


def load(bundle: Bundle, threads: int = 1, device: str = CPU) -> Predictor:
    """The predictor of an opened bundle, on `threads` threads. Nothing of it is loaded before the audit.

    Raises `BundleRefused` or `BundleCorrupt`.
    """
    audit(bundle)
    return placed(runtime(bundle.manifest.runtime), device).load(bundle, threads)


def reader(bundle: Bundle) -> Reader | None:
    """How the bundle's texts are cut, for a process that does not load its model; None where they are not.

    Raises `BundleRefused` or `BundleCorrupt`.
    """
    found = runtime(bundle.manifest.runtime)
    return found.reader(bundle) if isinstance(found, Readable) else None


def placed(found: Runtime, device: str) -> Runtime:
    """The runtime on a device. Raises `BundleRefused` (`device-unsupported`) when it knows only the CPU."""
    if device == CPU:
        return found
    if isinstance(found, Placeable):
        return found.on(device)
    msg = f"the runtime {found.kind!r} runs on the CPU, not on {device}"
    raise BundleRefused(msg, code="device-unsupported", hint="leave out the device of this slot")
