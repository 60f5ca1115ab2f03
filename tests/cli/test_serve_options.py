"""What `modelport serve` reads from its options."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from modelport.cli.app import app
from modelport.cli.options import Bytes, Number
from modelport.cli.serve import parse_limits, parse_split
from modelport.errors import ModelportError, SettingsError
from modelport.serving.settings import Limits, Settings


def test_a_split_is_read_per_model() -> None:
    assert parse_split("churn:1=90,churn:2=10, spam:1=100") == {"churn": {1: 90, 2: 10}, "spam": {1: 100}}
    assert parse_split("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "churn=90",
        "churn:1=90",
        "churn:1=50,churn:1=50",
        "churn:x=100",
        "churn:1",
        "churn:1=9.5",
        "../x:1=100",
    ],
)
def test_a_split_that_makes_no_sense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ModelportError) as caught:
        parse_split(text)
    assert caught.value.hint


def test_limits_are_read_by_name() -> None:
    limits = parse_limits(["json_bytes=1024", "idle_seconds=2.5"])
    assert (limits.json_bytes, limits.idle_seconds) == (1024, 2.5)
    assert parse_limits([]).rows == 65_536


@pytest.mark.parametrize("text", ["jsonbytes=1", "json_bytes=many", "json_bytes", "json_bytes=1.5"])
def test_an_unknown_limit_is_refused_with_the_names_there_are(text: str) -> None:
    with pytest.raises(SettingsError, match="json_bytes, body_bytes"):
        parse_limits([text])


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "many"])
def test_a_number_is_a_finite_one_of_its_range(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Number(0).convert(text, None, None)
    assert Number(0).convert("0.5", None, None) == 0.5


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4 << 30), ("500MB", 500_000_000), ("1.5k", 1500), ("1048576", 1 << 20), ("10 MiB", 10 << 20)],
)
def test_sizes_are_read_with_their_units(text: str, size: int) -> None:
    assert Bytes().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["4 apples", "-1", "GiB", "1e9", ""])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Bytes().convert(text, None, None)


def test_what_is_given_arrives_in_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Settings] = []

    def main(settings: Settings) -> int:
        served.append(settings)
        return 3

    monkeypatch.setattr("modelport.serving.__main__.main", main)
    bundle, keys = tmp_path / "a.bundle", tmp_path / "keys.json"
    bundle.touch()
    keys.touch()
    ended = CliRunner().invoke(
        app,
        [
            *("serve", str(bundle), str(bundle), "--split", "a:1=90,a:2=10", "--keys", str(keys)),
            *("--host", "0.0.0.0", "--port", "0", "--allow-host", "a", "--allow-host", "b"),
            *("--timeout", "2.5", "--no-telemetry", "--spool", str(tmp_path), "--redact", "age"),
            *("--allow-python", "--limit", "rows=7", "--memory", "4GiB", "--pin", "a", "--no-preload"),
            *("--unload-idle", "60", "--cache", "64MiB", "--cache-ttl", "5", "--shadow", "a:2=10"),
        ],
    )
    assert ended.exit_code == 3
    assert served == [
        Settings(
            bundles=(str(bundle), str(bundle)),
            split={"a": {1: 90, 2: 10}},
            keys=str(keys),
            host="0.0.0.0",
            port=0,
            allow_hosts=("a", "b"),
            timeout=2.5,
            telemetry=False,
            spool=str(tmp_path),
            redact=("age",),
            allow_python=True,
            memory=4 << 30,
            pin=("a",),
            preload=False,
            unload_idle=60.0,
            cache=64 << 20,
            cache_ttl=5.0,
            shadow={"a": {2: 10}},
            limits=Limits(rows=7),
        )
    ]
