"""XGBoost's document, from JSON or UBJSON, as a `Boosted`.

The schema is the one of https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.boosting.boosted import Boosted, Link
from modelport.compile.boosting.checked import (
    MAX_TREES,
    check_count,
    check_tree,
    check_width,
    reading,
    refused,
)
from modelport.compile.boosting.xgboost_trees import check_targets, tables_of, tree_of
from modelport.compile.sklearn.converters.trees import Tree
from modelport.errors import Unsupported

_LINKS: Mapping[str, Link] = {
    "binary:logistic": "sigmoid",
    "reg:logistic": "sigmoid",
    "binary:hinge": "step",
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "survival:cox": "exp",
    "survival:aft": "exp",
}
_LOGITS = {"binary:logistic", "reg:logistic"}
_IDENTITIES = {
    "binary:logitraw",
    "rank:map",
    "rank:ndcg",
    "rank:pairwise",
    "reg:absoluteerror",
    "reg:expectileerror",
    "reg:linear",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:squarederror",
    "reg:squaredlogerror",
}


def objective_of(document: Mapping[str, Any]) -> str:
    """The name of the objective it was trained for."""
    with reading("XGBoost"):
        return str(document["learner"]["objective"]["name"])


def boosted_of(document: Mapping[str, Any], rounds: int | None = None, missing: float = np.nan) -> Boosted:
    """The model in a document, of its first `rounds` rounds where that is given.

    Raises `SourceRefused` (`source-malformed`) for a document that is not a whole model, `Unsupported` for an
    objective or a booster that is not known here.
    """
    with reading("XGBoost"):
        return _Document(document["learner"]).boosted(rounds, missing)


class _Document:
    def __init__(self, learner: Mapping[str, Any]) -> None:
        sizes = learner["learner_model_param"]
        self.learner = learner
        self.width = check_width(int(sizes["num_feature"]))
        self.targets = max(1, int(sizes["num_class"]), int(sizes.get("num_target", 1)))
        self.objective = str(learner["objective"]["name"])
        if self.targets > MAX_TREES:
            msg = f"the model says it has {self.targets} targets"
            raise refused(msg)

    def boosted(self, rounds: int | None, missing: float) -> Boosted:
        if self.objective not in _LINKS and self.objective not in _IDENTITIES:
            msg = f"the objective {self.objective!r} of XGBoost is not known here"
            raise Unsupported(msg, hint="docs/reference/compilers.md lists what is known")
        booster = self.learner["gradient_booster"]
        name = booster["name"]
        common: dict[str, Any] = {
            "width": self.width,
            "targets": self.targets,
            "link": _LINKS.get(self.objective, "identity"),
            "missing": missing,
        }
        if name == "gblinear":
            return self._linear(booster["model"], common)
        if name == "dart":
            weights = np.asarray(booster["weight_drop"], np.float32)
            return self._trees(booster["gbtree"]["model"], weights, rounds, common)
        if name == "gbtree":
            return self._trees(booster["model"], None, rounds, common)
        msg = f"the booster {name!r} of XGBoost is not known here"
        raise Unsupported(msg, hint="use gbtree, dart or gblinear")

    def _start(self) -> npt.NDArray[np.float64]:
        """The intercept as a raw sum; it is kept as the objective answers, e.g. as a probability."""
        text = str(self.learner["learner_model_param"]["base_score"]).strip("[]")
        base = np.asarray([float(part) for part in text.split(",")], np.float32).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.objective in _LOGITS:
                base = -np.log(1 / base - 1)
            elif _LINKS.get(self.objective) == "exp":
                base = np.log(base)
        if not np.isfinite(base).all():
            msg = "the base score is not a number that the objective can answer"
            raise refused(msg)
        return np.broadcast_to(base, (self.targets,))

    def _linear(self, model: Mapping[str, Any], common: dict[str, Any]) -> Boosted:
        weights = np.asarray(model["weights"], np.float64)
        check_count("weights", (self.width + 1) * self.targets, len(weights))
        table = weights.reshape(self.width + 1, self.targets)
        # gblinear adds the intercept of the first class to every class.
        return Boosted(**common, start=self._start()[0] + table[-1], weights=table[:-1])

    def _trees(
        self,
        model: Mapping[str, Any],
        factors: npt.NDArray[np.float32] | None,
        rounds: int | None,
        common: dict[str, Any],
    ) -> Boosted:
        documents, groups = model["trees"], np.asarray(model["tree_info"], np.int64)
        check_count("trees", int(model["gbtree_model_param"]["num_trees"]), len(documents))
        check_count("trees", len(groups), len(documents))
        count = self._trees_of(model, rounds, len(documents))
        if len(groups) and not 0 <= groups.min() <= groups.max() < self.targets:
            msg = f"a tree adds to target {groups.max()} of {self.targets}"
            raise refused(msg)
        factors = np.ones(len(documents), np.float32) if factors is None else factors
        check_count("weights of trees", len(documents), len(factors))
        tables = tables_of(model.get("cats") or {}, self.width)
        trees = [tree_of(documents[place], factors[place]) for place in range(count)]
        for number, tree in enumerate(trees):
            check_tree(number, tree, self.width)
            check_targets(tree.values.shape[1], int(groups[number]), self.targets)
        return Boosted(
            **common,
            start=self._start(),
            trees=tuple(zip(trees, groups[:count].tolist(), strict=True)),
            tables=tables,
            whole=_categorical(trees) - tables.keys(),
            floored=True,
        )

    def _trees_of(self, model: Mapping[str, Any], rounds: int | None, found: int) -> int:
        """How many trees the first `rounds` rounds have."""
        if found > MAX_TREES:
            msg = f"the model has {found} trees; up to {MAX_TREES:,} are read"
            raise refused(msg)
        ends = np.asarray(model.get("iteration_indptr", ()), np.int64)
        if len(ends) and (ends[0] != 0 or ends[-1] != found or (np.diff(ends) < 0).any()):
            msg = "the rounds of the model do not end where its trees do"
            raise refused(msg)
        if rounds is None:
            return found
        if len(ends):
            return int(ends[min(rounds, len(ends) - 1)])
        each = self.targets * max(1, int(model["gbtree_model_param"]["num_parallel_tree"]))
        return min(rounds * each, found)


def _categorical(trees: Sequence[Tree]) -> frozenset[int]:
    """Features that some node tests for a category."""
    return frozenset(int(tree.feature[node]) for tree in trees for node in tree.members)
