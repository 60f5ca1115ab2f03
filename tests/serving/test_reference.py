"""The reference pages of the data plane say what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec
import pytest

from modelport.serving.checks import LIMIT_RANGES, RANGES
from modelport.serving.settings import Limits, Settings

ROOT = Path(__file__).parents[2]
SETTINGS, LIMITS = (ROOT / "docs/reference/settings.md").read_text("utf-8").split("## Limits")
REPLICA = (ROOT / "docs/reference/replica.md").read_text("utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| ([^|]*)\| [^|]+ \| [^|]+\. \|$", re.MULTILINE)
MODULES = sorted((ROOT / "src/modelport/serving").rglob("*.py"))


@pytest.mark.parametrize(("page", "kind"), [(SETTINGS, Settings), (LIMITS, Limits)])
def test_every_setting_is_documented_with_its_default(page: str, kind: type[msgspec.Struct]) -> None:
    documented = {name: msgspec.json.decode(default) for name, default, _ in ROW.findall(page)}
    known = kind()
    real = {name: msgspec.to_builtins(getattr(known, name)) for name in kind.__struct_fields__}
    assert documented == msgspec.json.decode(msgspec.json.encode(real))
    assert list(documented) == list(kind.__struct_fields__)


@pytest.mark.parametrize(("page", "ranges"), [(SETTINGS, RANGES), (LIMITS, LIMIT_RANGES)])
def test_every_range_is_documented(page: str, ranges: dict[str, tuple[float, float]]) -> None:
    documented = {name: text.strip() for name, _, text in ROW.findall(page) if text.strip()}
    assert documented == {name: f"{low:.15g} to {high:.15g}" for name, (low, high) in ranges.items()}


def test_every_event_of_the_replica_is_documented() -> None:
    documented = set(re.findall(r"^\| `([^`]+)` \| (?:info|warning|error) \|", REPLICA, re.MULTILINE))
    assert documented == {event for module in MODULES for event in _events(module)}


def test_every_line_of_the_log_is_an_event_with_fields() -> None:
    """What is written past `log.note` and `log.trouble` has no name that anybody could look for."""
    level = re.compile(r"\.(?:debug|info|warning|error|exception|critical|log)\(")
    logged = {
        module.name
        for module in MODULES
        for line in module.read_text("utf-8").splitlines()
        if "logg" in line and level.search(line)
    }
    assert logged == {"log.py"}


def _events(module: Path) -> set[str]:
    """The names of the events a module notes; those of watched files are made from what is watched."""
    text = module.read_text("utf-8")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    noted = {
        ast.unparse(call.args[0])
        for call in calls
        if ast.unparse(call.func).endswith(("note", "trouble")) and call.args
    }
    watched = re.findall(r'WatchedFile\(path, "([^"]+)"\)', text)
    return {ast.literal_eval(name) for name in noted if name[0] in "'\""} | {
        f"{what} refused" for what in watched
    }
