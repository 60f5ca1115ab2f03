"""The compiler of transformers: models with their tokenizers or image processors, and pipelines of both."""

from __future__ import annotations

from typing import Any

from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Wanted
from modelport.compile.sample import Sample
from modelport.compile.transformers.adopt import adopt, renamed
from modelport.compile.transformers.subject import Subject, of_pair
from modelport.compile.transformers_image import adopt as transformers_image
from modelport.errors import Unsupported


class TransformersCompiler:
    """Takes `(model, tokenizer)`, `(model, image processor)` and `transformers.Pipeline`."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        if transformers_image.takes(model):
            return transformers_image.adopt(model, data, wanted)
        sample = Sample.of(data)
        return adopt(renamed(_subject(model), wanted.labels), sample), sample


def _subject(model: Any) -> Subject:
    if isinstance(model, tuple) and len(model) == 2:
        return of_pair(*model)
    if hasattr(model, "model") and getattr(model, "tokenizer", None) is not None:  # a pipeline
        return of_pair(model.model, model.tokenizer)
    msg = f"a {type(model).__name__} alone does not say how texts become tokens"
    raise Unsupported(msg, code="tokenizer-absent", hint="give (model, tokenizer), or a pipeline with both")
