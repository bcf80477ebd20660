"""Figures of a cluster that runs: memory, idle CPU, time until so many servers are Ready.

python -m tests.cluster.plane exec .venv/bin/python -m tests.cluster.measure 100 1000
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from tests.cluster.conftest import RUNNING
from tests.cluster.gameservers import create_fleet, delete_fleet, until_ready
from tests.cluster.plane.plane import Plane
from tests.cluster.plane.programs import found

_IDLE_S = 20.0


async def main(sizes: list[int]) -> None:
    """Print a line for each figure."""
    plane = Plane(RUNNING, 0, with_agones=True)
    print(f"idle: {memory()}")
    before = sum(cpu_s().values())
    await asyncio.sleep(_IDLE_S)
    print(f"idle: {(sum(cpu_s().values()) - before) / _IDLE_S:.2f} cores over {_IDLE_S:.0f} s")
    async with plane.api() as api:
        for size in sizes:
            began, worked = time.monotonic(), cpu_s()
            await create_fleet(api, f"size-{size}", size)
            await until_ready(api, f"size-{size}", size, timeout_s=600)
            took_s = time.monotonic() - began
            cpu = {name: round(used - worked[name], 1) for name, used in cpu_s().items()}
            print(f"{size} Ready after {took_s:.1f} s, {sum(cpu.values()):.0f} s of CPU {cpu}")
            print(f"{size} Ready: {memory()}")
            began = time.monotonic()
            await delete_fleet(api, f"size-{size}", timeout_s=600)
            print(f"{size} gone after {time.monotonic() - began:.1f} s")


def memory() -> str:
    """Resident MiB of each program."""
    sizes = {
        program.name: int(Path(f"/proc/{program.pid}/statm").read_text("utf-8").split()[1])
        * os.sysconf("SC_PAGE_SIZE")
        // 2**20
        for program in found(RUNNING)
    }
    parts = ", ".join(f"{name} {size}" for name, size in sizes.items())
    return f"{sum(sizes.values())} MiB ({parts})"


def cpu_s() -> dict[str, float]:
    """CPU that each program has used so far."""
    used = {}
    for program in found(RUNNING):
        status = Path(f"/proc/{program.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        used[program.name] = (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK")
    return used


if __name__ == "__main__":
    asyncio.run(main([int(size) for size in sys.argv[1:]]))
