"""Which execution providers of ONNX Runtime run a model on a device, and whether they are installed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelport.core.plan import CPU
from modelport.errors import BundleRefused
from modelport.runtimes.ort import onnxruntime

Provider = str | tuple[str, dict[str, Any]]

_CPU: Provider = "CPUExecutionProvider"
_CUDA, _TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"


def providers(device: str, available: Sequence[str] | None = None) -> list[Provider]:
    """The providers of a device (`cpu`, `cuda:0`, `tensorrt:0`), in the order they are tried for each node.

    What an accelerator cannot run falls to the next in the list. `available` are those of the installed
    runtime, asked when not given. Raises `BundleRefused` (`device-absent`) when the device's own is not
    there: a model is never run elsewhere than it was asked to.
    """
    if device == CPU:
        return [_CPU]
    kind, _, number = device.partition(":")
    wanted = [_TENSORRT, _CUDA] if kind == "tensorrt" else [_CUDA]
    _require(device, wanted[0], onnxruntime().get_available_providers() if available is None else available)
    placed: list[Provider] = [(name, {"device_id": int(number)}) for name in wanted]
    return [*placed, _CPU]


def check_placed(device: str, used: Sequence[str]) -> None:
    """ONNX Runtime falls back to the CPU where a provider does not start; `used` are those of a session.

    Raises `BundleRefused` (`device-absent`) when the device's own is not among them.
    """
    wanted = {"cuda": _CUDA, "tensorrt": _TENSORRT}.get(device.partition(":")[0])
    if wanted is not None and wanted not in used:
        msg = f"{device} cannot be used: ONNX Runtime could not start the {wanted}"
        raise BundleRefused(
            msg, code="device-absent", hint="check the driver and the libraries it needs, or serve on cpu"
        )


def _require(device: str, provider: str, available: Sequence[str]) -> None:
    if provider not in available:
        msg = f"{device} needs the {provider} of ONNX Runtime, which is not installed here"
        raise BundleRefused(
            msg, code="device-absent", hint="install onnxruntime-gpu in place of onnxruntime, or serve on cpu"
        )
