"""Real processes: serve what was packed, ask it, stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from modelport.cli.quickstart.child import serving
from modelport.client import Answer, Client
from modelport.errors import Unauthenticated

COMMAND = [sys.executable, "-m", "modelport.cli"]
Modelport = Callable[..., subprocess.CompletedProcess[str]]
LABELS = ["setosa", "versicolor", "virginica"]


@pytest.fixture(scope="session")
def url(packed: Path, folder: Path) -> Iterator[str]:
    with serving([packed], folder / "server.log") as served:
        yield served.url


def test_a_file_of_rows_is_answered_row_by_row(url: str, folder: Path, modelport: Modelport) -> None:
    """The answers are those of the model as it was before."""
    ended = modelport(
        "predict", "iris", "--input", str(folder / "rows.csv"), "--url", url, "--output", "json"
    )
    assert ended.returncode == 0, ended.stderr
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    expected = joblib.load(folder / "iris.joblib").predict(pd.read_csv(folder / "rows.csv"))
    assert [answer["prediction"] for answer in answers] == [LABELS[index] for index in expected]
    assert [answer["index"] for answer in answers] == list(range(150))


def test_a_table_is_for_people(url: str, modelport: Modelport) -> None:
    ended = modelport("predict", "iris", "--json", "[5.1, 3.5, 1.4, 0.2]", "--url", url, "--output", "table")
    assert "setosa" in ended.stdout
    assert "1 (2.1.0)" in ended.stdout


def test_a_bad_row_on_standard_input_is_refused_alone(url: str, modelport: Modelport) -> None:
    rows = "[5.1, 3.5, 1.4, 0.2]\n[1, 2]\n[6.7, 3.0, 5.2, 2.3]\n"
    ended = modelport("predict", "iris", "--url", url, "--format", "jsonl", given=rows)
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert "items refused: 1 of 3" in ended.stderr
    assert [answer.get("prediction") for answer in answers] == ["setosa", None, "virginica"]
    assert answers[1]["error"]["detail"]


def test_rows_that_cannot_be_read_are_refused_alone_in_their_place(url: str, modelport: Modelport) -> None:
    good = "[5.1, 3.5, 1.4, 0.2]\n"
    ended = modelport("predict", "iris", "--url", url, "--format", "jsonl", given=good * 300 + "[1,\n" + good)
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert [answer["index"] for answer in answers] == list(range(302))
    assert [answer["index"] for answer in answers if "error" in answer] == [300]
    assert answers[300]["error"]["detail"].startswith("line 301 is not JSON")


def test_what_was_read_before_a_file_breaks_is_answered(
    url: str, tmp_path: Path, modelport: Modelport
) -> None:
    row = b"5.1,3.5,1.4,0.2\n"
    broken = tmp_path / "rows.csv"
    broken.write_bytes(
        b"sepal_length,sepal_width,petal_length,petal_width\n" + row * 10_000 + b"\xff,1,2,3\n"
    )
    ended = modelport("predict", "iris", "--url", url, "--input", str(broken))
    assert ended.returncode == 2
    assert "not UTF-8" in ended.stderr
    assert len(ended.stdout.splitlines()) > 9000


def test_a_table_says_which_column_was_refused(url: str, modelport: Modelport) -> None:
    ended = modelport("predict", "iris", "--json", '["a"]', "--url", url, "--output", "table")
    assert ended.returncode == 1
    assert "refused" in ended.stdout


def test_no_items_are_no_error_and_said_so(url: str, modelport: Modelport) -> None:
    for arguments in (["--json", "[]"], ["--format", "jsonl"]):
        ended = modelport("predict", "iris", "--url", url, *arguments, given="")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "there were no items\n")


def test_a_model_that_is_not_there_is_said_so(url: str, modelport: Modelport) -> None:
    ended = modelport("predict", "roses", "--json", "[1]", "--url", url)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")


def test_the_client_and_the_server_agree_on_every_route(url: str, modelport: Modelport) -> None:
    with Client(url) as client:
        assert client.live()
        assert client.ready("iris")
        assert [state.name for state in client.models()] == ["iris"]
        [tensor] = client.metadata("iris").inputs
        rows = load_iris().data.astype(np.float32)
        inferred = client.infer("iris", {tensor.name: rows})
        predicted = client.predict("iris", rows, parameters={"return_probabilities": True})
        assert isinstance(predicted, list)
        answers = [entry for entry in predicted if isinstance(entry, Answer)]
        assert inferred["label"].tolist() == [answer.prediction for answer in answers]
        probabilities = np.array([answer.probabilities for answer in answers])
        np.testing.assert_allclose(inferred["probabilities"], probabilities, atol=1e-6)
        assert len({answer.prediction_id for answer in answers}) == 150


def ask_for(seconds: float, client: Client) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        client.predict("iris", [5.1, 3.5, 1.4, 0.2])
        time.sleep(0.02)


def test_a_server_with_keys_asks_for_one_and_obeys_a_revocation(
    packed: Path, tmp_path: Path, modelport: Modelport
) -> None:
    keys = tmp_path / "keys.json"
    made = modelport("keys", "create", "--name", "t", "--scope", "infer:iris", "--file", str(keys), "--json")
    key = json.loads(made.stdout)
    process = subprocess.Popen(
        [*COMMAND, "serve", str(packed), "--port", "0", "--keys", str(keys)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = next(word for word in process.stdout.readline().split() if word.startswith("http"))
        with Client(url) as stranger, pytest.raises(Unauthenticated):
            stranger.predict("iris", [5.1, 3.5, 1.4, 0.2])
        with Client(url, key["key"]) as known:
            assert isinstance(known.predict("iris", [5.1, 3.5, 1.4, 0.2]), Answer)
            assert modelport("keys", "revoke", key["id"], "--file", str(keys)).returncode == 0
            with pytest.raises(Unauthenticated):
                ask_for(10, known)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


SHOWN = (
    "tumours",
    "digits",
    "rows it had never seen are right",
    "curl -s http",
    "predictions a second",
    "scans:2 is promoted",
    "scans:3 is rolled back: harm is shown",
    "requests were answered meanwhile, 0 failed",
)
"""What a newcomer is to see of the quickstart."""


def shows(output: str) -> None:
    said = " ".join(output.split())
    assert [part for part in SHOWN if part not in said] == []


def test_the_quickstart_promotes_the_better_model_takes_the_worse_back_and_stays_up() -> None:
    process = subprocess.Popen(
        [*COMMAND, "quickstart"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Up at "):
                break
        shows("".join(lines))
        for line in [line for line in lines if line.startswith("curl ")]:
            answer = json.loads(subprocess.check_output(["sh", "-c", line], timeout=20))
            assert "prediction" in answer
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_the_quickstart_ends_by_itself_when_it_is_asked_to(modelport: Modelport) -> None:
    ended = modelport("quickstart", "--exit")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    shows(ended.stdout)
