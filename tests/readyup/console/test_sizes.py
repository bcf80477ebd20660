"""A fleet's page: its size over a quarter of an hour, and why."""

import math
from pathlib import Path

import pytest

from core.errors import NotFound
from core.ids import FleetName
from core.lua import as_json
from core.redis import Store
from core.web import serve_app
from fleets.capacity.ledger import Ledger
from readyup.console.feed import Feed
from readyup.console.lookup import Lookup
from readyup.console.server import console_app
from readyup.console.sizes import fleet_detail, series
from tests.readyup.console.chromium import binary, chromium
from tests.readyup.console.world import Show, World

NOW_MS = 1_800_000_000_000
WHY = (
    "37 servers: 22 in use, 4 rooms in reserve, 11 Ready behind them. 20.4 of 22 sessions will "
    "still run in 95 s, 8.3 claims are expected by then, and room for 8.3 more is enough in "
    "99.90% of cases"
)


def decision(t_ms: int, **changes: object) -> dict[str, object]:
    return {
        "t": t_ms,
        "mode": "act",
        "replicas": 37,
        "recommended": 37,
        "there": 37,
        "in_use": 22,
        "reserve_target": 4,
        "ready_target": 11,
        "expected": 8.3,
        "horizon_s": 95.0,
        "lead_s": 90.5,
        "refill_s": 0.3,
        "session_s_p50": 880.0,
        "why": WHY,
        **changes,
    }


async def an_evening(store: Store) -> None:
    """A quarter of an hour with a burst in the middle."""
    ledger, now_s = Ledger(store, FleetName("arena")), NOW_MS // 1000
    for second in range(now_s - 900, now_s):
        wave = 2 + 2 * math.sin(second / 90)
        burst = 8 if 0 < second - now_s + 400 < 40 else 0
        field = f"claims:{second}"
        count = round(wave + burst)
        await store.call("HINCRBY", f"{{f:arena}}:count:s:{second // 600}", field, count)
        if second % 5 == 0:
            size = round(30 + 6 * wave + 4 * burst)
            made = decision(
                second * 1000, replicas=size, in_use=size - 15, expected=95 * (wave + burst)
            )
            await store.call(
                *("XADD", "{f:arena}:decisions", f"{second * 1000}-0", "d", as_json(made))
            )
    assert await ledger.decisions(since_ms=0, limit=1)
    why = as_json({"sentence": WHY})
    await store.call("HSET", "{f:arena}:plan", "replicas", 37, "why", why, "t", NOW_MS)


def test_a_decision_holds_until_the_next_one():
    told = series(
        [1.0] * 20 + [3.0] * 10,
        [decision(15_000, replicas=5), decision(29_000, replicas=6)],
        until_s=30,
    )

    assert told.t_s == [0, 10, 20]
    assert told.claims_per_s == [1.0, 1.0, 3.0]
    assert told.replicas == [None, 5, 6]
    assert told.expected_per_s == [None, 0.087, 0.087]


async def test_a_fleet_tells_its_quarter_of_an_hour(store: Store):
    await an_evening(store)

    told = await fleet_detail(store, "arena", now_ms=NOW_MS)

    assert told.wanted == 37
    assert told.why == WHY
    assert told.decision is not None
    assert len(told.series.t_s) == 90
    assert None not in told.series.replicas
    assert max(told.series.claims_per_s) > 8


async def test_a_fleet_that_nobody_plans_has_a_page_too(store: Store):
    told = await fleet_detail(store, "arena", now_ms=NOW_MS)

    assert (told.wanted, told.why, told.decision) == (None, "", None)
    assert set(told.series.replicas) == {None}


async def test_only_fleets_of_the_settings_have_pages(store: Store):
    lookup = Lookup(Feed(store, queues={}, fleets=["arena"]), store)

    assert (await lookup.fleet("arena")).name == "arena"
    with pytest.raises(NotFound, match="there are: arena"):
        await lookup.fleet("area")


class Still:
    """A clock that stands."""

    def wall_us(self) -> int:
        return NOW_MS * 1000

    def wall_ms(self) -> int:
        return NOW_MS

    def elapsed_s(self) -> float:
        return 0.0


@pytest.mark.browser
@pytest.mark.skipif(binary() is None, reason="no Chromium here: install the package chromium")
async def test_the_page_shows_sentence_and_plot(store: Store, tmp_path: Path):
    await an_evening(store)
    lookup = Lookup(Feed(store, queues={}, fleets=["arena"], clock=Still()), store)
    show = Show(World(NOW_MS))
    async with serve_app(console_app(show, lookup), drain_s=0.1) as port, chromium() as page:
        for width, dark in ((1180, False), (400, True)):
            await page.open(
                f"http://127.0.0.1:{port}/fleets/arena", width=width, height=900, dark=dark
            )
            await page.until("document.querySelectorAll('#sizes canvas').length == 1")
            await page.until("document.getElementById('status').dataset.state == 'live'")
            await page.picture(tmp_path / f"fleet-{width}.png", whole=True)

            assert await page.ask("document.getElementById('sizes-why').textContent") == WHY
            assert await page.ask("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []
