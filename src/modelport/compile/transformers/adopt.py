"""A text model of transformers as the compile step sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from modelport.compile.compiled import Adopted, Candidate, Compiled
from modelport.compile.sample import TEXT, Sample
from modelport.compile.transformers.subject import Subject
from modelport.compile.transformers.tokenizing import document, spec_of
from modelport.core.manifest import Label
from modelport.core.signature import Field, Signature, Task
from modelport.errors import Unsupported
from modelport.runtimes.onnx import GRAPH, open_session
from modelport.runtimes.transformer.spec import PATH, TOKENIZER, Transformer

TEXT_INPUT = (Field(TEXT, "BYTES", (-1,)),)


def adopt(subject: Subject, sample: Sample) -> Adopted:
    """Prepare `subject` for compilation; there is one candidate. Raises `Unsupported` for rows of a table."""
    if sample.item != "text":
        msg = f"{type(subject.model).__name__} takes texts, but the sample holds {sample.item}"
        raise Unsupported(
            msg, code="sample-mismatch", hint="give a list of texts, or a file with one column of texts"
        )
    from modelport.compile.transformers.original import original_of

    original = original_of(subject)
    candidate = Candidate("float32", _Traced(subject).compiled)
    labels = _labels(subject.task, subject.labels)
    return Adopted(subject.task, labels, (candidate,), original, source_of(subject))


def files_of(subject: Subject) -> dict[str, bytes]:
    """The files of a bundle: the graph from tokens to outputs, and how texts become tokens."""
    from modelport.compile.transformers.heads import ANSWERS, Answering
    from modelport.compile.transformers.trace import traced

    spec = spec_of(subject)
    graph = traced(Answering(subject, spec.feeds), spec.feeds, ANSWERS[subject.task], spec.vocabulary)
    return {GRAPH: graph, PATH: msgspec.json.encode(_fed(spec, graph)), TOKENIZER: document(subject)}


def _fed(spec: Transformer, graph: bytes) -> Transformer:
    """With the inputs that the model makes use of: the others are not in its graph."""
    taken = {node.name for node in open_session(graph).get_inputs()}
    return msgspec.structs.replace(spec, feeds=tuple(name for name in spec.feeds if name in taken))


def source_of(subject: Subject) -> dict[str, str]:
    """Where the model comes from, for people."""
    import torch
    import transformers

    return {
        "framework": "transformers",
        "estimator": type(subject.model).__name__,
        "transformers": transformers.__version__,
        "torch": str(torch.__version__),
    }


@dataclass(frozen=True, slots=True)
class _Traced:
    """The one way to compile."""

    subject: Subject

    def compiled(self) -> Compiled:
        subject = self.subject
        return Compiled(
            runtime="transformer",
            task=subject.task,
            signature=Signature("text", TEXT_INPUT, _outputs(subject)),
            labels=_labels(subject.task, subject.labels),
            files=files_of(subject),
            notes=_notes(subject),
        )


def _outputs(subject: Subject) -> tuple[Field, ...]:
    width = len(subject.labels or ())
    match subject.task:
        case "classification":
            return Field("label", "INT64", (-1,)), Field("probabilities", "FP32", (-1, width))
        case "multilabel":
            names = tuple(map(str, subject.labels or ()))
            return (
                Field("labels", "INT64", (-1, width), columns=names),
                Field("probabilities", "FP32", (-1, width), columns=names),
            )
        case "regression":
            several = subject.model.config.num_labels
            return (Field("value", "FP32", (-1,) if several == 1 else (-1, several)),)
        case "entities":
            numbers = tuple(Field(name, "INT64", (-1, -1)) for name in ("label", "start", "end"))
            return Field("text", "BYTES", (-1, -1)), *numbers, Field("score", "FP32", (-1, -1))
        case _:
            return (Field("values", "FP32", (-1, -1)),)


def _labels(task: Task, labels: tuple[Label, ...] | None) -> tuple[Label, ...] | None:
    return (0, 1) if task == "multilabel" else labels


def _notes(subject: Subject) -> tuple[str, ...]:
    cut = f"texts are cut after {spec_of(subject).max_length} tokens"
    if subject.kind != "encoder":
        return ("computes in float32", cut)
    return (
        "computes in float32",
        cut,
        f"the vector of a text: {', '.join(subject.pooling.modes)} of its tokens",
    )


def renamed(subject: Subject, labels: Any) -> Subject:
    """The subject with the names that its owner gives its classes. Raises `Unsupported` (`labels`)."""
    if labels is None:
        return subject
    from dataclasses import replace

    known = subject.labels
    if known is None or len(labels) != len(known):
        msg = f"{len(labels)} labels were given for {len(known or ())} classes"
        raise Unsupported(
            msg, code="labels", hint="leave labels out, or name every class of id2label in order"
        )
    return replace(subject, labels=tuple(labels))
