"""Children that cannot outlive us: what a new process must do before it becomes its program."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dies_with_parent() -> Callable[[], None]:
    """A ``preexec_fn`` that has the kernel kill the child when this process ends, however.

    Linux only; elsewhere the child is only put in a session of its own. The library is
    loaded here, before the fork, since a forked child must not allocate much.
    """
    parent = os.getpid()
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return os.setsid

    def before_exec() -> None:
        os.setsid()
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended between fork and prctl
            os._exit(1)

    return before_exec
