"""tritonclient, unchanged, can look at a server, and reads why it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.foreign import Call, ask, tensors
from tests.conformance.models import Model

import modelport
from modelport.testing.replica import Replica

pytestmark = pytest.mark.conformance


def triton(served: Replica, *calls: Call, kind: tuple[str, ...] = ()) -> list[Any]:
    return ask("tritonclient", served.url.removeprefix("http://"), calls, *kind)


def call(method: str, **arguments: Any) -> Call:
    return {"method": method, **arguments}


@pytest.mark.parametrize("kind", [(), ("aio",)])
def test_health_is_true_of_what_is_there_and_false_of_the_rest(
    kind: tuple[str, ...], served: Replica
) -> None:
    found = triton(
        served,
        call("is_server_live"),
        call("is_server_ready"),
        call("is_model_ready", model_name="cells"),
        call("is_model_ready", model_name="cells", model_version="1"),
        call("is_model_ready", model_name="cells", model_version="2"),
        call("is_model_ready", model_name="nobody"),
        kind=kind,
    )
    assert found == [True, True, True, True, False, False]


def test_the_server_says_what_it_is_and_what_it_can(served: Replica) -> None:
    (metadata,) = triton(served, call("get_server_metadata"))
    assert (metadata["name"], metadata["version"]) == ("modelport", modelport.__version__)
    assert {"binary_tensor_data", "classification", "statistics"} <= set(metadata["extensions"])


def test_metadata_is_the_signature(served: Replica, known: dict[str, Model]) -> None:
    for name, model in known.items():
        (metadata,) = triton(served, call("get_model_metadata", model_name=name, model_version="1"))
        assert (metadata["name"], metadata["versions"]) == (name, ["1"])
        assert metadata["platform"]
        given = {field["name"]: (field["datatype"], tuple(field["shape"])) for field in metadata["inputs"]}
        assert given == {field.name: (field.dtype, field.shape) for field in model.fields.values()}
        assert [field["name"] for field in metadata["outputs"]] == list(model.answer(model.rows))


def test_the_outputs_of_a_classifier_are_words_and_numbers(served: Replica) -> None:
    (metadata,) = triton(served, call("get_model_metadata", model_name="cells"))
    assert metadata["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
    ]


def test_the_configuration_has_what_load_generators_read(served: Replica) -> None:
    (config,) = triton(served, call("get_model_config", model_name="graph"))
    assert config["name"] == "graph"
    assert config["max_batch_size"] > 0
    assert {one["name"]: (one["data_type"], one["dims"]) for one in config["input"]} == {
        "wanted": ("TYPE_BOOL", [2, 3]),
        "left": ("TYPE_FP32", [2, 3]),
        "right": ("TYPE_FP32", [2, 3]),
        "count": ("TYPE_INT64", [1]),
    }
    assert config["model_transaction_policy"] == {"decoupled": False}


def test_the_index_lists_every_model_as_ready(served: Replica, known: dict[str, Model]) -> None:
    (index,) = triton(served, call("get_model_repository_index"))
    assert {(one["name"], one["version"], one["state"]) for one in index} == {
        (name, "1", "READY") for name in known
    }


def test_statistics_count_rows_and_requests(served: Replica, known: dict[str, Model]) -> None:
    cells = known["cells"]
    asked = call("infer", model_name="cells", look=[], tensors=tensors(cells, cells.rows, binary=True))
    counted = call("get_inference_statistics", model_name="cells")
    before, _, _, after, everything = triton(
        served, counted, asked, asked, counted, call("get_inference_statistics")
    )
    old, new = before["model_stats"][0], after["model_stats"][0]
    assert (new["name"], new["version"]) == ("cells", "1")
    assert new["inference_count"] - old["inference_count"] == 2 * len(cells.rows["input"])
    assert 1 <= new["execution_count"] - old["execution_count"] <= 2
    assert new["inference_stats"]["success"]["count"] - old["inference_stats"]["success"]["count"] == 2
    assert new["inference_stats"]["success"]["ns"] > old["inference_stats"]["success"]["ns"]
    assert new["last_inference"] >= old["last_inference"]
    assert {one["name"] for one in everything["model_stats"]} == set(known)


def test_models_are_not_loaded_over_http(served: Replica) -> None:
    """A plan says what is served."""
    found = triton(served, call("load_model", model_name="cells"), call("unload_model", model_name="cells"))
    assert [answer["status"] for answer in found] == ["400", "400"]
    assert all("takes its models from a plan" in answer["error"] for answer in found)


@pytest.mark.parametrize("kind", [(), ("aio",)])
def test_a_refusal_says_why(kind: tuple[str, ...], served: Replica, known: dict[str, Model]) -> None:
    cells, texts = known["cells"], known["sentences"]
    good = tensors(cells, cells.rows, binary=True)
    narrow = tensors(cells, {"input": cells.rows["input"][:, :3]}, binary=True)
    words = tensors(texts, texts.rows, binary=True)
    refusals: dict[str, tuple[dict[str, Any], str]] = {
        "no model of that name": ({"model_name": "nobody", "tensors": good}, "404"),
        "no version 7": ({"model_name": "cells", "model_version": "7", "tensors": good}, "404"),
        "no input 'text'": ({"model_name": "cells", "tensors": words}, "400"),
        "the input 'text' is missing": ({"model_name": "sentences", "tensors": {}}, "400"),
        "the model takes [-1, 30]": ({"model_name": "cells", "tensors": narrow}, "400"),
        "no output 'loss'": ({"model_name": "cells", "tensors": good, "wanted": [{"name": "loss"}]}, "400"),
        "'sequence_id' is not served": ({"model_name": "cells", "tensors": good, "sequence_id": 3}, "400"),
    }
    found = triton(
        served, *[call("infer", look=[], **arguments) for arguments, _ in refusals.values()], kind=kind
    )
    for (words_, (_, status)), answer in zip(refusals.items(), found, strict=True):
        assert words_ in answer["error"]
        assert answer["status"] == status


def test_a_refusal_in_binary_leaves_the_connection_usable(served: Replica, known: dict[str, Model]) -> None:
    cells = known["cells"]
    good = call("infer", model_name="cells", look=["label"], tensors=tensors(cells, cells.rows, binary=True))
    bad = good | {"tensors": tensors(cells, {"input": cells.rows["input"][:, :2]}, binary=True)}
    found = triton(served, *[bad, good] * 5)
    assert [answer.get("status") for answer in found] == ["400", None] * 5
