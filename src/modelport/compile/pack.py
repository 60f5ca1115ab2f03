"""From a model to a bundle: adopt, compile, prove, and keep the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from modelport.bundle.reader import GOLDEN, Bundle, open_bundle
from modelport.bundle.writer import sealed, write
from modelport.compile.adopt import adopt
from modelport.compile.card import card
from modelport.compile.compare import Parity
from modelport.compile.compiled import Adopted, Compiled, Outputs
from modelport.compile.parity import Trial, manifest_of, trial
from modelport.compile.profile import profile
from modelport.compile.python.hosted import is_code
from modelport.compile.quantize.choose import Choice, choose
from modelport.compile.quantize.report import ATTACHMENT as PRECISION
from modelport.compile.quantize.wish import Wish, wish
from modelport.compile.sample import Sample
from modelport.compile.speed import Speed, measure, with_original
from modelport.core.golden import Golden
from modelport.core.manifest import About, Label, Manifest, Parameters, identity
from modelport.core.names import check_name
from modelport.core.signature import Task
from modelport.errors import CompileError, SettingsError, Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.golden import golden_of, replay
from modelport.runtimes.image.spec import ImageInput

_GOLDEN_ROWS = 16
_GOLDEN_BYTES = 1 << 20


class Tried(msgspec.Struct, frozen=True):
    """One way to compile that was tried, and why it was refused; empty for the one that was taken."""

    candidate: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """A model proven and ready to be written.

    Attributes:
        manifest: the sealed identity document.
        about: name, label, time and source.
        files: identity files by path.
        attachments: evidence files by name.
        parity, speed: the evidence as data.
        tried: every way to compile that was tried, in order.
    """

    manifest: Manifest
    about: About
    files: Mapping[str, bytes]
    attachments: Mapping[str, bytes]
    parity: Parity
    speed: Speed
    tried: tuple[Tried, ...]

    @property
    def identity(self) -> str:
        """The identity the bundle will have, in hex."""
        return identity(self.manifest)

    def with_attachment(self, name: str, data: bytes) -> Packed:
        """The same with one more piece of evidence; the identity stays."""
        return replace(self, attachments={**self.attachments, name: data})

    def save(self, path: str | Path) -> Bundle:
        """Writes the bundle (a zip when `path` ends in `.zip`), atomically, and opens it.

        Raises `BundleError` when something else is at `path`.
        """
        written = write(path, self.manifest, self.about, self.files, self.attachments)
        return open_bundle(path, identity=written)


def pack(
    model: Any,
    *,
    name: str,
    sample: Any,
    labels: Sequence[Label] | None = None,
    version: str | None = None,
    parameters: Parameters | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    vectorizer: Any = None,
    task: Task | None = None,
    image: ImageInput | None = None,
    quantize: str | None = None,
    truth: Any = None,
    allow_loss: float | None = None,
    signature: str | None = None,
    now: datetime | None = None,
) -> Packed:
    """Compiles `model` and proves on `sample` and on generated edge rows that it answers as before.

    `model`, `vectorizer`, `task`, `image` and `signature` are as in `compile.adopt.adopt`; `sample` is
    whatever `Sample.of_any` takes, with `image` a folder of pictures; `labels` name the classes in the order
    of their indices; `version` is a semantic label. The fastest way to compile that holds is taken.

    `quantize` is `int8`, `fp16` or `auto`: the fastest precision on this machine that loses at most
    `allow_loss` points (0.5 unless given) against fp32 on the sample, whose right answers are `truth`.
    A named precision is taken as it is unless `allow_loss` limits it.

    A class or a function is code of yours: it is not compiled, and packed as `pack_python` says; so is a
    spaCy pipeline, for its entities or its categories.

    Raises `Unsupported` when no compiler takes the model, `ParityError` when it compiles but answers
    otherwise, `NameInvalid` or `SettingsError` for a name, label or parameter that makes no sense.
    """
    if is_code(model):
        from modelport.compile.python.pack import pack_python

        _refuse_compiling(vectorizer, image, quantize)
        return pack_python(
            model,
            name=name,
            sample=sample,
            labels=labels,
            version=version,
            parameters=parameters,
            tags=tags,
            task=task,
            now=now,
        )
    check_names(name, version)
    wanted, precision = parameters_of(parameters), wish(quantize, truth, allow_loss)
    adopted, rows = adopt(
        model, sample, labels, vectorizer=vectorizer, task=task, image=image, signature=signature
    )
    return pack_adopted(
        adopted, rows, name=name, version=version, parameters=wanted, tags=tags, precision=precision, now=now
    )


def pack_adopted(
    adopted: Adopted,
    rows: Sample,
    *,
    name: str,
    version: str | None = None,
    parameters: Parameters | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    precision: Wish | None = None,
    now: datetime | None = None,
    original_us: Mapping[int, float] | None = None,
) -> Packed:
    """As `pack`, for a model that is adopted already.

    `original_us` is the original's time per call by rows, for an original that cannot be timed here.
    """
    check_names(name, version)
    wanted = parameters_of(parameters)
    compiled, proof, tried = _first_that_holds(adopted, rows)
    rows = as_taken(rows, compiled)
    choice = choose(compiled, proof, precision) if precision is not None else Choice(compiled, proof, None)
    compiled, served = choice.compiled, choice.trial
    speed = measure(adopted.original, rows.batch, served.predictor.predict, _head(proof.taken, len(rows)))
    if original_us is not None:
        speed = with_original(speed, original_us)
    manifest = sealed(manifest_of(compiled, wanted), compiled.files)
    created = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    source = {**adopted.source, "compiled": tried[-1].candidate, **made_in(choice)}
    about = About(name, version, created, source, dict(tags or {}))
    attachments = {
        GOLDEN: msgspec.json.encode(golden(compiled, served)),
        "parity.json": as_json({"tried": tried, "parity": proof.parity}),
        "speed.json": as_json(speed),
        "profile.json": as_json(profile(rows)),
        "card.md": card(manifest, about, proof.parity, speed, compiled.notes).encode(),
        **precision_evidence(choice),
    }
    return Packed(manifest, about, compiled.files, attachments, proof.parity, speed, tried)


def _first_that_holds(adopted: Adopted, sample: Sample) -> tuple[Compiled, Trial, tuple[Tried, ...]]:
    tried: list[Tried] = []
    failure: CompileError | None = None
    for candidate in adopted.candidates:
        try:
            compiled = candidate.build()
            proof = trial(adopted, compiled, as_taken(sample, compiled))
        except CompileError as error:
            failure = error
            tried.append(Tried(candidate.name, error.message))
        else:
            return compiled, proof, (*tried, Tried(candidate.name))
    raise _none_held(tried, failure)


def as_taken(sample: Sample, compiled: Compiled) -> Sample:
    """The sample with the columns that the model takes, in the model's order."""
    inputs = compiled.signature.inputs
    if compiled.signature.item == "columns":
        sample = sample.as_columns()
    return sample.pick(inputs[0].columns if sample.item == "vector" else [field.name for field in inputs])


def _none_held(tried: Sequence[Tried], failure: CompileError | None) -> CompileError:
    """The last refusal, with those before it told as well."""
    if failure is None:
        return CompileError("there is no way to compile this model")
    if len({each.refused for each in tried}) == 1:
        return failure
    told = "\n".join(f"{each.candidate}: {each.refused}" for each in tried)
    return type(failure)(told, code=failure.code, hint=failure.hint)


def made_in(choice: Choice) -> dict[str, str]:
    """What the precision adds to where a bundle came from."""
    return {} if choice.report is None else {"precision": choice.report.chosen}


def precision_evidence(choice: Choice) -> dict[str, bytes]:
    """The attachment that says which precision was chosen and why; none where none was asked for."""
    return {} if choice.report is None else {PRECISION: as_json(choice.report)}


def golden(compiled: Compiled, proof: Trial) -> Golden:
    """Up to 16 rows that both models agree on, half of them edge rows, as the compiled one answers them."""
    places = _golden_places(proof)
    inputs = Batch(len(places), {name: proof.taken.array(name)[places] for name in proof.taken.tensors})
    answers = proof.predictor.predict(inputs)
    outputs = {field.name: answers[field.name] for field in compiled.signature.outputs}
    found = golden_of(inputs, outputs, proof.parity.tolerance)
    # A golden row that this very machine cannot replay would keep every server from getting ready.
    replay(proof.predictor, found, compiled.signature)
    return found


def _golden_places(proof: Trial) -> Array:
    usable = proof.agreed & _finite(proof.expected, proof.parity.rows) & _writable(proof.taken)
    sample_rows = proof.parity.rows - proof.parity.edge_rows
    places = np.flatnonzero(usable)
    common, edge = places[places < sample_rows], places[places >= sample_rows]
    some_edges = _spread(edge, _GOLDEN_ROWS // 2)
    chosen = np.concatenate([some_edges, _spread(common, _GOLDEN_ROWS - len(some_edges))])
    return np.sort(_affordable(chosen, _sizes(proof.taken)))


def _affordable(places: Array, sizes: Array) -> Array:
    """Those that go into a document of bounded size; the smallest alone where none does."""
    kept = places[np.cumsum(sizes[places]) <= _GOLDEN_BYTES]
    return kept if len(kept) else places[np.argsort(sizes[places])[:1]]


def _sizes(batch: Batch) -> Array:
    """Bytes of every row."""
    return np.asarray(np.sum([_row_sizes(batch.array(name)) for name in batch.tensors], axis=0))


def _row_sizes(values: Array) -> Array:
    if values.dtype == object:
        return np.array([len(each) if isinstance(each, str | bytes) else 8 for each in values.ravel()])
    return np.full(len(values), values[:1].nbytes)


def _spread(places: Array, most: int) -> Array:
    chosen = np.linspace(0, len(places) - 1, min(most, len(places))).astype(np.int64)
    return places[chosen] if len(places) else places


def _finite(answers: Outputs, rows: int) -> Array:
    """Rows whose every number is one."""
    floats = (each for each in answers.values() if each.dtype.kind == "f")
    each_finite = [np.isfinite(each).reshape(rows, -1).all(axis=1) for each in floats]
    return np.asarray(np.logical_and.reduce([np.ones(rows, np.bool_), *each_finite]))


def _writable(batch: Batch) -> Array:
    """Rows that JSON can carry: null is a missing number, but there is no word for an infinity."""
    floats = (batch.array(name) for name in batch.tensors if batch.array(name).dtype.kind == "f")
    rows = [~np.isinf(each).reshape(batch.rows, -1).any(axis=1) for each in floats]
    return np.asarray(np.logical_and.reduce([np.ones(batch.rows, np.bool_), *rows]))


def _head(batch: Batch, rows: int) -> Batch:
    return Batch(rows, {name: batch.array(name)[:rows] for name in batch.tensors})


def _refuse_compiling(*choices: Any) -> None:
    if any(choice is not None for choice in choices):
        msg = "code is not compiled: vectorizer, image and quantize say nothing to it"
        raise Unsupported(msg, hint="leave them out")


def check_names(name: str, version: str | None) -> None:
    """Raise `NameInvalid` for a name or version that is none."""
    check_name(name)
    if version is not None:
        check_name(version, "version")


def parameters_of(given: Parameters | Mapping[str, Any] | None) -> Parameters:
    """The parameters in whatever was given. Raises `SettingsError`."""
    if given is None or isinstance(given, Parameters):
        return given or Parameters()
    try:
        return msgspec.convert(dict(given), Parameters)
    except msgspec.ValidationError as error:
        msg = f"the parameters are not well formed: {error}"
        raise SettingsError(msg) from error


def as_json(document: Any) -> bytes:
    """A document as an attachment holds it: for people too."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2)
