"""A model host process: `python -m modelport.serving.hosts.host FD`, started by the supervisor alone.

Nothing of the model is imported before the process has given up what it does not need, and nothing of it runs
in any other process of the replica.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from modelport.serving.hosts.messages import HostBoot
from modelport.serving.replica import child
from modelport.serving.replica.channel import receive_boot

_NO_NEW_PRIVS = 38
"""PR_SET_NO_NEW_PRIVS of prctl(2)."""
_FIRST_TO_GO = "500"
"""Where memory is short, the kernel should end a model rather than a worker (proc_pid_oom_score_adj(5))."""


def main(argv: list[str]) -> int:
    """Serve the model until told to leave; the exit code."""
    child.leave_signals_to_the_supervisor()
    wire = socket.socket(fileno=int(argv[1]))
    try:
        boot = receive_boot(wire, HostBoot)
    except EOFError:
        return child.ORPHANED
    _give_up_rights()
    child.watch_lifeline(wire, _end_all)
    from modelport.serving.hosts.guest import serve

    code = child.run(serve(boot, wire))
    if code == child.ORPHANED:
        _end_all()
    os._exit(code)  # a thread that is still in the model must not hold up the end


def _give_up_rights() -> None:
    """No setuid program gives this process, or its children, more rights; no crash fills the disk."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")


def _end_all() -> None:
    """The supervisor is gone: this process ends, and whatever the model has started."""
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
