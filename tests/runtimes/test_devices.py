"""A model runs where it was asked to, or not at all."""

from __future__ import annotations

import pytest

from modelport.core.plan import is_device
from modelport.errors import BundleRefused
from modelport.runtimes.devices import providers
from modelport.runtimes.load import placed
from modelport.runtimes.registry import runtime

GPU = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")


def test_a_device_names_its_providers_in_order() -> None:
    cuda = ("CUDAExecutionProvider", {"device_id": 1})
    assert providers("cpu", GPU) == ["CPUExecutionProvider"]
    assert providers("cuda:1", GPU) == [cuda, "CPUExecutionProvider"]
    assert providers("tensorrt:1", GPU) == [
        ("TensorrtExecutionProvider", {"device_id": 1}),
        cuda,
        "CPUExecutionProvider",
    ]


@pytest.mark.parametrize("device", ["cuda:0", "tensorrt:0"])
def test_a_device_that_the_installed_runtime_cannot_use_is_refused_with_what_to_install(device: str) -> None:
    with pytest.raises(BundleRefused, match="install onnxruntime-gpu") as refused:
        providers(device, ["AzureExecutionProvider", "CPUExecutionProvider"])
    assert refused.value.code == "device-absent"


def test_a_runtime_that_knows_only_the_cpu_says_so() -> None:
    with pytest.raises(BundleRefused, match="runs on the CPU") as refused:
        placed(runtime("dummy"), "cuda:0")
    assert refused.value.code == "device-unsupported"


@pytest.mark.parametrize(
    "text", ["gpu", "cuda", "cuda:", "cuda:0:1", "cuda:-1", "CUDA:0", "cpu:0", "cuda:0\n"]
)
def test_what_is_no_device(text: str) -> None:
    assert not is_device(text)
