"""Start `bentoml serve` on the service beside this file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
os.environ |= {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": os.environ["BENCH_WORK"]}
bentoml = Path(sys.executable).parent / "bentoml"
where = ("--working-dir", str(HERE), "--host", "127.0.0.1", "--port", os.environ["BENCH_PORT"])
os.execv(bentoml, (str(bentoml), "serve", "service:Classifier", *where, "--quiet"))
