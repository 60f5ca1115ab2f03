"""Start the `tritonserver` of the nvidia-pytriton wheel with a model repository for its Python backend.

The wheel carries the server, the Python backend and one stub per Python version, but no ONNX Runtime backend.
The stub must lie beside the backend library, so both are copied once into a folder of the environment. The
stub embeds Python: it is told where this environment's standard library and packages are.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
SITE = Path(sysconfig.get_path("purelib"))
WHEEL = SITE / "pytriton" / "tritonserver"


def backends() -> Path:
    """The wheel's backends with the stub for this Python beside the library."""
    folder = Path(sys.prefix) / "triton-backends"
    stub = folder / "python" / "triton_python_backend_stub"
    if not stub.exists():
        shutil.copytree(WHEEL / "backends", folder, dirs_exist_ok=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        shutil.copy(WHEEL / "python_backend_stubs" / version / "triton_python_backend_stub", stub)
        stub.chmod(0o755)
    return folder


def repository(work: Path, onnx: Path) -> Path:
    """A model repository with the one model of this benchmark."""
    model = work / "repository" / "bench"
    (model / "1").mkdir(parents=True, exist_ok=True)
    config = (HERE / "config.pbtxt").read_text().replace("@ONNX@", str(onnx))
    (model / "config.pbtxt").write_text(config)
    shutil.copy(HERE / "model.py", model / "1" / "model.py")
    return model.parent


def environment() -> dict[str, str]:
    libraries = [SITE / "nvidia_pytriton.libs", Path(str(sysconfig.get_config_var("LIBDIR")))]
    return os.environ | {
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        "PYTHONHOME": sys.base_prefix,
        "PYTHONPATH": str(SITE),
    }


server = WHEEL / "bin" / "tritonserver"
arguments = {
    "model-repository": str(
        repository(Path(os.environ["BENCH_WORK"]), Path(os.environ["BENCH_MODEL"], "model.onnx"))
    ),
    "backend-directory": str(backends()),
    "http-address": "127.0.0.1",
    "http-port": os.environ["BENCH_PORT"],
    "allow-grpc": "false",
    "allow-metrics": "false",
    "log-info": "false",
}
server.chmod(0o755)
os.execve(server, [str(server), *(f"--{key}={value}" for key, value in arguments.items())], environment())
