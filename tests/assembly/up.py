"""A control plane with its replica as a process: `python -m tests.assembly.up FOLDER PORT CONTROL_PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from modelport.assembly.platform import Where
from modelport.assembly.run import Started, Up, run


def tell(started: Started) -> None:
    print(msgspec.json.encode(started).decode(), flush=True)


if __name__ == "__main__":
    run(Up(Where(Path(sys.argv[1])), control_port=int(sys.argv[3]), port=int(sys.argv[2])), tell)
