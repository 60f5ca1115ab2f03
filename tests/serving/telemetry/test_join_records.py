"""What join records say of an answer, so that feedback finds it: by its id, or by the user's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.rawclient import Raw, post
from tests.serving.fleet.fleets import NONFINITE, POISON, bundle

from modelport.core.telemetry import MOST_ROWS, PredictionEvent, mark
from modelport.serving.settings import Settings
from modelport.serving.telemetry.spool import read_spool
from modelport.testing.replica import eventually, replica


def recorded(folder: Path, document: dict[str, Any], *, redact: tuple[str, ...] = (), **headers: Any) -> Any:
    """The record of one request."""
    file = str(bundle(folder / "churn.zip", poison=POISON, nonfinite=NONFINITE))
    spool = folder / "spool"
    settings = Settings(bundles=(file,), port=0, spool=str(spool), redact=redact, cache=1 << 20)
    with replica(folder, settings) as running:
        running.wait_ready()
        with Raw(running.url) as raw:
            raw.ask(post("/v1/models/churn/predict", document, **headers))
        return eventually(
            lambda: (
                [it for it in read_spool(spool) if isinstance(it, PredictionEvent)] if spool.exists() else []
            )
        )[0]


def test_the_predicted_values_of_a_small_request_are_kept(tmp_path: Path) -> None:
    record = recorded(tmp_path, {"input": [[1.0, 2.0], [POISON, 1.0], [2.0, 2.0]]})
    assert record.predictions == (3.0, None, 4.0)
    assert record.user == ""


@pytest.mark.parametrize("by", ["header", "body"])
def test_a_user_is_kept_as_a_mark(tmp_path: Path, by: str) -> None:
    named: dict[str, Any] = {"x_user_id": "ada"} if by == "header" else {}
    parameters = {} if by == "header" else {"parameters": {"user_id": "ada"}}
    record = recorded(tmp_path, {"input": [1.0, 2.0], **parameters}, **named)
    assert (record.predictions, record.user) == ((3.0,), mark("ada"))
    assert b"ada" not in b"".join(file.read_bytes() for file in (tmp_path / "spool").iterdir())


def test_a_large_request_keeps_none(tmp_path: Path) -> None:
    record = recorded(tmp_path, {"input": [[1.0, 2.0]] * (MOST_ROWS + 1)})
    assert (record.rows, record.predictions) == (MOST_ROWS + 1, ())


@pytest.mark.parametrize("name", ["value", "prediction"])
def test_a_redacted_output_is_not_kept(tmp_path: Path, name: str) -> None:
    assert recorded(tmp_path, {"input": [1.0, 2.0]}, redact=(name,)).predictions == ()
