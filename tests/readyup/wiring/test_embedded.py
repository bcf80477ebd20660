"""Roles as one process runs them."""

import asyncio
import random
from pathlib import Path

from core.clock import SystemClock
from core.redis import Store
from readyup.settings import load
from readyup.wiring.embedded import run_console
from readyup.wiring.house import House


async def test_a_console_is_ready_once_it_has_looked(store: Store, tmp_path: Path):
    config = load(environ={"READYUP_CONSOLE_PORT": "0"})
    house = House(config, store, tmp_path, "console-1", SystemClock(), random.Random(1))
    stop, said = asyncio.Event(), []
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(run_console(house, stop), name="console")
        while not said or not said[-1].ready:
            await asyncio.sleep(0.01)
            said += [house.health.conditions()[part] for part in house.health.conditions()]
        stop.set()

    assert said[-1].says == "looks"
    assert list(house.health.conditions()) == ["console"]
