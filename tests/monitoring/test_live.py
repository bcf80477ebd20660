"""A real Prometheus scrapes a demo: every panel has data, and alerts fire and clear."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.monitoring.boards import BOARDS
from tests.monitoring.live import demo, standing_still
from tests.monitoring.troubles import directors_stopped, fleet_paused
from tests.monitoring.watch import Prometheus, prometheus

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

UNLED = [("ReadyUpQueueUnled", "critical"), ("ReadyUpProcessDown", "warning")]
IN_LINE = [("ReadyUpMatchesInLine", "critical")]
AWAY = [("ReadyUpStoreAway", "critical")]


async def test_every_panel_has_data_and_alerts_fire_and_clear(tmp_path: Path):
    run = tmp_path / "run"
    async with demo(run) as played, prometheus(run, tmp_path / "prom") as seen:
        with taking("every panel has data"):
            await _all_panels(seen, but=TROUBLE, within_s=45)
        assert UNLED[0] not in await seen.firing()

        with taking("directors stand still"):
            async with directors_stopped(played, seen):
                await seen.until_fired(UNLED, 20)
            await seen.until_clear(UNLED, 20)
        with taking("a fleet is paused"):
            async with fleet_paused(played, seen):
                await seen.until_fired(IN_LINE, 20)
            await seen.until_clear(IN_LINE, 25)
        with taking("the store stands still"):
            with standing_still(*played.stores().values()):
                await seen.until_fired(AWAY, 15)
            await seen.until_clear(AWAY, 20)

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
