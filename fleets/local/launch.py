"""What a child does before it becomes its program: bind its life to ours, pin, give up privileges.

Run as ``python -I -S launch.py PARENT CORES PROGRAM ARGUMENT...`` in a fresh
interpreter, and imported by nobody. A ``preexec_fn`` would do the same between fork
and exec, but the fleets role holds gRPC's threads, and a forked copy of those is not
safe to run Python in; measured, this costs each server 12 ms.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Prepare, then exec; what goes wrong is said on stderr, which is the server's log."""
    parent, cores, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if cores:
            os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    if os.getppid() != parent:  # it ended before the kernel knew that we end with it
        sys.exit(1)
    # A core dump of a game server holds its players' tokens.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Python ignores SIGPIPE and what is ignored stays so over exec; programs expect the default.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(program[0], program)  # noqa: S606 - a shell is what we do not want
    except OSError as wrong:
        sys.exit(f"cannot start {program[0]!r}: {wrong.strerror}")


main()
