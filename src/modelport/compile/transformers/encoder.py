"""A transformer encoder as the first step of a scikit-learn pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from modelport.compile.columns import objects
from modelport.compile.sample import TEXT
from modelport.compile.transformers.subject import Subject, of_folder
from modelport.runtimes.batch import Array, Batch


class TextEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Texts in, their embeddings out: float32 `[n, width]`.

    `folder` is one that `save_pretrained` or sentence-transformers wrote; its weights are in safetensors, and
    no code of it is run. Embeddings are made as its `modules.json` says, else they are the tokens'
    mean. Fitting changes nothing. A pipeline that begins with it is packed as one graph.

    Raises `SourceRefused` and `Unsupported` when it is first used.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder

    def fit(self, X: Any, y: Any = None) -> TextEncoder:  # noqa: ARG002, N803 (scikit-learn's names)
        """Loads the folder."""
        self.subject()
        return self

    def transform(self, X: Sequence[str]) -> Array:  # noqa: N803 (as above)
        """The embeddings of the texts, in order."""
        from modelport.compile.transformers.original import Original

        texts = [str(text) for text in X]
        if not texts:
            return np.zeros((0, 0), np.float32)
        return Original(self.subject())(Batch(len(texts), {TEXT: objects(texts)}))["values"]

    def subject(self) -> Subject:
        """The model in the folder, loaded once."""
        found: Subject | None = getattr(self, "_subject", None)
        if found is None:
            found = self._subject = of_folder(Path(self.folder), headless=True)
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __getstate__(self) -> dict[str, Any]:
        """A pickle of a pipeline names the folder; it holds no weights."""
        return {"folder": self.folder}
