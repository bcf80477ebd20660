"""A real Prometheus scrapes a demo: every panel has data, and alerts fire and clear."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.monitoring.boards import BOARDS
from tests.monitoring.live import Demo, Prometheus, demo, prometheus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(150),
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="no prometheus: apt-get install prometheus"
    ),
]

TROUBLE = {"Matches that did not come to be", "Repairs", "Matches that stood in line"}
"""Panels of what a short and healthy evening may well not have; their queries are checked after
the trouble below."""

DOWN = {"ReadyUpQueueUnled", "ReadyUpProcessDown"}
PAUSED = {"ReadyUpMatchesInLine", "ReadyUpQueuePaused"}


async def test_every_panel_has_data_and_alerts_fire_and_clear(tmp_path: Path):
    run = tmp_path / "run"
    async with demo(run) as played, prometheus(run, tmp_path / "prom") as seen:
        with taking("every panel has data"):
            await _all_panels(seen, but=TROUBLE, within_s=45)
        assert "ReadyUpQueueUnled" not in await seen.firing()

        for trouble in (
            _directors_stand_still,
            _a_fleet_and_a_queue_are_paused,
            _the_store_stands_still,
        ):
            with taking(trouble.__name__):
                await trouble(played, seen)

        await _all_panels(seen, but={"Repairs", "Matches that did not come to be"}, within_s=5)


@contextlib.contextmanager
def taking(what: str) -> Iterator[None]:
    """Says how long it took, for `pytest -s`."""
    began_s = time.monotonic()
    yield
    print(f"{time.monotonic() - began_s:6.1f} s {what}")


async def _all_panels(seen: Prometheus, *, but: set[str], within_s: float) -> None:
    empty: list[str] = []
    try:
        async with asyncio.timeout(within_s):
            while empty := await _empty(seen, but):
                print(f"still empty: {len(empty)}, among them {empty[0]}")
                await asyncio.sleep(1)
    except TimeoutError:
        raise AssertionError(f"without data: {empty}") from None


async def _empty(seen: Prometheus, but: set[str]) -> list[str]:
    empty = []
    for board in BOARDS:
        for panel in board.panels():
            for query in panel.queries:
                expr = query.expr.replace("$__rate_interval", "30s").replace("$namespace", ".*")
                if panel.title not in but and not await seen.query(expr):
                    empty.append(f"{board.title}: {panel.title}: {expr}")
    return empty


async def _directors_stand_still(played: Demo, seen: Prometheus) -> None:
    with played.standing_still(played.pid("director-1"), played.pid("director-2")):
        said = await seen.until(lambda firing: "ReadyUpQueueUnled" in firing, 20)
        assert said["ReadyUpQueueUnled"].startswith("No director leads ")
        await seen.until(lambda firing: "ReadyUpProcessDown" in firing, 10)
    await seen.until(
        lambda firing: not {"ReadyUpQueueUnled", "ReadyUpProcessDown"} & set(firing), 20
    )


async def _a_fleet_and_a_queue_are_paused(played: Demo, seen: Prometheus) -> None:
    await played.operator("pause", "fleet/arena")
    await seen.until(lambda firing: "ReadyUpMatchesInLine" in firing, 20)
    await played.operator("pause", "queue/duel")
    await seen.until(lambda firing: firing.keys() >= PAUSED, 15)
    await played.operator("resume", "fleet/arena")
    await played.operator("resume", "queue/duel")
    await seen.until(lambda firing: not PAUSED & firing.keys(), 25)


async def _the_store_stands_still(played: Demo, seen: Prometheus) -> None:
    with played.standing_still(played.store_pid()):
        await seen.until(lambda firing: "ReadyUpStoreAway" in firing, 15)
    await seen.until(lambda firing: "ReadyUpStoreAway" not in firing, 20)
