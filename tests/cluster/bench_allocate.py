"""Run the benchmarks of allocation and of large fleets on a cluster of their own.

python -m tests.cluster.bench_allocate allocate --json docs/bench/allocate.json
python -m tests.cluster.bench_allocate fleet --json docs/bench/fleet.json

What follows is handed on to `readyup bench`. The cluster is started for it, in a network of
its own, and stopped at its end. For its rounds the benchmark calls this script again with
`retune FOLDER default` or `tuned`: Agones' extensions and allocator are restarted in that
tuning, on the same cluster.
"""

import asyncio
import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cluster.plane import network
from tests.cluster.plane.agones import ALLOCATOR_GRPC, Tuning
from tests.cluster.plane.plane import ROOT, Options, Plane

TUNINGS = {
    "default": Tuning(),
    "tuned": Tuning(batch_wait="10ms", qps=2000, burst=2500),
}
"""As Agones comes, and with its allocation loop and its requests unthrottled."""

RESTARTED = ("agones-extensions", "agones-allocator")


def main() -> int:
    """Do what the first argument says."""
    what, *rest = sys.argv[1:] or ["allocate"]
    if what == "retune":
        folder, tuning = rest
        retune(Path(folder), TUNINGS[tuning])
        return 0
    if reason := network.why_not():
        sys.exit(reason)
    network.enter()
    with tempfile.TemporaryDirectory(prefix="readyup-plane-") as home:
        plane = Plane.start(Path(home) / "plane", Options())
        try:
            return subprocess.run(
                [sys.executable, "-m", "readyup", "bench", what, *reached(plane, what), *rest],
                env={**os.environ, "KUBECONFIG": str(plane.kubeconfig)},
                check=False,
            ).returncode
        finally:
            plane.stop()


def reached(plane: Plane, what: str) -> list[str]:
    """The options that say where that cluster is."""
    if what != "allocate":
        return []
    assert plane.agones is not None
    client, again = plane.agones.allocator_client, "-m tests.cluster.bench_allocate retune"
    told = {
        "agones-allocator": ALLOCATOR_GRPC,
        "client-cert": client.cert,
        "client-key": client.key,
        "client-ca": plane.agones.allocator_ca,
        "retune": f"{sys.executable} {again} {plane.folder}",
    }
    return [f"--{name}={value}" for name, value in told.items()]


def retune(folder: Path, tuning: Tuning) -> None:
    """Restart what allocates in a tuning, and wait until it answers; as it is if it is so."""
    plane = Plane(folder, Options.nodes, with_agones=True)
    for name in RESTARTED:
        program = plane.program(name)
        wanted = {**program.env, **tuning.environment()}
        if wanted == program.env:
            continue
        program.kill()
        # It outlives this script; the plane's end finds it by its pid file.
        dataclasses.replace(program, env=wanted, outlives=True).start()
    asyncio.run(plane.ready())


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
