"""Every way a server says no becomes one typed error."""

from __future__ import annotations

import json

import pytest

from modelport import errors
from modelport.client import problems
from modelport.client.calls import Reply


def reply(status: int, document: object, **headers: str) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize("cls", problems._CLASSES, ids=lambda cls: cls.code)
def test_each_code_gives_its_own_class(cls: type[errors.ModelportError]) -> None:
    error = problems.error_from(reply(cls.status, {"code": cls.code, "detail": "no"}))
    assert type(error) is cls
    assert error.message == "no"


def test_every_error_of_a_request_in_the_tree_is_known() -> None:
    """A class added to the tree with an HTTP meaning must be added to the table."""
    own = {
        cls for cls in vars(errors).values() if isinstance(cls, type) and cls.__module__ == errors.__name__
    }
    packing = {errors.ModelportError, errors.PlanRefused, errors.SettingsError}
    packing |= {cls for cls in own if issubclass(cls, errors.BundleError | errors.CompileError)}
    assert own - packing == set(problems._CLASSES)


def test_an_unknown_code_keeps_its_name_and_takes_the_class_of_the_status() -> None:
    error = problems.error_from(reply(503, {"code": "worker-lost", "detail": "gone"}, retry_after="2"))
    assert isinstance(error, errors.Overloaded)
    assert (error.code, error.retry_after) == ("worker-lost", 2.0)


def test_invalid_input_carries_its_pointer_and_all_places() -> None:
    places = [{"pointer": "/input/age", "message": "text"}, {"pointer": "/input/plan", "message": "missing"}]
    error = problems.error_from(reply(422, {"detail": "bad", "request_id": "r1", "errors": places}))
    assert isinstance(error, errors.InvalidInput)
    assert error.pointer == "/input/age"
    assert error.__notes__ == ["/input/age: text", "/input/plan: missing", "request id: r1"]


def test_a_place_that_the_message_tells_already_is_not_told_twice() -> None:
    places = [{"pointer": "/deployment/stepz", "message": "line 2, column 3: unknown key"}]
    document = {"detail": "line 2, column 3: unknown key", "code": "document-invalid", "errors": places}
    error = problems.error_from(reply(422, document))
    assert not hasattr(error, "__notes__")


@pytest.mark.parametrize("body", [b"<html>bad gateway</html>", b"", b"[1]", b'{"detail": 7}', b"\xff"])
def test_a_page_that_is_no_problem_document_still_tells_the_status(body: bytes) -> None:
    error = problems.error_from(reply(503, body))
    assert isinstance(error, errors.Overloaded)
    assert "503" in error.message


def test_the_error_member_of_open_inference_servers_is_read() -> None:
    assert problems.error_from(reply(404, {"error": "no such model"})).message == "no such model"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("Sat, 21 Nov 2026 10:00:07 GMT", 7.0),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str, seconds: float | None) -> None:
    """A date is measured against the reply's own date, so a wrong clock here changes nothing."""
    answer = reply(503, {}, retry_after=text, date="Sat, 21 Nov 2026 10:00:00 GMT")
    assert problems.retry_after(answer) == seconds
