"""Fitted vectorizers into declarative features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from modelport.compile.text.analyzers import analyzer
from modelport.compile.text.stages import VECTORIZERS, WEIGHTINGS, Stages, flat, name_of
from modelport.errors import Unsupported
from modelport.runtimes.text import arrays
from modelport.runtimes.text.spec import Block, Features, Hashing, Vocabulary, Weighting


@dataclass(frozen=True, slots=True)
class Written:
    """Features with the files they name, and notes for the user."""

    features: Features
    files: dict[str, bytes]
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return sum(block.columns.size for block in self.features.blocks)


def features(stages: Stages) -> Written:
    """The vectorizing steps as data. Raises `Unsupported` for what only code could do."""
    files: dict[str, bytes] = {}
    blocks = _blocks(stages.vectorizer, files)
    steps = tuple(_weighting(step, "model/idf.npy", files) for step in stages.weightings)
    if len(blocks) == 1:
        blocks, steps = [_weighted(blocks[0], steps)], ()
    found = Features(tuple(blocks), _merged(steps))
    for block in blocks:
        _check_signs(block, found.weightings)
    return Written(found, files, _notes(stages.vectorizer))


def _blocks(vectorizer: Any, files: dict[str, bytes]) -> list[Block]:
    if name_of(vectorizer) != "FeatureUnion":
        return [_block([vectorizer], 0, 1.0, files)]
    factors = vectorizer.transformer_weights or {}
    parts = [(name, part) for name, part in vectorizer.transformer_list if part not in ("drop", None)]
    if not parts:
        msg = "the FeatureUnion has no vectorizer in it"
        raise Unsupported(msg)
    return [
        _block(flat(part), place, float(factors.get(name, 1.0)), files)
        for place, (name, part) in enumerate(parts)
    ]


def _block(steps: Sequence[Any], place: int, factor: float, files: dict[str, bytes]) -> Block:
    vectorizer, *rest = steps
    for allowed, step in [(VECTORIZERS, vectorizer), *((WEIGHTINGS, step) for step in rest)]:
        if name_of(step) not in allowed:
            msg = f"a branch of the FeatureUnion has {type(step).__name__} in it, which has no text form"
            raise Unsupported(msg, hint="keep to vectorizers and TfidfTransformer inside a FeatureUnion")
    path = f"model/idf-{place}"
    found = [_own_weighting(vectorizer, f"{path}.npy", files)]
    found += [_weighting(step, f"{path}-{number}.npy", files) for number, step in enumerate(rest)]
    block = Block(
        analyzer(vectorizer),
        _columns(vectorizer, place, files),
        binary=bool(vectorizer.binary) or np.dtype(vectorizer.dtype).kind == "b",
        factor=factor,
    )
    return _weighted(block, tuple(found))


def _columns(vectorizer: Any, place: int, files: dict[str, bytes]) -> Vocabulary | Hashing:
    _check_dtype(vectorizer)
    if name_of(vectorizer) == "HashingVectorizer":
        return Hashing(int(vectorizer.n_features), bool(vectorizer.alternate_sign))
    terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
    path = f"model/vocabulary-{place}.json"
    files[path] = _encoded(terms)
    return Vocabulary(path, len(terms))


def _encoded(terms: Sequence[Any]) -> bytes:
    try:
        return msgspec.json.encode([str(term) for term in terms])
    except UnicodeEncodeError:
        msg = "the vocabulary holds a term with half of a surrogate pair, which is no character"
        raise Unsupported(msg, hint="fit on texts decoded with errors='replace'") from None


def _check_dtype(vectorizer: Any) -> None:
    dtype = np.dtype(vectorizer.dtype)
    if dtype.kind in "iu" and dtype.itemsize < 4:
        msg = f"the vectorizer counts in {dtype}, which wraps around on long texts"
        raise Unsupported(msg, hint="fit it with dtype=numpy.int64")


def _own_weighting(vectorizer: Any, path: str, files: dict[str, bytes]) -> Weighting:
    match name_of(vectorizer):
        case "TfidfVectorizer":
            return _weighting(vectorizer._tfidf, path, files)  # noqa: SLF001
        case "HashingVectorizer":
            return Weighting(norm=vectorizer.norm)
        case _:
            return Weighting()


def _weighting(step: Any, path: str, files: dict[str, bytes]) -> Weighting:
    if name_of(step) == "Normalizer":
        return _normalizer(step)
    idf = step.idf_ if step.use_idf else None
    if idf is not None:
        files[path] = arrays.dump(_finite(idf))
    return Weighting(bool(step.sublinear_tf), None if idf is None else path, step.norm)


def _normalizer(step: Any) -> Weighting:
    if step.norm not in ("l1", "l2"):
        msg = f"Normalizer(norm={step.norm!r}) has no text form"
        raise Unsupported(msg, hint="use norm='l2' or 'l1'")
    return Weighting(norm=step.norm)


def _finite(idf: Any) -> Any:
    if not np.isfinite(idf).all():
        msg = "the idf of a term that no document has is infinite"
        raise Unsupported(msg, hint="fit with smooth_idf=True, or without terms that never occur")
    return idf


def _weighted(block: Block, steps: tuple[Weighting, ...]) -> Block:
    return msgspec.structs.replace(block, weightings=_merged((*block.weightings, *steps)))


def _merged(steps: tuple[Weighting, ...]) -> tuple[Weighting, ...]:
    """The same steps without those that do nothing, and with a lone norm joined to the step before it."""
    found: list[Weighting] = []
    for step in steps:
        if step == Weighting():
            continue
        if found and found[-1].norm is None and step == Weighting(norm=step.norm):
            found[-1] = msgspec.structs.replace(found[-1], norm=step.norm)
        else:
            found.append(step)
    return tuple(found)


def _check_signs(block: Block, after: tuple[Weighting, ...]) -> None:
    signed = isinstance(block.columns, Hashing) and block.columns.alternate_sign and not block.binary
    if signed and any(step.sublinear for step in (*block.weightings, *after)):
        msg = "sublinear_tf takes logarithms of hashed counts, which may be negative"
        raise Unsupported(msg, hint="fit with HashingVectorizer(alternate_sign=False)")


def _notes(vectorizer: Any) -> tuple[str, ...]:
    parts = [part for _, part in getattr(vectorizer, "transformer_list", [("", vectorizer)])]
    dtypes = [np.dtype(step.dtype) for part in parts for step in flat(part) if hasattr(step, "dtype")]
    if any(dtype == np.float32 for dtype in dtypes):
        return ("the original computes features in float32, the compiled model in float64",)
    return ()


def presence(written: Written) -> Written | None:
    """The same columns as 0 and 1, as BernoulliNB sees them; None where a value may be negative."""
    blocks = written.features.blocks
    if any(isinstance(block.columns, Hashing) and block.columns.alternate_sign for block in blocks):
        return None
    if any(block.factor <= 0.0 for block in blocks):
        return None
    plain = [msgspec.structs.replace(block, binary=True, weightings=(), factor=1.0) for block in blocks]
    files = {path: data for path, data in written.files.items() if not path.startswith("model/idf")}
    return replace(written, features=Features(tuple(plain)), files=files)
