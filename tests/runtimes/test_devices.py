"""A model runs where it was asked to, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.runtimes.text.test_predictor import Held as Linear
from tests.runtimes.transformer.tiny import Held

from modelport.core.plan import SlotSpec, is_device
from modelport.errors import BundleRefused
from modelport.runtimes.batch import Batch
from modelport.runtimes.devices import check_placed, providers
from modelport.runtimes.load import placed
from modelport.runtimes.registry import runtime
from modelport.runtimes.text.predictor import TextRuntime
from modelport.runtimes.transformer.runtime import TransformerRuntime
from modelport.serving.codecs.truncation import Truncation
from modelport.serving.loader import Hosted, load

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


@pytest.mark.parametrize("kind", ["onnx", "text", "transformer", "image"])
def test_every_kind_with_a_graph_is_placed_or_refused_by_name(kind: str) -> None:
    with pytest.raises(BundleRefused, match="CUDAExecutionProvider") as refused:
        placed(runtime(kind), "cuda:0")
    assert refused.value.code == "device-absent"


def test_a_session_that_fell_back_to_the_cpu_is_refused() -> None:
    with pytest.raises(BundleRefused, match="could not start the CUDAExecutionProvider") as refused:
        check_placed("cuda:0", ["CPUExecutionProvider"])
    assert refused.value.code == "device-absent"
    check_placed("cuda:0", ["CUDAExecutionProvider", "CPUExecutionProvider"])
    check_placed("cpu", ["CPUExecutionProvider"])


def test_a_linear_kernel_stays_on_the_cpu() -> None:
    with pytest.raises(BundleRefused, match="linear kernel") as refused:
        TextRuntime("cuda:0").load(Linear())
    assert refused.value.code == "device-unsupported"


def test_texts_of_a_model_that_runs_elsewhere_are_cut_as_the_model_would(tmp_path: Path) -> None:
    """A worker holds the tokenizer of a hosted transformer, and not its weights."""
    bundle = Held().save(tmp_path / "tiny.bundle", "tiny")
    hosted = load(SlotSpec("tiny:1", "tiny", 1, bundle, device="cuda:0"), threads=1, allow_python=False)
    assert isinstance(hosted, Hosted)
    truncation = Truncation(None, hosted.manifest.signature, None)
    truncation.loaded(hosted.reader)
    texts = Batch(2, {"text": np.array(["good bad good fine", "good"], object)})
    short, cut = truncation.apply(texts, 2)
    whole = TransformerRuntime().load(Held())
    assert short.array("text").tolist() == [whole.shorten("good bad good fine", 2), "good"]
    assert cut == {0}


def test_a_text_model_cuts_texts_without_its_weights() -> None:
    assert TextRuntime().reader(Linear()).shorten("one two three", 2) == "one two"


def test_a_runtime_that_knows_only_the_cpu_says_so() -> None:
    with pytest.raises(BundleRefused, match="runs on the CPU") as refused:
        placed(runtime("dummy"), "cuda:0")
    assert refused.value.code == "device-unsupported"


@pytest.mark.parametrize(
    "text", ["gpu", "cuda", "cuda:", "cuda:0:1", "cuda:-1", "CUDA:0", "cpu:0", "cuda:0\n"]
)
def test_what_is_no_device(text: str) -> None:
    assert not is_device(text)
