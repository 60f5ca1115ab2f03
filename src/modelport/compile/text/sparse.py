"""Linear models: declarative features and a sparse kernel in float64."""

from __future__ import annotations

import msgspec

from modelport.compile.compiled import Candidate, Compiled, Outputs
from modelport.compile.sklearn import outputs
from modelport.compile.text.features import Written, presence
from modelport.compile.text.folding import folded
from modelport.compile.text.heads import Head, head
from modelport.compile.text.target import INPUTS, Target
from modelport.core.signature import Signature
from modelport.runtimes.text import arrays
from modelport.runtimes.text.spec import PATH, Curve, Linear, TextModel

WEIGHTS = "model/weights.npy"
INTERCEPT = "model/intercept.npy"


def candidate(target: Target, answers: Outputs) -> Candidate | None:
    """The candidate `sparse`; None where the model is not linear in its features."""
    own = head(target.estimator)
    found = None if own is None else folded(own, target.columns)
    if found is None or target.meaning.task not in {"classification", "regression", "multilabel"}:
        return None
    written = presence(target.written) if found.presence else target.written
    if written is None or found.weights.shape[0] != written.width:
        return None
    return Candidate("sparse", lambda: _compiled(target, found, written, answers))


def _compiled(target: Target, found: Head, written: Written, answers: Outputs) -> Compiled:
    model = TextModel(written.features, _linear(found))
    return Compiled(
        runtime="text",
        task=target.meaning.task,
        signature=Signature("text", INPUTS, outputs.fields(answers, "FP64")),
        labels=target.meaning.labels,
        files={
            PATH: msgspec.json.encode(model),
            WEIGHTS: arrays.dump(found.weights),
            INTERCEPT: arrays.dump(found.intercept),
            **written.files,
        },
        notes=("sparse linear kernel in float64", *written.notes),
    )


def _linear(found: Head) -> Linear:
    stepped = any(isinstance(each, Curve) for member in found.calibration for each in member.maps)
    return Linear(
        WEIGHTS,
        INTERCEPT,
        outputs=found.weights.shape[1],
        link=found.link,
        calibration=found.calibration,
        sequential=stepped,
    )
