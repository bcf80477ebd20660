"""Several fleets for one queue: which is asked, and that never two give a match a room."""

import contextlib
import itertools

import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry

from allocator.pool import Pool
from allocator.rooms import NewRoom
from allocator.sessions import Sessions
from core.clock import SystemClock
from core.dice import stream
from core.errors import StoreUnreachable
from core.ids import FleetName, MatchId, QueueName, ServerUid, room_id
from core.lease import Lease
from core.redis import Store
from matchmaker.engine.search import Found
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.placing import Placing
from matchmaker.ports import Capacity
from matchmaker.regions import Superseded, order_of
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import TicketPlayer, WaitingTicket
from readyup.wiring.adapters import PoolRooms
from tests.matchmaker.test_placing import found

DUEL, CLOCK = QueueName("duel"), SystemClock()
EU, US, ASIA = FLEETS = tuple(map(FleetName, ("eu", "us", "asia")))
HERE = {EU: "eu", US: "us", ASIA: "asia"}


def seen(**free: int) -> dict[FleetName, Capacity]:
    return {FleetName(n): Capacity(max(0, f), max(0, -f), region=n) for n, f in free.items()}


@pytest.mark.parametrize(
    ("there", "latencies", "limit_ms", "order"),
    [
        ({"eu": 1, "us": 1}, [], 0, "eu us"),
        ({"eu": 0, "us": 1}, [], 0, "us eu"),
        ({"eu": -3, "us": -1}, [], 0, "us eu"),
        ({"eu": 0, "us": 0}, [], 0, "eu us"),
        ({"eu": 1, "us": 1}, [{"eu": 90, "us": 20}], 0, "us eu"),
        ({"eu": 1, "us": 1}, [{"eu": 29, "us": 21}], 0, "eu us"),  # equally near
        # The one who is worst off counts: 80 in Europe, 90 in America.
        ({"us": 1, "eu": 1}, [{"eu": 80, "us": 10}, {"eu": 20, "us": 90}], 0, "eu us"),
        ({"eu": 0, "us": 1}, [{"eu": 20, "us": 200}], 120, "eu"),
        ({"eu": 1, "us": 1}, [{"eu": 300, "us": 200}], 120, "us"),
        # Who measured nothing is no hindrance; a region that one did not measure comes last.
        ({"eu": 1, "us": 1}, [{"eu": 90, "us": 20}, {}], 0, "us eu"),
        ({"eu": 1, "us": 1}, [{"us": 90}, {"us": 20, "eu": 20}], 0, "us eu"),
    ],
)
def test_the_nearest_fleet_with_room_is_asked(
    there: dict[str, int], latencies: list[dict[str, float]], limit_ms: float, order: str
):
    assert " ".join(order_of(seen(**there), latencies, latency_max_ms=limit_ms)) == order


def test_a_paused_fleet_is_asked_last():
    there = {EU: Capacity(0, 0, closed=True), US: Capacity(0, 5)}

    assert order_of(there, []) == (US, EU)


@given(
    st.dictionaries(st.sampled_from(FLEETS), st.integers(-3, 3), min_size=1),
    st.lists(st.dictionaries(st.sampled_from(("eu", "us", "asia")), st.floats(0, 400))),
    st.sampled_from((0.0, 100.0)),
)
def test_some_fleet_is_always_asked_and_a_free_one_near_enough_before_a_full_one(
    there: dict[FleetName, int], latencies: list[dict[str, float]], limit_ms: float
):
    view = seen(**there)
    order = order_of(view, latencies, latency_max_ms=limit_ms)

    assert set(order) <= set(there)
    assert len(set(order)) == len(order) >= 1
    if any(view[name].free for name in order):
        assert view[order[0]].free
    if not limit_ms:
        assert set(order) == set(there)


class Wire(PoolRooms):
    """The way to the pools; the ``breaks_at``-th call is lost before, or after, it was obeyed."""

    def __init__(self, pools: list[Pool], *, breaks_at: int = -1, after: bool = False) -> None:
        super().__init__(pools, regions=HERE)
        self.calls = 0
        self._breaks_at = breaks_at
        self._after = after

    async def broken(self, work):
        self.calls += 1
        if self.calls == self._breaks_at and not self._after:
            work.close()
            raise StoreUnreachable("lost before it was heard")
        answer = await work
        if self.calls == self._breaks_at:
            raise StoreUnreachable("heard, and the answer lost")
        return answer

    async def capacities(self, fleets):
        return await self.broken(super().capacities(fleets))

    async def claim(self, order, fleet, *, now_ms: int):
        return await self.broken(super().claim(order, fleet, now_ms=now_ms))

    async def leave(self, match, fleet, *, now_ms: int):
        return await self.broken(super().leave(match, fleet, now_ms=now_ms))


class BreakingQueue(QueueStore):
    """A queue whose redirects are counted, and lost, as the calls of a wire are."""

    def __init__(self, queue: QueueStore, wire: Wire) -> None:
        super().__init__(queue.store, queue.settings)
        self._wire = wire

    async def redirect(self, match, left, fleets, *, epoch: int):
        return await self._wire.broken(super().redirect(match, left, fleets, epoch=epoch))


class World:
    """One queue with two or three fleets, and directors of which each is its own term."""

    def __init__(self, store: Store) -> None:
        rules = Rules(("red", "blue"), 1)
        self.queue = QueueStore(store, QueueSettings(DUEL, rules, FLEETS, placing_s=60))
        self.pools = [Pool(store, name) for name in FLEETS]
        self.names = itertools.count()

    async def director(self, wire: Wire) -> Placing:
        """A newer one than all before."""
        await self.queue.store.call("HSET", self.queue.leader, "until_ms", 0)
        holder = f"d{next(self.names)}"
        lease = Lease(self.queue.store, self.queue.leader, self.queue.log, holder, CLOCK)
        return Placing(
            BreakingQueue(self.queue, wire),
            wire,
            epoch=await lease.renew(),
            clock=CLOCK,
            chance=stream(1, holder),
            metrics=MatchmakerMetrics(CollectorRegistry()),
        )

    async def room(self, fleet: FleetName) -> None:
        uid = ServerUid(f"server-{fleet}")
        new = NewRoom(room_id(uid, 0), uid, "h", 1, "v")
        await self.pools[FLEETS.index(fleet)].add_room(new, now_ms=CLOCK.wall_ms())

    async def placed(self, match: MatchId) -> list[FleetName]:
        """The fleets that have, or had, a room for a match."""
        sessions = [await Sessions(pool).get(match) for pool in self.pools]
        return [one.fleet for one in sessions if one is not None and one.room]


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


async def test_a_match_goes_where_there_is_room_and_its_players_find_it_there(world: World):
    await world.room(US)
    placing = await world.director(Wire(world.pools))
    forming = placing.form(await found(world.queue))
    await placing.place([forming])
    record = await world.queue.match(forming.order.match)

    assert record is not None
    assert record.placement is not None
    assert (record.placement.fleet, record.fleets) == (US, (US, EU, ASIA))
    assert await world.placed(record.id) == [US]
    hint = await world.queue.store.call("GET", "{p:ann}:session")
    assert '"fleet":"us"' in hint


async def test_the_latencies_of_a_match_choose_its_fleet(world: World):
    for fleet in FLEETS:
        await world.room(fleet)
    placing = await world.director(Wire(world.pools))
    pair = await found(world.queue)
    far_east = [(near_asia(party),) for (party,) in pair.teams]
    forming = placing.form(Found(tuple(far_east), 0.0, 0.0))
    await placing.place([forming])

    assert await world.placed(forming.order.match) == [ASIA]


def near_asia(party: WaitingTicket) -> WaitingTicket:
    member = TicketPlayer(party.players[0], 1500.0, {}, {"eu": 250.0, "us": 150.0, "asia": 30.0})
    return WaitingTicket(party.id, party.players, party.mmr, party.enqueued_ms, "", (member,))


async def test_a_match_in_line_goes_on_as_soon_as_another_fleet_has_room(world: World):
    placing = await world.director(Wire(world.pools))
    forming = placing.form(await found(world.queue))
    await placing.place([forming])
    assert list(placing.in_line) == [forming.order.match]
    await world.room(ASIA)
    await placing.ask_again()
    await world.room(EU)

    assert await world.placed(forming.order.match) == [ASIA]
    assert not placing.in_line


async def test_a_room_that_came_while_the_match_was_to_leave_is_taken(world: World):
    class Late(Wire):
        async def leave(self, match, fleet, *, now_ms: int):
            await world.room(EU)
            return await super().leave(match, fleet, now_ms=now_ms)

    placing = await world.director(Late(world.pools))
    forming = placing.form(await found(world.queue))
    await placing.place([forming])
    await world.room(US)
    await placing.ask_again()

    assert await world.placed(forming.order.match) == [EU]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("breaks_at", range(1, 9))
async def test_wherever_a_director_stops_its_successor_finds_one_room_and_no_two(
    world: World, breaks_at: int, after: bool
):
    """It stops in its way from a full fleet to one with room, and then its old calls arrive."""
    first = await world.director(Wire(world.pools))
    forming = first.form(await found(world.queue))
    match = forming.order.match
    await first.place([forming])
    await world.room(US)
    dying = Wire(world.pools, breaks_at=breaks_at, after=after)
    stopped = await world.director(dying)
    with contextlib.suppress(StoreUnreachable):
        await stopped.resume()
    successor = await world.director(Wire(world.pools))
    await successor.resume()
    # Late calls of those before, in any fleet that they ever thought of.
    late = PoolRooms(world.pools, regions=HERE)
    record = await world.queue.match(match)
    assert record is not None
    await world.room(ASIA)
    for name in (EU, record.fleets[0]):
        await late.claim(forming.order, name, now_ms=CLOCK.wall_ms())
    await world.room(EU)
    with pytest.raises(Superseded):
        await first._commit(forming) if forming.placement else await _redirect(first, forming)
    await successor.ask_again()
    await successor.resume()

    assert await world.placed(match) == [US]
    record = await world.queue.match(match)
    assert record is not None
    assert record.state == "committed"
    assert record.placement is not None
    assert record.placement.fleet == US


async def _redirect(placing: Placing, forming) -> None:
    """What one that leads no more tries, with what it remembers."""
    state, _ = await placing._queue.redirect(forming.order.match, EU, (ASIA,), epoch=placing._epoch)
    if state == "stale":
        raise Superseded
