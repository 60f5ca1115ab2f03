"""The REST client of kserve, unchanged, gets the values that the predictor in this process gives."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.conformance.foreign import Call, ask, tensors
from tests.conformance.models import Model, Rows

from modelport.testing.replica import Replica

pytestmark = pytest.mark.conformance
WAYS = [(into, out) for into in (True, False) for out in (True, False, None)]
MODELS = ["cells", "patients", "sentences", "graph"]


def infer(name: str, model: Model, rows: Rows, *, binary: bool, **more: Any) -> Call:
    return {"method": "infer", "model_name": name, "tensors": tensors(model, rows, binary=binary)} | more


def kserve(served: Replica, *calls: Call) -> list[Any]:
    return ask("kserve", served.url, calls)


def values(answer: Any) -> dict[str, Any]:
    assert "outputs" in answer, answer
    return {name: seen["values"] for name, seen in answer["outputs"].items()}


def with_null(call: Call) -> Call:
    """Null where a number is missing: JSON has no NaN."""
    for tensor in call["tensors"].values():
        tensor["values"] = [None if value != value else value for value in tensor["values"]]  # noqa: PLR0124
    return call


def test_health_is_true_of_what_is_there_and_false_of_the_rest(served: Replica) -> None:
    found = kserve(
        served,
        {"method": "is_server_live"},
        {"method": "is_server_ready"},
        {"method": "is_model_ready", "model_name": "cells"},
        {"method": "is_model_ready", "model_name": "nobody"},
    )
    assert found == [True, True, True, False]


@pytest.mark.parametrize("name", MODELS)
def test_every_way_of_carrying_tensors_gives_the_predictors_values(
    name: str, served: Replica, known: dict[str, Model]
) -> None:
    """JSON or binary in, JSON or binary or unsaid out; this client leaves JSON when nothing is said."""
    model = known[name]
    rows = model.picked(1, 2, 3)
    calls = []
    for into, out in WAYS:
        asked = [{"name": one, "parameters": {"binary_data": out}} for one in model.answer(rows)]
        calls.append(infer(name, model, rows, binary=into, wanted=None if out is None else asked))
    answers = kserve(served, *calls)
    assert [values(answer) for answer in answers] == [model.answer(rows)] * len(WAYS)
    assert {(answer["id"], answer["model"]) for answer in answers} == {("caller's own", name)}


def test_a_request_may_ask_for_all_outputs_in_binary(served: Replica, known: dict[str, Model]) -> None:
    graph = known["graph"]
    parameters = {"binary_data_output": True}
    (answer,) = kserve(served, infer("graph", graph, graph.rows, binary=False, parameters=parameters))
    assert values(answer) == graph.answer(graph.rows)
    assert [seen["dtype"] for seen in answer["outputs"].values()] == ["float32", "int64", "bool"]


def test_null_in_json_is_a_missing_value_as_nan_in_binary_is(
    served: Replica, known: dict[str, Model]
) -> None:
    patients = known["patients"]
    rows = patients.picked(0, 1, 5)
    assert math.isnan(rows["bmi"][0])
    call = with_null(infer("patients", patients, rows, binary=False))
    assert call["tensors"]["bmi"]["values"][0] is None
    found = kserve(served, call, infer("patients", patients, rows, binary=True))
    assert [values(answer) for answer in found] == [patients.answer(rows)] * 2


def test_null_is_refused_where_no_value_may_be_missing(served: Replica, known: dict[str, Model]) -> None:
    call = infer("sentences", known["sentences"], known["sentences"].rows, binary=False)
    call["tensors"]["text"]["values"][1] = None
    (answer,) = kserve(served, call)
    assert answer == {"status": 400, "error": "'text' holds null, and the model knows no missing value there"}


def test_a_refusal_is_an_http_status_error_with_the_reason(served: Replica, known: dict[str, Model]) -> None:
    cells = known["cells"]
    narrow = {"input": cells.rows["input"][:, :3]}
    found = kserve(
        served,
        infer("nobody", cells, cells.rows, binary=True),
        infer("cells", cells, narrow, binary=True),
    )
    assert [answer["status"] for answer in found] == [404, 400]
    assert "the model takes [-1, 30]" in found[1]["error"]
