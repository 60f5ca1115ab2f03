"""The OpenAPI document is valid, whole, and describes what each model takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from modelport.core.signature import Field, Item, Signature, Task
from modelport.serving.http.openapi import document
from modelport.serving.http.schemas import Described, item

OUT = (Field("label", "INT64", (-1,)),)
SIGNATURES: dict[Item, Signature] = {
    "vector": Signature("vector", (Field("input", "FP32", (-1, 2), columns=("age", "income")),), OUT),
    "columns": Signature(
        "columns",
        (
            Field("age", "FP64", (-1,), minimum=18, maximum=99),
            Field("income", "FP64", (-1,), missing=True),
            Field("plan", "BYTES", (-1,), categories=("basic", "pro"), closed=True),
            Field("town", "BYTES", (-1,), categories=("Ulm", "Bonn"), missing=True),
        ),
        OUT,
    ),
    "text": Signature("text", (Field("text", "BYTES", (-1,)),), OUT),
    "tensors": Signature("tensors", (Field("image", "UINT8", (-1, 2, -1)),), OUT),
}
TASKS: tuple[Task, ...] = (
    *("classification", "regression", "clustering", "outlier", "multilabel", "transform", "tensors"),
)


def described(name: str, kind: Item, task: Task = "classification") -> Described:
    return Described(name, task, SIGNATURES[kind], ("stays", "leaves"))


ALL = [described(f"model-{kind}", kind) for kind in SIGNATURES]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    if isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def operations(doc: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, entry in doc["paths"].items():
        for method, operation in entry.items():
            if method in {"get", "post"}:
                yield path, method, operation


@pytest.mark.parametrize("endpoints", [[], ALL[:1], ALL, *([described("m", "text", task)] for task in TASKS)])
def test_the_document_is_valid_openapi(endpoints: list[Described]) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document(endpoints, version="1.0", secured=True))


@pytest.mark.parametrize("endpoints", [[], ALL[:1], ALL])
def test_every_reference_leads_somewhere_and_everything_is_referred_to(endpoints: list[Described]) -> None:
    doc = json.loads(json.dumps(document(endpoints, version="1.0", secured=True)))
    used = {node["$ref"] for node in nodes(doc) if "$ref" in node}
    there = {
        f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in doc["components"][kind]
    }
    assert used <= there
    if len(endpoints) == 1:
        assert there - used == set()


def test_operations_have_names_of_their_own_and_declare_their_path_parameters() -> None:
    doc = document(ALL, version="1.0", secured=True)
    names = [operation["operationId"] for _, _, operation in operations(doc)]
    assert len(names) == len(set(names))
    for path, entry in doc["paths"].items():
        declared = {one["name"] for one in entry.get("parameters", [])}
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_every_route_of_the_contract_is_there() -> None:
    routes = {
        (method, path) for path, method, _ in operations(document(ALL[:1], version="1.0", secured=True))
    }
    model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    assert routes == {
        *(("post", path) for path in ("/v1/models/model-vector/predict", "/predict", "/batch_predict")),
        *(("get", path) for path in ("/health", "/ping", "/version", "/metrics", "/debug/plan")),
        *(("get", path) for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models")),
        ("get", "/v2/models/stats"),
        *(("get", base + end) for base in (model, version) for end in ("", "/ready", "/stats", "/config")),
        *(("post", base + "/infer") for base in (model, version)),
        ("post", "/v2/repository/index"),
        *(("post", f"/v2/repository/models/{{model}}/{verb}") for verb in ("load", "unload")),
    }


def test_routes_for_a_single_model_are_gone_with_several() -> None:
    assert not {"/predict", "/batch_predict"} & set(document(ALL, version="1.0", secured=True)["paths"])


def test_errors_are_problem_documents_everywhere() -> None:
    doc = document(ALL, version="1.0", secured=True)
    for response in doc["components"]["responses"].values():
        assert response["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
    for path, _, operation in operations(doc):
        assert "503" in operation["responses"], path


def test_only_health_is_open_without_a_key() -> None:
    doc = document(ALL, version="1.0", secured=True)
    assert doc["security"] == [{"key": []}]
    public = {path for path, _, operation in operations(doc) if operation.get("security") == []}
    assert public == {"/health", "/ping", "/v2/health/live", "/v2/health/ready"}
    assert document(ALL, version="1.0", secured=False)["security"] == []


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("vector", [[41, 2.5], {"age": 41, "income": 2.5}], [[41], [41, 2, 3], ["a", 2], {"age": 41}, "x"]),
        (
            "columns",
            [{"age": 41, "income": None, "plan": "pro"}, {"age": 5, "plan": "basic", "town": "Köln"}],
            [{"income": 1, "plan": "pro"}, {"age": None, "plan": "pro"}, {"age": 41, "plan": "gold"}, [41]],
        ),
        ("text", ["hello", ""], [1, ["hello"], None]),
        ("tensors", [{"image": [[1, 2, 3], [4]]}], [{"image": [[1]]}, {"image": [1, 2]}, {}]),
    ],
)
def test_the_schema_of_an_item_is_its_contract(kind: Item, good: list[Any], bad: list[Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(item(SIGNATURES[kind]))
    assert [one for one in good if not validator.is_valid(one)] == []
    assert [one for one in bad if validator.is_valid(one)] == []


def test_an_answer_is_one_of_the_labels() -> None:
    schemas = document(ALL, version="1.0", secured=True)["components"]["schemas"]
    assert schemas["model-text.Prediction"]["properties"]["prediction"] == {"enum": ["stays", "leaves"]}


def test_a_number_lies_in_the_range_of_its_dtype() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    fields = tuple(
        Field(dtype.lower(), dtype, (-1,)) for dtype in ("UINT8", "INT16", "FP16", "FP32", "FP64", "BOOL")
    )
    validator = jsonschema.Draft202012Validator(item(Signature("columns", fields, OUT)))
    largest = {
        "uint8": 255,
        "int16": 32767,
        "fp16": 65519,
        "fp32": 3.4028235677973362e38,
        "fp64": 1e300,
        "bool": True,
    }
    assert validator.is_valid(largest)
    for name, value in {
        "uint8": -1,
        "int16": 32768,
        "fp16": 65520,
        "fp32": -3.4028235677973366e38,
        "bool": 1,
    }.items():
        assert not validator.is_valid(largest | {name: value}), name


def test_what_the_server_would_refuse_by_its_form_is_not_in_the_schema() -> None:
    """An unknown key, an empty list, a parameter nobody reads."""
    jsonschema = pytest.importorskip("jsonschema")
    doc = document([described("m", "vector")], version="1.0", secured=False)
    operation = doc["paths"]["/v1/models/m/predict"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator(body | {"components": doc["components"]})
    good = {"input": [[41, 2.5]], "parameters": {"user_id": "u"}, "id": None}
    bad: list[dict[str, Any]] = [
        {"input": []},
        {"input": {"age": 41, "income": 2.5, "town": "Ulm"}},
        {"parameters": {"colour": "red"}},
        {"inputs": 1},
    ]
    assert validator.is_valid(good)
    assert [more for more in bad if validator.is_valid(good | more)] == []


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        ("vector", {"age": 41, "income": 2.5}),
        ("columns", {"age": 41, "plan": "pro"}),
        ("text", {"text": "hello"}),
        ("tensors", {"image": [[1], [2]]}),
    ],
)
def test_a_single_model_takes_the_columns_at_the_top_of_a_body(kind: Item, good: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    operation = document([described("m", kind)], version="1.0", secured=False)["paths"]["/predict"]["post"]
    validator = jsonschema.Draft202012Validator(
        operation["requestBody"]["content"]["application/json"]["schema"]
    )
    assert validator.is_valid(good)
    assert validator.is_valid(good | {"return_probabilities": True})
    assert not validator.is_valid({"return_probabilities": True})
    assert not validator.is_valid(good | {"town of birth": "Ulm"})


def test_a_path_names_one_of_the_models() -> None:
    paths = document(ALL, version="1.0", secured=False)["paths"]
    (model,) = paths["/v2/models/{model}/infer"]["parameters"]
    assert model["schema"]["enum"] == [one.name for one in ALL]
    (nothing_yet,) = document([], version="1.0", secured=False)["paths"]["/v2/models/{model}"]["parameters"]
    assert nothing_yet["schema"] == {"type": "string"}


def test_loading_and_unloading_promise_only_a_refusal() -> None:
    paths = document(ALL, version="1.0", secured=False)["paths"]
    for verb in ("load", "unload"):
        operation = paths[f"/v2/repository/models/{{model}}/{verb}"]["post"]
        assert "refused" in operation["summary"]
        assert "200" not in operation["responses"]
        assert "400" in operation["responses"]
