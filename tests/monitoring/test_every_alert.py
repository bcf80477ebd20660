"""Every alert, live: a fault makes it fire at a demo, a cure clears it, and people are told.

One demo with Sentinels, one Prometheus with our rules sixty times as fast, and an
Alertmanager with our routes. Run by `make monitoring`, for it takes ten minutes.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.monitoring import troubles
from tests.monitoring.live import Demo, demo
from tests.monitoring.pager import Pager, alertmanager
from tests.monitoring.test_rules import ALERTS
from tests.monitoring.troubles import Trouble, together
from tests.monitoring.watch import Alert, Prometheus, prometheus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alerts,
    pytest.mark.timeout(1200),
    *(
        pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name}: apt-get install {name}")
        for name in ("prometheus", "prometheus-alertmanager")
    ),
]

TOLD_S = 6.0
"""How long a trouble goes on, so that people are told of it: the Alertmanager waits for others."""

STUCK = Trouble(troubles.ticket_stuck, ["ReadyUpTicketStuck"], within_s=330)
"""Three hundred seconds of waiting; the others go on meanwhile."""

TROUBLES = (
    Trouble(troubles.directors_stopped, ["ReadyUpQueueUnled", "ReadyUpProcessDown"]),
    Trouble(
        troubles.fleet_paused,
        ["ReadyUpMatchesInLine", "ReadyUpColdStarts", "ReadyUpAssignmentsFail"],
        within_s=60,
    ),
    Trouble(
        together(
            troubles.teller_stuck,
            troubles.fleets_stopped,
            troubles.server_slow,
            troubles.queues_paused,
        ),
        [
            *("ReadyUpQueuePaused", "ReadyUpFleetDecisionStale"),
            *("ReadyUpServerQuarantined", "ReadyUpEventsBehind"),
        ],
        ["ReadyUpWaitsTooLong"],
        within_s=120,
        clear_s=90,
    ),
    Trouble(troubles.events_trimmed, ["ReadyUpEventsSkipped"], clear_s=80),
    Trouble(troubles.fleet_full, ["ReadyUpFleetFull"], within_s=60, clear_s=90),
    Trouble(troubles.store_slow, ["ReadyUpClaimsSlow"]),
    Trouble(troubles.api_crowded, ["ReadyUpTicketsShed", "ReadyUpLoopLate"]),
    Trouble(troubles.servers_slow, ["ReadyUpTicksLate"]),
    Trouble(
        troubles.servers_killed,
        ["ReadyUpServersDie", "ReadyUpFleetShort", "ReadyUpRepairs"],
        within_s=60,
    ),
    Trouble(troubles.store_filled, ["ReadyUpStoreFilling"]),
    Trouble(troubles.snapshot_fails, ["ReadyUpStoreNotPersisting"]),
    Trouble(troubles.replica_stopped, ["ReadyUpStoreReplicaLost"]),
    Trouble(troubles.primary_stopped, ["ReadyUpStoreAway", "ReadyUpStoreFailedOver"]),
)

SEVERITY = {rule["alert"]: rule["labels"]["severity"] for rule in reversed(ALERTS)}
"""Of those with two, the one that wakes."""


async def test_each_alert_fires_by_a_fault_and_clears_by_its_cure(tmp_path: Path):
    run = tmp_path / "run"
    async with (
        demo(run, store="sentinel", play_s=1800) as played,
        alertmanager(tmp_path / "alertmanager") as (pages, pager),
        prometheus(run, tmp_path / "prom", pages=pages) as seen,
    ):
        await asyncio.sleep(20)
        await _until_calm(seen)
        async with asyncio.TaskGroup() as group:
            group.create_task(_made(STUCK, played, seen), name="stuck")
            for trouble in TROUBLES:
                await _made(trouble, played, seen)
        await _a_store_that_is_away_silences_what_follows(played, seen, pager)

        made = {alert for one in (STUCK, *TROUBLES) for alert in (*one.during, *one.after)}
        # The last ones are over for a moment only.
        for _ in range(100):
            if made <= pager.of("on-call", "resolved") | pager.of("by-day", "resolved"):
                break
            await asyncio.sleep(0.2)

    assert made == set(SEVERITY)
    assert made <= pager.of("on-call") | pager.of("by-day")
    assert made <= pager.of("on-call", "resolved") | pager.of("by-day", "resolved")
    assert pager.of("on-call") == {one for one in made if SEVERITY[one] == "critical"}


async def _until_calm(seen: Prometheus) -> None:
    """A demo that begins has its cold starts."""
    await seen.until_clear(list(SEVERITY.items()), 90)


async def _made(trouble: Trouble, played: Demo, seen: Prometheus) -> None:
    """Do it, wait for its alerts, cure it, wait until they are gone; says how long that took."""
    during, after = _alerts(trouble.during), _alerts(trouble.after)
    await seen.until_clear(during + after, trouble.clear_s)
    began_s = time.monotonic()
    async with trouble.fault(played, seen):
        fired_s = await seen.until_fired(during, trouble.within_s)
        await asyncio.sleep(TOLD_S)
    fired_s |= await seen.until_fired(after, trouble.within_s)
    clear_s = await seen.until_clear(fired_s, trouble.clear_s)
    print(trouble.fault.__doc__ or "Several at once:")
    for (alert, severity), at_s in sorted(fired_s.items()):
        print(f"  {alert} ({severity}) fired after {at_s - began_s:.1f} s")
    print(f"  clear {clear_s:.1f} s after the cure")


def _alerts(names: Sequence[str]) -> list[Alert]:
    return [(name, SEVERITY[name]) for name in names]


async def _a_store_that_is_away_silences_what_follows(
    played: Demo, seen: Prometheus, pager: Pager
) -> None:
    """Queues are unled while the store is away; who is woken is told of the store alone."""
    await _until_calm(seen)
    before = len(pager.told)
    async with troubles.store_stopped(played, seen):
        await seen.until_fired(_alerts(["ReadyUpStoreAway", "ReadyUpQueueUnled"]), 40)
        await asyncio.sleep(8)
        woken = {alert for who, (alert, _), how in pager.told[before:] if how == "firing"}
    await seen.until_clear(_alerts(["ReadyUpStoreAway", "ReadyUpQueueUnled"]), 60)

    assert woken == {"ReadyUpStoreAway"}
