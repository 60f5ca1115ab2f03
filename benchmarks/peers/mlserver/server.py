"""Start MLServer with its scikit-learn runtime; settings are the two JSON files beside this one.

No extra inference process (`parallel_workers` 0) and no metrics: on one core that is its fastest setting.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
port = int(os.environ["BENCH_PORT"])
os.environ |= {
    "MLSERVER_HOST": "127.0.0.1",
    "MLSERVER_HTTP_PORT": str(port),
    "MLSERVER_GRPC_PORT": str(port + 1),
    "MLSERVER_METRICS_PORT": str(port + 2),
    "MLSERVER_MODEL_URI": str(Path(os.environ["BENCH_MODEL"]) / "model.joblib"),
}
mlserver = Path(sys.executable).parent / "mlserver"
os.execv(mlserver, [str(mlserver), "start", str(HERE)])
