"""The stage as a fixture."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from readyup.bots.habits import Habits
from tests.readyup.bots.fakes import FakeService
from tests.readyup.bots.stage import CALM, Play, Script, Stage
from tests.virtual_loop import run


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Set the stage, let everybody live, run the script beside them; all must end in 300 s."""

    def start(
        cast: Callable[[Stage], None],
        script: Script | None = None,
        *,
        habits: Habits = CALM,
        service: FakeService | None = None,
    ) -> Stage:
        stage = Stage(tmp_path / "events.jsonl", habits, service or FakeService())

        async def main() -> None:
            cast(stage)
            async with asyncio.timeout(300.0), asyncio.TaskGroup() as group:
                for name, player in stage.players.items():
                    group.create_task(player.live(), name=name)
                if script is not None:
                    await script(stage)

        run(main(), seed=1)
        return stage

    return start
