"""The transformer runtime: what a bundle must hold, and loading it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from modelport.core.manifest import Manifest
from modelport.core.plan import CPU
from modelport.core.ready import ready
from modelport.errors import BundleCorrupt
from modelport.runtimes.base import Files
from modelport.runtimes.devices import providers
from modelport.runtimes.onnx import GRAPH, open_session, weights_beside
from modelport.runtimes.transformer import audit, tokens
from modelport.runtimes.transformer.entities import TOKEN_LABELS, TOKEN_SCORES
from modelport.runtimes.transformer.graph import IDS, Graph
from modelport.runtimes.transformer.predictor import EntityPredictor, TransformerPredictor
from modelport.runtimes.transformer.spec import MAX_LENGTH, PATH, TOKENIZER, Transformer


class TransformerRuntime:
    """Loads bundles of kind `transformer`. Nothing in one is code."""

    kind = "transformer"

    def __init__(self, device: str = CPU) -> None:
        self._device = device

    def on(self, device: str) -> TransformerRuntime:
        """The same with its graph on a device: tokens are made on the CPU. Raises `BundleRefused`."""
        providers(device)
        return TransformerRuntime(device)

    def reader(self, files: Files) -> tokens.Tokens:
        """The tokenizer alone; raises as `load` does."""
        return _tokens(files, _spec(files.read(PATH)))

    def load(self, files: Files, threads: int = 1) -> TransformerPredictor:
        """Raises `BundleRefused` for a tokenizer that may do harm, `BundleCorrupt` where parts do not fit."""
        spec = _spec(files.read(PATH))
        read = _tokens(files, spec)
        data = files.read(GRAPH)
        session = open_session(data, threads, weights=weights_beside(GRAPH, data, files), device=self._device)
        outputs = _outputs(files.manifest)
        _check_names(session, spec, outputs)
        kind = EntityPredictor if files.manifest.task == "entities" else TransformerPredictor
        if kind is EntityPredictor:
            _check_tags(spec, len(files.manifest.labels or ()))
        return kind(spec, read, Graph(spec, session.run, outputs))


def _tokens(files: Files, spec: Transformer) -> tokens.Tokens:
    data = files.read(TOKENIZER)
    audit.audit(data, spec)
    return tokens.load(data, spec)


def _spec(data: bytes) -> Transformer:
    try:
        spec = msgspec.json.decode(data, type=ready(Transformer))
    except msgspec.MsgspecError as error:
        msg = f"{PATH} does not describe a transformer: {error}"
        raise BundleCorrupt(msg, hint="pack the model again") from error
    if not (1 <= spec.max_length <= MAX_LENGTH and 0 <= spec.pad < spec.vocabulary and IDS in spec.feeds):
        msg = f"{PATH} holds numbers that make no sense"
        raise BundleCorrupt(msg, hint="pack the model again")
    return spec


def _outputs(manifest: Manifest) -> Sequence[str]:
    """What the graph is asked for."""
    if manifest.task == "entities":
        return TOKEN_LABELS, TOKEN_SCORES
    return [field.name for field in manifest.signature.outputs]


def _check_names(session: Any, spec: Transformer, outputs: Sequence[str]) -> None:
    taken = {node.name for node in session.get_inputs()}
    given = {node.name for node in session.get_outputs()}
    if taken != set(spec.feeds) or not given.issuperset(outputs):
        msg = f"the graph takes {sorted(taken)} and gives {sorted(given)}, which is not what the bundle says"
        raise BundleCorrupt(msg, code="graph-signature")


def _check_tags(spec: Transformer, labels: int) -> None:
    if not spec.tags or any(tag.label is not None and not 0 <= tag.label < labels for tag in spec.tags):
        msg = f"{PATH} does not say what the classes of tokens mean"
        raise BundleCorrupt(msg, hint="pack the model again")
