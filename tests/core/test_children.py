"""A child ends with its parent, however the parent ends."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from core.children import dies_with_parent

ROOT = Path(__file__).parents[2]

PARENT = """
import subprocess, sys, time
from core.children import dies_with_parent

child = subprocess.Popen(["sleep", "60"], preexec_fn=dies_with_parent())
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_parent_that_is_killed_takes_its_child_along():
    # The child holds the write end too, so the pipe ends only when both are gone.
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    ended, _, _ = select.select([parent.stdout], [], [], 10)
    parent.stdout.close()

    assert ended, f"{child} is still there"


def test_a_child_is_the_head_of_a_session_of_its_own():
    """So Ctrl-C in the terminal reaches the parent alone, which then ends its children."""
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=dies_with_parent(),
    )

    assert child.stdout.strip() == "True"


def test_a_child_whose_parent_is_gone_before_it_began_never_runs():
    before_exec = dies_with_parent()
    stranger = os.fork()
    if stranger == 0:  # its child has another parent than the one that was told to watch
        grandchild = os.fork()
        if grandchild == 0:
            before_exec()
            os._exit(0)
        _, status = os.waitpid(grandchild, 0)
        os._exit(os.waitstatus_to_exitcode(status))
    _, status = os.waitpid(stranger, 0)

    assert os.waitstatus_to_exitcode(status) == 1
