"""The runtime of Python models. It runs the author's code: whoever loads such a bundle has agreed to that."""

from __future__ import annotations

import os
import weakref

from modelport.core.manifest import Manifest
from modelport.runtimes.base import Files
from modelport.runtimes.batch import Batch
from modelport.runtimes.python.entry import Predict, load
from modelport.runtimes.python.exchange import given, outputs
from modelport.runtimes.python.folder import Folder
from modelport.runtimes.python.spec import model_of


class PythonPredictor:
    """A loaded Python model. Its author says whether it is thread-safe: hosts call it from one thread."""

    def __init__(self, predict: Predict, manifest: Manifest) -> None:
        self._predict = predict
        self._manifest = manifest

    def predict(self, batch: Batch) -> Batch:
        """The model's answers, as its signature has them.

        Raises `ModelFailed` (`contract-broken`) where they are not, and whatever the model raises.
        """
        answer = self._predict(given(self._manifest.signature.item, batch))
        return outputs(answer, batch.rows, self._manifest)


class PythonRuntime:
    """Loads the model that the step of kind `python` names, from the bundle's own files.

    For a process that holds no other model: its module is importable from then on, and the working folder is
    the model's own.
    """

    kind = "python"

    def load(self, files: Files, threads: int = 1) -> PythonPredictor:  # noqa: ARG002 - the model's own affair
        """Raises `BundleCorrupt`, `BundleRefused`, or whatever the model's own code raises."""
        model = model_of(files.manifest.steps)
        folder = Folder(files)
        weakref.finalize(self, folder.close)
        os.chdir(folder.path)
        return PythonPredictor(load(model, folder.path), files.manifest)
