"""Files of truths: what is read of them, and how a line that is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelport.cli.feedback import _truths
from modelport.core.wishes import Truth
from modelport.errors import SettingsError


def test_a_csv_file_names_predictions_and_what_they_turned_out_to_be(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text(
        "prediction_id,actual\n01M7,leaves\n01M8.3,stays\n", "utf-8-sig"
    )  # as spreadsheets write it
    assert list(_truths(file)) == [Truth("leaves", "01M7"), Truth("stays", "01M8.3")]


def test_a_csv_file_may_name_users_and_their_predictions_instead(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text("user_id,prediction,actual,note\nu1,leaves,stays,called\n")
    assert list(_truths(file)) == [Truth("stays", user_id="u1", prediction="leaves")]


def test_json_lines_keep_their_types(tmp_path: Path) -> None:
    file = tmp_path / "truth.jsonl"
    rows = [{"prediction_id": "01M7", "actual": 2.5}, {"prediction_id": "01M8", "actual": False}]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert list(_truths(file)) == [Truth(2.5, "01M7"), Truth(False, "01M8")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "prediction_id,actual\n01M7,x\n01M8,\n", "line 3 .* `actual`"),
        ("a.csv", "user_id,actual\nu1,x\n", "line 2 .* neither `prediction_id` nor"),
        ("a.jsonl", '{"prediction_id": "a", "actual": 1}\n[1]\n', "line 2 .* no object"),
        ("a.jsonl", "{\n", "line 1 .* not JSON"),
    ],
)
def test_a_line_that_is_no_feedback_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        list(_truths(file))
    assert caught.value.code == "bad-feedback"


def test_a_file_that_is_not_there_or_not_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        list(_truths(tmp_path / "none.csv"))
    assert caught.value.code == "no-such-file"
    (tmp_path / "zip.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        list(_truths(tmp_path / "zip.csv"))
