"""Makes the blocking SDK of the one for asyncio: `python tests/client/control_twins.py` writes it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "src" / "modelport" / "client" / "control"

_WORDS = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(\w)", r"\1"),
    (r"\b(aclose|aiter_\w+|aread|__aenter__|__aexit__)\b", lambda found: found[0].replace("a", "", 1)),
    (r"\baiolink\b", "link"),
    (r"control\.aio\b", "control.sync"),
    (r"for asyncio, written by hand", "that blocks, made of `aio`"),
)


def twin(text: str) -> str:
    """The blocking form of a module, before formatting."""
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    return text


def formatted(text: str) -> str:
    """As ruff writes it."""
    for words in (["check", "--select", "I,UP028", "--fix", "--unsafe-fixes", "--quiet"], ["format"]):
        command = [sys.executable, "-m", "ruff", *words, "--stdin-filename", str(HOME / "sync" / "x.py"), "-"]
        text = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return text


def pairs() -> list[tuple[Path, Path]]:
    """Each module by hand, and its twin."""
    return [(path, HOME / "sync" / path.name) for path in sorted((HOME / "aio").glob("*.py"))]


if __name__ == "__main__":
    for source, target in pairs():
        target.write_text(formatted(twin(source.read_text("utf-8"))), "utf-8")
