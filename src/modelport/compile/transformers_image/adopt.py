"""An image classifier of transformers as the compile step sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from modelport.compile import images
from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Wanted
from modelport.compile.sample import Sample
from modelport.compile.transformers.classes import classes_of
from modelport.compile.transformers_image.preprocessing import image_input
from modelport.errors import SourceRefused, Unsupported

ENDING = "ForImageClassification"
"""Of the names of the architectures that are taken."""

SETTINGS = "preprocessor_config.json"


def takes(model: Any) -> bool:
    """Whether it is an image classifier, alone or with its processor, or a pipeline of both."""
    return type(_parts(model)[0]).__name__.endswith(ENDING)


def adopt(model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
    """The classifier with its preprocessing; `data` are picture files, as `images.pictures` takes them.

    Where `wanted.image` is given, `data` is the tensor that it makes, and the model needs no processor.
    Raises `Unsupported`.
    """
    network, processor = _parts(model)
    if wanted.image is not None:
        return _on_tensors(network, data, wanted)
    if processor is None:
        msg = f"a {type(network).__name__} alone does not say how pictures become its tensor"
        raise Unsupported(
            msg, code="unsupported-preprocessing", hint="give (model, processor), or image=ImageInput(…)"
        )
    image = image_input(_settings(processor), int(getattr(network.config, "num_channels", 3)))
    images.check(image)
    sample = images.pictures(data)
    adopted, rows = _on_tensors(network, images.tensors(sample, image), wanted)
    return images.over(adopted, rows, image), sample


def processor_of(folder: Path) -> dict[str, Any]:
    """The settings of the image processor in a folder. Raises `SourceRefused`."""
    try:
        return msgspec.json.decode((folder / SETTINGS).read_bytes(), type=dict[str, Any])
    except OSError as error:
        msg = f"the folder has no {SETTINGS}, which says how pictures become tensors"
        raise SourceRefused(
            msg, code="source-absent", hint="save it with processor.save_pretrained"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"{SETTINGS} is not a JSON object"
        raise SourceRefused(msg, code="source-mismatch") from error


def _on_tensors(network: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
    from modelport.compile.torch.compiler import TorchCompiler
    from modelport.compile.transformers_image.logits import logits

    if getattr(network.config, "problem_type", None) in {"regression", "multi_label_classification"}:
        msg = f"a picture has one class here, and the model's problem is {network.config.problem_type}"
        raise Unsupported(msg, hint="pack the module that answers its logits, with task='tensors'")
    labels = wanted.labels or classes_of(network.config)
    adopted, rows = TorchCompiler().adopt(logits(network), data, Wanted(labels, task="classification"))
    return replace(adopted, source={**adopted.source, **_source(network)}), rows


def _parts(model: Any) -> tuple[Any, Any]:
    """The network and its processor."""
    if isinstance(model, tuple):
        return model[0], (model[1] if len(model) == 2 else None)
    if hasattr(model, "model") and hasattr(model, "image_processor"):  # a pipeline
        return model.model, model.image_processor
    return model, None


def _settings(processor: Any) -> Mapping[str, Any]:
    return processor if isinstance(processor, Mapping) else processor.to_dict()


def _source(network: Any) -> dict[str, str]:
    import transformers

    return {
        "framework": "transformers",
        "model": type(network).__name__,
        "transformers": transformers.__version__,
    }
