"""The plane from a terminal: build, up, down, status, and a command run inside its network."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from tests.cluster.plane import binaries, network
from tests.cluster.plane.plane import Options, Plane, Tuning
from tests.cluster.plane.programs import found

FOLDER = Path(".run/cluster")


def main() -> None:
    """Do what the first argument says; exit status 1 and one line when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.plane")
    parser.add_argument("verb", choices=("build", "up", "down", "status", "exec"))
    parser.add_argument("--nodes", type=int, default=Options.nodes)
    parser.add_argument("--batch-wait", default=Tuning.batch_wait)
    parser.add_argument("--qps", type=int, default=Tuning.qps)
    parser.add_argument("--workers", type=int, default=Tuning.workers)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    verbs = {"build": _build, "up": _up, "down": _down, "status": _status, "exec": _exec}
    try:
        verbs[arguments.verb](arguments)
    except RuntimeError as wrong:
        sys.exit(str(wrong))


def _build(_: argparse.Namespace) -> None:
    binaries.control_plane(build=True)


def _up(arguments: argparse.Namespace) -> None:
    if any(program.pid for program in found(FOLDER)):
        raise RuntimeError("a cluster runs here already: `make cluster-down` ends it")
    if reason := network.why_not():
        raise RuntimeError(reason)
    tuning = Tuning(
        batch_wait=arguments.batch_wait,
        qps=arguments.qps,
        burst=arguments.qps * 5 // 4,
        workers=arguments.workers,
    )
    with_agones = True
    try:
        binaries.agones()
    except RuntimeError as lacking:
        print(f"{lacking}; Kubernetes alone")
        with_agones = False
    shutil.rmtree(FOLDER, ignore_errors=True)
    network.enter()
    options = Options(arguments.nodes, tuning, agones=with_agones, outlives=True)
    plane = Plane.start(FOLDER.absolute(), options)
    print(f"up. Inside its network: {sys.executable} -m tests.cluster.plane exec COMMAND")
    print(f"KUBECONFIG={plane.kubeconfig}")


def _down(_: argparse.Namespace) -> None:
    Plane(FOLDER.absolute(), 0, with_agones=False).stop()


def _status(_: argparse.Namespace) -> None:
    for program in found(FOLDER):
        print(f"{program.name:28}{program.pid or 'ended'}")


def _exec(arguments: argparse.Namespace) -> None:
    plane = Plane.attach(FOLDER.absolute())
    if plane is None:
        raise RuntimeError("no cluster runs here: `make cluster`")
    os.environ["KUBECONFIG"] = str(plane.kubeconfig)
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606


if __name__ == "__main__":
    main()
