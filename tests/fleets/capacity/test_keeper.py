"""The shell of the forecast: what it measures, what it asks for, how it goes on later."""

import datetime as dt
from dataclasses import replace

import pytest

from allocator.pool import Pool
from core.buckets import quantile_s
from core.game_server import ServerView, State
from core.ids import FleetName, MatchId, ServerUid
from core.placement import ClaimOrder
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.course import A_STEP, AT_ONCE
from fleets.capacity.events import Event
from fleets.capacity.keeper import CATCH_UP_STEPS, Keeper
from fleets.capacity.ledger import Ledger
from fleets.capacity.settings import CapacitySettings, Mode
from fleets.ports import Decision, Demand, Wish
from fleets.spec import FleetSpec, PortRange

ARENA = FleetName("arena")
NOW_S = 1_800_000_000
SPEC = FleetSpec(ARENA, ("game",), PortRange(7000, 7199), reserve=2, capacity=CapacitySettings())


class ByHand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = float(NOW_S)

    def wall_us(self) -> int:
        return round(self.now_s * 1e6)

    def wall_ms(self) -> int:
        return round(self.now_s * 1e3)

    def elapsed_s(self) -> float:
        return self.now_s


class House:
    """A keeper, its clock, and claims that come."""

    def __init__(self, store: Store, spec: FleetSpec = SPEC) -> None:
        self.store = store
        self.spec = spec
        self.clock = ByHand()
        self.keeper = Keeper(spec, store, self.clock)
        self.pool = Pool(store, ARENA)
        self.claims = 0

    async def come(self, count: int) -> None:
        for _ in range(count):
            self.claims += 1
            match = MatchId(f"duel.{self.claims:032x}")
            order = ClaimOrder(match, "duel", ("ann",), self.clock.wall_ms() + 1000)
            await self.pool.claim(order, now_ms=self.clock.wall_ms())

    async def look(self, keeper: Keeper | None = None, *, waiting: int = 0) -> Wish | None:
        demand = Demand(frozenset(), waiting)
        return await (keeper or self.keeper).look(demand, now_ms=self.clock.wall_ms())

    async def saw(self, *servers: ServerView, replicas: int = 0) -> None:
        await self.keeper.saw(Decision(replicas, {}, servers), now_ms=self.clock.wall_ms())

    async def an_evening(self, seconds: int) -> Wish:
        wish = None
        for _ in range(seconds):
            await self.come(3)
            wish = await self.look()
            self.clock.now_s += 1
        assert wish is not None
        return wish


def mode(asked: Mode) -> FleetSpec:
    return replace(SPEC, capacity=CapacitySettings(mode=asked))


def server(n: int, state: State, *, created_ms: int = 0) -> ServerView:
    uid = ServerUid(f"u{n}")
    return ServerView(f"arena-{n}", uid, ARENA, state, "", 7000 + n, created_ms=created_ms)


async def test_a_load_makes_the_fleet_larger_and_a_burst_at_once(store: Store):
    house = House(store)
    first = await house.look()
    busy = await house.an_evening(40)
    burst = await house.look(waiting=50)

    assert first is not None
    assert burst is not None
    assert 2 <= first.replicas < busy.replicas
    assert burst.replicas >= 50


async def test_who_begins_again_or_beside_it_comes_to_the_same(store: Store):
    house = House(store)
    await house.an_evening(30)
    await house.saw(*(server(n, State.READY) for n in range(20)), replicas=20)
    await store.call("HSET", "{f:arena}:plan", "replicas", 20)
    again = Keeper(SPEC, store, house.clock)

    assert await house.look(again) == await house.look()


async def test_only_a_fleet_that_asks_for_it_is_sized_by_forecast(store: Store):
    for asked in ("recommend", "off"):
        house = House(store, mode(asked))

        assert await house.look() is None

    plain = House(store, replace(SPEC, capacity=None))
    assert await plain.look() is None


async def test_a_recommendation_is_stored_and_not_obeyed(store: Store):
    house = House(store, mode("recommend"))
    await house.come(3)
    await house.look()

    await house.saw(replicas=7)

    (kept,) = await Ledger(store, ARENA).decisions(since_ms=0, limit=9)
    assert kept["mode"] == "recommend"
    assert kept["replicas"] == 7
    assert kept["recommended"] != 7
    assert await store.call("HGET", "{f:arena}:plan", "reserve_target") is None


async def test_the_reserve_that_is_asked_for_is_what_the_allocator_reads(store: Store):
    house = House(store)
    await house.an_evening(20)

    await house.saw()

    (kept,) = await Ledger(store, ARENA).decisions(since_ms=0, limit=9)
    census = await house.pool.census()
    assert census.reserve_target == kept["reserve_target"]
    assert census.reserve_target is not None
    assert census.reserve_target > 2


async def test_starts_are_measured_and_planned_with(store: Store):
    house = House(store)
    await house.look()
    begun_ms = house.clock.wall_ms()
    await house.saw(*(server(n, State.STARTING, created_ms=begun_ms) for n in range(12)))
    house.clock.now_s += 40
    await house.saw(*(server(n, State.READY, created_ms=begun_ms) for n in range(12)))
    await house.saw(*(server(n, State.READY, created_ms=begun_ms) for n in range(13)))

    starts = await Ledger(store, ARENA).took("start", now_ms=house.clock.wall_ms())
    await house.look()
    await house.saw(replicas=1)
    newest = (await Ledger(store, ARENA).decisions(since_ms=0, limit=1))[0]

    assert sum(starts.values()) == 12, "the thirteenth was Ready when it was seen first"
    assert quantile_s(starts, 0.5) == pytest.approx(40.0, rel=0.1)
    assert newest["lead_s"] == pytest.approx(40.0, rel=0.1)


async def test_a_lead_time_that_wavers_at_the_edge_of_a_step_begins_no_forecast_anew(store: Store):
    house = House(store)
    house.keeper._lead_s = 2.05
    await house.look()
    course = house.keeper._course
    for lead_s in (1.95, 2.05):
        house.keeper._lead_s = lead_s
        await house.look()
        assert house.keeper._course is course


async def test_who_begins_again_knows_all_of_the_past_after_some_looks(store: Store):
    house = House(store)
    await house.come(1)
    await house.look()
    house.clock.now_s += AT_ONCE + 2 * CATCH_UP_STEPS * A_STEP
    again = Keeper(SPEC, store, house.clock)
    again._lead_s = 8.0

    sizers = set()
    for _ in range(4):
        await house.look(again)
        assert again._course is not None
        sizers.add(again._course.sizer)
    assert len(sizers) == 2, "the newest of the past, then all of it"


async def test_an_announced_size_is_there_ahead_of_its_time(store: Store):
    house = House(store)
    at = dt.datetime.fromtimestamp(NOW_S + 120, dt.UTC)
    await Announced(store, ARENA).add("cup", Event(at=at, servers=90))
    early = await house.look()
    house.clock.now_s += 61
    soon = await house.look()
    house.clock.now_s += 4000
    after = await house.look()

    assert early is not None
    assert soon is not None
    assert after is not None
    assert early.replicas < 90
    assert soon.replicas == 90
    assert "at least 90 from" in soon.why
    assert await Announced(store, ARENA).all() == {}, "it is over"
    assert after.replicas < 90


async def test_a_decision_is_stored_when_it_changes_and_now_and_then(store: Store):
    house = House(store)
    for second in range(12):
        await house.look()
        await house.saw(replicas=5 if second < 6 else 6)
        house.clock.now_s += 1

    kept = await Ledger(store, ARENA).decisions(since_ms=0, limit=99)

    assert [one["replicas"] for one in reversed(kept)] == [5, 5, 6, 6]


async def test_a_fleet_within_the_band_of_its_reluctance_does_not_waver(store: Store):
    house = House(store)
    least = (await house.an_evening(30)).replicas
    # It was to be one larger, and the one is not there yet.
    there, sizes = least, []
    await store.call("HSET", "{f:arena}:plan", "replicas", least + 1)
    again = Keeper(SPEC, store, house.clock)
    for _ in range(10):
        wish = await house.look(again)
        assert wish is not None
        # Who looks tells what stood there before it acted.
        seen = tuple(server(n, State.READY) for n in range(there))
        decision = Decision(wish.replicas, {}, seen)
        await again.saw(decision, now_ms=house.clock.wall_ms())
        sizes.append(there := wish.replicas)

    assert sizes == [least + 1] * 10
