"""The benchmarks are scripts beside the package: their tests need the repository root on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
