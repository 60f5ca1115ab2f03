"""From a model file to a bundle, without ever loading the file here."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from modelport.bundle.trust import audit_files
from modelport.compile.adopt import adopt
from modelport.compile.arguments import check_names, parameters_of
from modelport.compile.compiled import Adopted, Compiled
from modelport.compile.converted import read_converted
from modelport.compile.mlflow.folder import given
from modelport.compile.onnx_external import whole_graph
from modelport.compile.packed import Packed
from modelport.compile.prove import pack_adopted
from modelport.compile.quantize.wish import wish
from modelport.compile.readers import read, read_column
from modelport.compile.sample import Sample
from modelport.compile.sandbox.limits import Limits
from modelport.compile.sandbox.run import choose, run_sandboxed
from modelport.compile.source import Source, open_source
from modelport.core.manifest import Label, Parameters
from modelport.core.signature import Task
from modelport.runtimes.image.spec import ImageInput

CONVERT = Limits(cpu=900, wall=900.0)
PROBE = Limits(memory=4 << 30, cpu=60, wall=60.0, output=1 << 20, scratch=1 << 20)
_GRAPH = "model/graph.onnx"


def pack_file(
    path: Path,
    *,
    name: str,
    sample_path: Path | None = None,
    vectorizer: Path | None = None,
    head: Path | None = None,
    labels: Sequence[Label] | None = None,
    version: str | None = None,
    parameters: Parameters | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    task: Task | None = None,
    signature: str | None = None,
    image: ImageInput | None = None,
    trust_pickle: bool = False,
    allow_weak_sandbox: bool = False,
    quantize: str | None = None,
    labels_column: str | None = None,
    truth: Any = None,
    allow_loss: float | None = None,
    limits: Limits | None = None,
    now: datetime | None = None,
) -> Packed:
    """Compile the model in `path` and prove on the rows in `sample_path` that it answers as before.

    Pickles and skops files are loaded only inside the sandbox, pickles only with `trust_pickle`; whether the
    compiled model answers alike is judged here, from the arrays the sandbox handed back. An ONNX graph is
    loaded in the sandbox first. A model folder of MLflow says which of its files is the model and what its
    columns are, and may bring the rows along (`mlflow.folder.given`).

    `head` is a file with an estimator that was fitted on the embeddings of the encoder in the folder `path`.
    `labels_column` names the column of the sample that holds the right answers: the model does not see it,
    and what `quantize` loses is judged by it, or by `truth`. Tags of an MLflow folder give way to
    `tags` of the same name. The other arguments and errors are those of `compile.pack.pack`.
    """
    check_names(name, version)
    parameters_of(parameters)
    with tempfile.TemporaryDirectory(prefix="modelport-") as scratch:
        what = given(path, sample_path, Path(scratch), without=labels_column)
        truth = truth if labels_column is None else read_column(what.sample, labels_column)
        precision = wish(quantize, truth, allow_loss)
        source = open_source(what.path, trust_pickle=trust_pickle, vectorizer=vectorizer, head=head)
        wanted = _Wanted(None if labels is None else tuple(labels), task, signature, labels_column, image)
        convert = _graph_of if source.form.name == "onnx" else _converted
        adopted, rows, original_us = convert(
            source, what.sample, wanted, limits or _limits(source), allow_weak_sandbox
        )
        return pack_adopted(
            replace(adopted, source={**adopted.source, **what.source}),
            rows,
            name=name,
            version=version,
            parameters=parameters,
            tags={**what.tags, **(tags or {})},
            precision=precision,
            original_us=original_us,
            now=now,
        )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the caller said; `without` is a column of the sample that the model does not see."""

    labels: tuple[Label, ...] | None
    task: Task | None
    signature: str | None
    without: str | None
    image: ImageInput | None


_Found = tuple[Adopted, Sample, Mapping[int, float] | None]


def _graph_of(source: Source, sample: Path, wanted: _Wanted, limits: Limits, allow_weak: bool) -> _Found:
    """A graph is adopted here, after its audit and its first load in the sandbox."""
    graph = _graph(source.path, limits, allow_weak=allow_weak)
    data = read(sample, without=wanted.without)
    return (*adopt(graph, data, wanted.labels, task=wanted.task, image=wanted.image), None)


def _converted(source: Source, path: Path, wanted: _Wanted, limits: Limits, allow_weak: bool) -> _Found:
    """Everything else is converted in the sandbox, and stands here for what it answered there."""
    sample = Sample.read(path, without=wanted.without)
    options = {
        "form": source.form.name,
        "head_form": "" if source.head_form is None else source.head_form.name,
        "labels": wanted.labels,
        "without": wanted.without,
        "task": wanted.task,
        "signature": wanted.signature,
        "image": None if wanted.image is None else msgspec.to_builtins(wanted.image),
    }
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        outputs = Path(folder)
        run_sandboxed(
            "convert",
            _files(source, path),
            outputs,
            limits=limits,
            allow_weak=allow_weak,
            scratch=source.form.scratch,
            options=options,
        )
        found = read_converted(outputs, sample, lambda each: _approve(each, allow_weak=allow_weak))
    return found.adopted, sample, found.original_us


def _limits(source: Source) -> Limits:
    return msgspec.structs.replace(CONVERT, memory=source.form.memory)


def _files(source: Source, sample: Path) -> dict[str, Path]:
    """What the conversion reads, by name."""
    files = {"model": source.path, "sample": sample, "vectorizer": source.vectorizer, "head": source.head}
    return {name: path for name, path in files.items() if path is not None}


def _graph(path: Path, limits: Limits, *, allow_weak: bool) -> bytes:
    """The graph in a file, after its audit and its first load in the sandbox."""
    graph = whole_graph(path)
    audit_files({_GRAPH: graph})
    probe(graph, limits=min(PROBE, limits, key=lambda each: each.cpu), allow_weak=allow_weak)
    return graph


def _approve(compiled: Compiled, *, allow_weak: bool) -> None:
    """The first load of every graph of a candidate happens in the sandbox."""
    for path, data in compiled.files.items():
        if path.endswith(".onnx"):
            probe(data, allow_weak=allow_weak)


class Place(msgspec.Struct, frozen=True):
    """One input or output of a graph, as ONNX Runtime names its type; -1 is a variable size."""

    name: str
    type: str
    shape: tuple[int, ...]


class Probe(msgspec.Struct, frozen=True):
    """What a graph takes and gives, and whether a row of zeros got an answer."""

    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]
    ran: bool


def probe(graph: bytes, *, limits: Limits = PROBE, allow_weak: bool = False) -> Probe:
    """Load an ONNX graph for the first time, in the sandbox, and run one row of zeros.

    Raises `Unsupported` (`graph-refused`) when ONNX Runtime does not take it, `SandboxError` when it takes
    more time or memory than it may. The graph must have passed the audit before.
    """
    choose(allow_weak=allow_weak)
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        given, outputs = Path(folder, "graph.onnx"), Path(folder, "out")
        given.write_bytes(graph)
        outputs.mkdir()
        run_sandboxed("probe_onnx", {"graph": given}, outputs, limits=limits, allow_weak=allow_weak)
        return msgspec.json.decode((outputs / "probe.json").read_bytes(), type=Probe)
