"""A document names where a secret is; the secret itself is read late, and nothing prints it."""

from __future__ import annotations

import pickle
from pathlib import Path

import msgspec
import pytest

from modelport.control.documents.secrets import Reference, Secret, reference, resolve
from modelport.errors import InvalidInput, NotFound

VALUE = "correct horse battery staple"


def nothing(name: str) -> None:
    return None


@pytest.mark.parametrize("text", ["${ENV:SMTP_PASSWORD}", "${FILE:/run/secrets/smtp}", "secret://smtp"])
def test_a_reference_is_read_and_written_alike(text: str) -> None:
    assert str(reference(text)) == text


@pytest.mark.parametrize(
    "text", ["", VALUE, "${ENV:}", "${ENV:A B}", "x${ENV:A}", "secret://../x", "${HOME}"]
)
def test_any_other_text_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        reference(text)
    assert caught.value.code == "secret-reference"
    assert VALUE not in str(caught.value)


def test_a_secret_is_read_where_its_reference_points(tmp_path: Path) -> None:
    path = tmp_path / "smtp"
    path.write_text(f"{VALUE}\n")
    stored = {"smtp": Secret(VALUE)}.get
    for text in ("${ENV:SMTP}", f"${{FILE:{path}}}", "secret://smtp"):
        assert resolve(reference(text), {"SMTP": VALUE}, stored).reveal() == VALUE


@pytest.mark.parametrize(
    "text", ["${ENV:SMTP}", "${FILE:/nowhere/at/all}", "${FILE:/dev/zero}", "secret://smtp"]
)
def test_a_secret_that_is_not_there_is_told_by_its_reference(text: str) -> None:
    with pytest.raises(NotFound) as caught:
        resolve(reference(text), {}, nothing)
    assert caught.value.code == "secret-not-found"
    assert text in caught.value.message


def test_nothing_prints_a_secret() -> None:
    secret = Secret(VALUE)
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        repr([secret]),
        repr({"a": secret}),
    ):
        assert VALUE not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    assert secret == Secret(VALUE)
    assert Reference("ENV", "A") != Reference("FILE", "A")
