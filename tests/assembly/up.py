"""A control plane with its replica as a process.

python -m tests.assembly.up FOLDER PORT CONTROL_PORT [DATABASE [ARTIFACTS]]
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from modelport.assembly.platform import Where
from modelport.assembly.run import Started, Up, run


def tell(started: Started) -> None:
    print(msgspec.json.encode(started).decode(), flush=True)


if __name__ == "__main__":
    folder, port, control_port, *urls = sys.argv[1:]
    run(Up(Where(Path(folder), *urls), control_port=int(control_port), port=int(port)), tell)
