"""An encoder and a head of scikit-learn as one graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelport.compile.compiled import Adopted, Candidate, Compiled, Outputs
from modelport.compile.compilers import Wanted
from modelport.compile.sample import VECTOR, Sample
from modelport.compile.transformers.adopt import TEXT_INPUT, files_of, source_of
from modelport.compile.transformers.encoder import TextEncoder
from modelport.compile.transformers.subject import Subject
from modelport.core.signature import Signature
from modelport.runtimes.batch import Batch
from modelport.runtimes.onnx import GRAPH

_ENCODER, _HEAD = "encoder_", "head_"
_OUTPUT = "values"


def starts_with_encoder(model: Any) -> bool:
    """Whether `model` is a `TextEncoder`, or a pipeline that begins with one."""
    steps = getattr(model, "steps", None)
    return isinstance(steps[0][1] if steps else model, TextEncoder)


def adopt(model: Any, sample: Sample, wanted: Wanted) -> Adopted:
    """Prepare a `TextEncoder`, alone or with a fitted head behind it, for compilation.

    The candidates are those of the head. Raises `Unsupported` as the compilers of both do.
    """
    from modelport.compile.transformers import adopt as plain

    if isinstance(model, TextEncoder):
        return plain.adopt(model.subject(), sample)
    encoder = plain.adopt(model.steps[0][1].subject(), sample)
    return _with_head(encoder, model.steps[0][1].subject(), model[1:], sample, wanted)


def _with_head(encoder: Adopted, subject: Subject, head: Any, sample: Sample, wanted: Wanted) -> Adopted:
    from modelport.compile.sklearn.adopt import adopt as adopt_table

    last = head.steps[-1][1] if len(head.steps) == 1 else head
    embedded = Sample.of(encoder.original(sample.batch)[_OUTPUT].astype(np.float64))
    tabular = adopt_table(last, embedded, wanted.labels)

    def original(batch: Batch) -> Outputs:
        values = encoder.original(batch)[_OUTPUT].astype(np.float64)
        return tabular.original(Batch(batch.rows, {VECTOR: values}))

    files = _Files(subject)
    return replace(
        tabular,
        candidates=tuple(Candidate(each.name, _Joined(files, each).compiled) for each in tabular.candidates),
        original=original,
        source={**tabular.source, **source_of(subject), "framework": "transformers and scikit-learn"},
    )


class _Files:
    """The encoder's files, traced once for all candidates."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._found: Mapping[str, bytes] | None = None

    def __call__(self) -> Mapping[str, bytes]:
        if self._found is None:
            self._found = files_of(self._subject)
        return self._found


@dataclass(frozen=True, slots=True)
class _Joined:
    """One way to compile the head, behind the encoder."""

    encoder: _Files
    head: Candidate

    def compiled(self) -> Compiled:
        head, files = self.head.build(), self.encoder()
        graph = _behind(files[GRAPH], head.files[GRAPH])
        return replace(
            head,
            runtime="transformer",
            signature=Signature("text", TEXT_INPUT, head.signature.outputs),
            files={**files, GRAPH: graph},
            notes=(*head.notes, "one graph: encoder, pooling and head"),
        )


def _behind(encoder: bytes, head: bytes) -> bytes:
    """One graph: what the encoder gives is what the head takes."""
    import onnx
    from onnx import helper

    first = _prefixed(onnx.load_from_string(encoder), _ENCODER, keep="input")
    second = _prefixed(onnx.load_from_string(head), _HEAD, keep="output")
    kind = second.graph.input[0].type.tensor_type.elem_type
    link = helper.make_node("Cast", [_ENCODER + _OUTPUT], [_HEAD + VECTOR], to=kind)
    graph = helper.make_graph(
        [*first.graph.node, link, *second.graph.node],
        "model",
        list(first.graph.input),
        list(second.graph.output),
        [*first.graph.initializer, *second.graph.initializer],
    )
    return bytes(
        helper.make_model(
            graph,
            opset_imports=_opsets(first, second),
            functions=[*first.functions, *second.functions],
            ir_version=max(first.ir_version, second.ir_version),
            producer_name="modelport",
        ).SerializeToString(deterministic=True)
    )


def _opsets(*models: Any) -> list[Any]:
    from onnx import helper

    versions: dict[str, int] = {}
    for each in (opset for model in models for opset in model.opset_import):
        versions[each.domain] = max(each.version, versions.get(each.domain, 0))
    return [helper.make_opsetid(domain, version) for domain, version in versions.items()]


def _prefixed(model: Any, prefix: str, *, keep: str) -> Any:
    """The model with `prefix` before all its names but those of its inputs, or outputs."""
    from onnx import compose

    renamed = compose.add_prefix(model, prefix)
    kept = {value.name for value in getattr(renamed.graph, keep)}
    for node in renamed.graph.node:
        for names in (node.input, node.output):
            names[:] = [name.removeprefix(prefix) if name in kept else name for name in names]
    for value in getattr(renamed.graph, keep):
        value.name = value.name.removeprefix(prefix)
    return renamed
