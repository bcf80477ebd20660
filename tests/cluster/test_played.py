"""Matched bots on ten real game servers of one host: ticket, claim, allocation, join, result."""

from pathlib import Path

from tests.cluster.evening import Evening, arena, assert_proved, play
from tests.cluster.plane.plane import Plane

SERVERS = 10


async def test_bots_play_on_pods_and_the_history_holds(plane: Plane, tmp_path: Path):
    seen: dict[str, int] = {}

    async def scenario(evening: Evening) -> None:
        await evening.until_finished(8)
        there = evening.pods.running.values()
        seen["hosts"] = len({pod.pod["spec"]["nodeName"] for pod in there})
        seen["servers"] = len(there)

    outcome = await play(plane, tmp_path, arena(SERVERS, reserve=6), scenario, players=24)

    assert seen == {"hosts": 1, "servers": SERVERS}
    assert_proved(outcome, completed=8)
