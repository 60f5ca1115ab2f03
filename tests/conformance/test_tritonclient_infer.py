"""tritonclient, unchanged, gets the values that the predictor in this process gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.conformance.foreign import Call, ask, tensors
from tests.conformance.models import Model, Rows

from modelport.testing.replica import Replica

pytestmark = pytest.mark.conformance
WHOLE = {"cells": range(7), "patients": range(1, 5), "sentences": range(4), "graph": range(4)}
"""Rows without a missing value, which this client cannot write in JSON."""
CODINGS = [None, "gzip", "deflate"]


def infer(name: str, model: Model, rows: Rows, *, binary: bool = True, **more: Any) -> Call:
    """A call that reads every output."""
    look = list(model.answer(rows))
    return {
        "method": "infer", "model_name": name, "look": look, "tensors": tensors(model, rows, binary=binary)
    } | more  # fmt: skip


def triton(served: Replica, *calls: Call, kind: tuple[str, ...] = ()) -> list[Any]:
    return ask("tritonclient", served.url.removeprefix("http://"), calls, *kind)


def wanted(model: Model, rows: Rows, *, binary: bool) -> list[dict[str, Any]]:
    return [{"name": name, "binary_data": binary} for name in model.answer(rows)]


def values(answer: Any) -> dict[str, Any]:
    assert "outputs" in answer, answer
    return {name: seen and seen["values"] for name, seen in answer["outputs"].items()}


@pytest.mark.parametrize("name", WHOLE)
def test_every_way_of_carrying_tensors_gives_the_predictors_values(
    name: str, served: Replica, known: dict[str, Model]
) -> None:
    """JSON or binary in, JSON or binary or unsaid out: unsaid is binary, of all outputs."""
    model = known[name]
    rows = model.picked(*WHOLE[name])
    ways = [(into, out) for into in (True, False) for out in (True, False, None)]
    calls = [
        infer(name, model, rows, binary=into, wanted=None if out is None else wanted(model, rows, binary=out))
        for into, out in ways
    ]
    answers = triton(served, *calls)
    assert [values(answer) for answer in answers] == [model.answer(rows)] * len(ways)
    for (_, out), answer in zip(ways, answers, strict=True):
        assert all(("data" in output) == (out is False) for output in answer["response"]["outputs"])


@pytest.mark.parametrize("name", WHOLE)
def test_the_asyncio_client_gets_the_same(name: str, served: Replica, known: dict[str, Model]) -> None:
    """It calls every body application/octet-stream, JSON too."""
    model = known[name]
    rows = model.picked(*WHOLE[name])
    calls = [infer(name, model, rows, binary=binary) for binary in (True, False)]
    assert [values(answer) for answer in triton(served, *calls, kind=("aio",))] == [model.answer(rows)] * 2


def test_outputs_have_the_dtypes_that_the_metadata_promises(served: Replica, known: dict[str, Model]) -> None:
    graph, cells = known["graph"], known["cells"]
    found = triton(served, infer("graph", graph, graph.rows), infer("cells", cells, cells.rows))
    dtypes = [{name: seen["dtype"] for name, seen in answer["outputs"].items()} for answer in found]
    assert dtypes == [
        {"picked": "float32", "doubled": "int64", "rest": "bool"},
        {"label": "object", "probabilities": "float32"},
    ]


def test_nan_in_a_binary_tensor_is_a_missing_value(served: Replica, known: dict[str, Model]) -> None:
    patients = known["patients"]
    assert np.isnan(patients.rows["bmi"]).any()
    (answer,) = triton(served, infer("patients", patients, patients.rows))
    assert values(answer) == patients.answer(patients.rows)


def test_only_the_outputs_asked_for_come_in_the_order_asked(served: Replica, known: dict[str, Model]) -> None:
    graph = known["graph"]
    mixed = [{"name": "rest", "binary_data": False}, {"name": "picked", "binary_data": True}]
    (answer,) = triton(served, infer("graph", graph, graph.rows, wanted=mixed))
    assert [output["name"] for output in answer["response"]["outputs"]] == ["rest", "picked"]
    assert values(answer) == graph.answer(graph.rows) | {"doubled": None}


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("coding", CODINGS[1:])
def test_a_compressed_request_is_read(
    coding: str, binary: bool, served: Replica, known: dict[str, Model]
) -> None:
    cells, texts = known["cells"], known["sentences"]
    more: dict[str, Any] = {"binary": binary, "request_compression_algorithm": coding}
    answers = triton(
        served,
        infer("cells", cells, cells.rows, **more),
        infer("sentences", texts, texts.rows, **more),
    )
    assert [values(answer) for answer in answers] == [cells.answer(cells.rows), texts.answer(texts.rows)]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("coding", CODINGS)
def test_an_answer_is_compressed_when_that_is_asked_for(
    coding: str | None, binary: bool, served: Replica, known: dict[str, Model]
) -> None:
    """A long answer; one of a few bytes is sent plain."""
    cells = known["cells"]
    rows = cells.picked(*[index % 7 for index in range(300)])
    out = wanted(cells, rows, binary=binary)
    more: dict[str, Any] = {"wanted": out, "response_compression_algorithm": coding}
    long, short = triton(
        served, infer("cells", cells, rows, **more), infer("cells", cells, cells.picked(0), **more)
    )
    assert values(long) == cells.answer(rows)
    assert long["coding"] == coding
    assert values(short) == cells.answer(cells.picked(0))
    assert short["coding"] is None


def test_the_length_header_counts_plain_bytes_behind_both_codings(
    served: Replica, known: dict[str, Model]
) -> None:
    cells = known["cells"]
    rows = cells.picked(*[index % 7 for index in range(300)])
    both: dict[str, Any] = {
        "request_compression_algorithm": "gzip",
        "response_compression_algorithm": "deflate",
    }
    (answer,) = triton(served, infer("cells", cells, rows, **both))
    assert values(answer) == cells.answer(rows)


def test_many_requests_at_once_are_all_answered(served: Replica, known: dict[str, Model]) -> None:
    """They may share a batch with each other, which may change the last bit of a number."""
    cells = known["cells"]
    call = infer("cells", cells, cells.rows) | {"method": "async_infer", "times": 40}
    (answers,) = triton(served, call)
    expected = cells.answer(cells.rows)
    assert len(answers) == 40
    for answer in answers:
        assert values(answer)["label"] == expected["label"]
        np.testing.assert_allclose(values(answer)["probabilities"], expected["probabilities"], atol=1e-6)


def test_an_answer_says_who_gave_it_and_for_which_request(served: Replica, known: dict[str, Model]) -> None:
    cells = known["cells"]
    more: dict[str, Any] = {
        "request_id": "caller's own",
        "timeout": 20_000_000,
        "priority": 1,
        "parameters": {"team": "blue"},
    }
    for version in ("", "1"):
        (answer,) = triton(served, infer("cells", cells, cells.rows, model_version=version, **more))
        response = answer["response"]
        assert response["id"] == "caller's own"
        assert (response["model_name"], response["model_version"]) == ("cells", "1")
        assert response["parameters"]["prediction_id"]


@pytest.mark.parametrize("binary", [True, False])
def test_classification_gives_value_index_and_label(
    binary: bool, served: Replica, known: dict[str, Model]
) -> None:
    cells = known["cells"]
    top = [{"name": "probabilities", "class_count": 1, "binary_data": binary}]
    (answer,) = triton(served, infer("cells", cells, cells.rows, wanted=top))
    expected = cells.answer(cells.rows)
    labels = cells.manifest.labels
    assert labels is not None
    best = [int(np.argmax(row)) for row in expected["probabilities"]]
    given = [text.split(":") for (text,) in values(answer)["probabilities"]]
    assert [(int(index), label) for _, index, label in given] == [(one, labels[one]) for one in best]
    numbers = [float(number) for number, _, _ in given]
    assert numbers == pytest.approx([max(row) for row in expected["probabilities"]], abs=1e-6)


@pytest.mark.parametrize("dtype", ["FP16", "FP64", "INT32", "UINT8"])
def test_narrower_and_wider_numbers_become_the_models_own(
    dtype: str, served: Replica, known: dict[str, Model]
) -> None:
    cells = known["cells"]
    kind = {"FP16": np.float16, "FP64": np.float64, "INT32": np.int32, "UINT8": np.uint8}[dtype]
    rows = {"input": np.floor(np.minimum(cells.rows["input"], 200)).astype(kind)}
    call = infer("cells", cells, cells.rows)
    call["tensors"] = tensors(cells, rows, binary=True, dtypes={"input": dtype})
    (answer,) = triton(served, call)
    assert values(answer) == cells.answer({"input": rows["input"].astype(np.float32)})
