"""A node that is drained: what is decided, and that nothing in use goes before it was left."""

import random
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from hypothesis import given, strategies as st

from allocator.drain import Drain, Stay, decode_progress, to_fence, to_hand_over
from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.ports import CLAIM_LABEL
from allocator.reserve import Reserve
from allocator.rooms import rooms_of
from allocator.sessions import Session, Sessions, SessionState
from allocator.settings import AllocatorSettings
from core.game_server import ServerView, State
from core.ids import MatchId, ServerUid
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, order, server

M = MatchId("duel.m")
OLD, NEW = "node-old", "node-new"
SETTINGS = AllocatorSettings(FLEET, reserve_rooms=2)


def on(name: str, node: str, *, rooms: int = 1, state: State = State.READY) -> ServerView:
    return replace(server(name, rooms=rooms, state=state), node=node)


@dataclass
class House:
    """A reserve of two rooms over servers on two nodes, and matches that are committed."""

    pool: Pool
    metrics: AllocatorMetrics
    settings: AllocatorSettings = SETTINGS
    servers: FakeServers = field(default_factory=FakeServers)
    now_ms: int = NOW

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.pool)
        self.matches = FakeMatches({M})
        handover = Handover(self.sessions, self.matches, self.settings, self.metrics)
        self.reserve = Reserve(self.pool, self.servers, handover, self.settings, self.metrics)

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.now_ms += 250
            await self.reserve.refill(now_ms=self.now_ms)

    async def plays(self) -> Session:
        """The match claims a room, its server takes it, and a player joins."""
        await self.pool.claim(order("m"), now_ms=self.now_ms)
        return await self.taken()

    async def taken(self) -> Session:
        at = await self.now()
        await self.sessions.ack(M, at.room, at.server, at.epoch, now_ms=self.now_ms)
        await self.sessions.joined(M, at.server, at.epoch, now_ms=self.now_ms)
        return at

    async def now(self) -> Session:
        session = await self.sessions.get(M)
        assert session is not None
        return session

    async def drains(self, node: str = OLD, *, by_ms: int | None = None) -> None:
        text = msgspec.json.encode(Drain(node, self.now_ms, by_ms)).decode()
        await self.pool.store.call("HSET", self.pool.key("drains"), node, text)

    async def free(self) -> set[str]:
        return set(map(str, (await self.pool.census()).free))


@pytest.fixture
def house(pool: Pool, metrics: AllocatorMetrics) -> House:
    return House(pool, metrics)


async def test_free_servers_go_first_and_the_reserve_is_filled_elsewhere(house: House):
    house.servers.have(on("a", OLD), on("b", OLD), on("c", NEW), on("d", NEW))
    await house.look(2)
    assert await house.free() == {"uid-a/0", "uid-b/0"}
    await house.drains()
    await house.look(3)

    assert house.servers.given_up == ["uid-a", "uid-b"]
    assert await house.free() == {"uid-c/0", "uid-d/0"}


async def test_a_server_that_nobody_has_taken_yet_is_never_claimed(house: House):
    house.servers.have(on("a", OLD))
    await house.drains()
    house.servers.obeys = False
    house.servers.give_up = nothing  # type: ignore[method-assign]
    await house.look(2)
    # An order of before was obeyed late, and an allocator that had not heard adds its room.
    late = replace(on("a", OLD, state=State.ALLOCATED), labels={CLAIM_LABEL: "refill-uid-a"})
    added = [await house.pool.add_room(one, now_ms=house.now_ms) for one in rooms_of(late)]
    await house.pool.claim(order("m"), now_ms=house.now_ms)

    assert added == [False]
    assert await house.sessions.get(M) is None
    assert await house.free() == set()
    assert house.servers.taken == []


async def test_a_match_plays_on_until_the_deadline_and_then_goes_on_elsewhere(house: House):
    house.servers.have(on("a", OLD))
    await house.look(2)
    at = await house.plays()
    house.servers.have(on("c", NEW))
    await house.drains(by_ms=house.now_ms + 2_000)
    await house.look(3)
    assert (await house.now()).server == at.server
    assert house.servers.given_up == []
    told = await progress(house)
    assert (told.servers, [stay.match for stay in told.stays]) == (1, [M])

    await house.look(6)
    assert (await house.now()).server == at.server, "it may say a last word, for a second"
    await house.look(4)
    session = await house.now()
    assert (session.server, session.state) == ("uid-c", SessionState.HANDING_OVER)
    await house.taken()
    await house.look(2)
    assert house.servers.given_up == ["uid-a"]
    assert (await progress(house)).done()


async def test_without_a_warm_room_elsewhere_nothing_is_handed_over(house: House):
    house.servers.have(on("a", OLD))
    await house.look(2)
    at = await house.plays()
    await house.drains(by_ms=house.now_ms)
    await house.look(8)

    assert (await house.now()).room == at.room
    assert (await house.now()).live()
    assert house.servers.given_up == []


async def test_a_fleet_that_hands_nothing_over_waits_for_its_matches(
    pool: Pool, metrics: AllocatorMetrics
):
    house = House(pool, metrics, AllocatorSettings(FLEET, reserve_rooms=2, on_lost="end"))
    house.servers.have(on("a", OLD))
    await house.look(2)
    at = await house.plays()
    house.servers.have(on("c", NEW))
    await house.drains(by_ms=house.now_ms)
    await house.look(4)
    assert (await house.now()).room == at.room

    assert await house.sessions.release(
        M, at.room, at.server, 1, reason="finished", now_ms=house.now_ms
    )
    await house.look(2)
    assert house.servers.given_up == ["uid-a"]


async def test_a_drain_that_is_taken_back_lets_the_node_serve_again(house: House):
    house.servers.have(on("a", OLD))
    await house.drains()
    house.servers.give_up = nothing  # type: ignore[method-assign]
    await house.look(2)
    await house.pool.store.call("HDEL", house.pool.key("drains"), OLD)
    await house.look(3)

    assert await house.free() == {"uid-a/0"}


async def nothing(uid: ServerUid) -> None:
    """A backend that has not come to it yet."""


async def progress(house: House):
    return decode_progress(
        await house.pool.store.call("HGET", house.pool.key("drain-progress"), OLD)
    )


views = st.builds(
    lambda n, state, node, labels: replace(
        on(f"s{n}", node, state=state), labels=labels, address=node
    ),
    st.integers(0, 5),
    st.sampled_from(State),
    st.sampled_from([OLD, NEW]),
    st.sampled_from([{}, {CLAIM_LABEL: "refill-x"}]),
)


@given(st.lists(views, unique_by=lambda one: one.uid))
def test_what_others_have_and_what_is_elsewhere_is_let_be(running: list[ServerView]):
    fenced = to_fence(running, {OLD: Drain(OLD, NOW)})

    for one in running:
        taken = one.state in (State.ALLOCATED, State.RESERVED)
        if one.node == NEW or (taken and CLAIM_LABEL not in one.labels):
            assert one.uid not in fenced
        if one.node == OLD and one.state is State.READY:
            assert one.uid in fenced


stays = st.lists(
    st.builds(Stay, st.text(max_size=3).map(MatchId), st.integers(1, 3), st.integers(0, NOW)),
    unique_by=lambda one: one.match,
)


@given(stays, st.none() | st.integers(NOW - 5, NOW + 5), st.integers(-3, 8))
def test_no_match_is_handed_over_early_or_without_a_room_for_it(
    there: list[Stay], by_ms: int | None, warm: int
):
    drain = Drain(OLD, NOW - 9, by_ms)
    due = there if drain.is_due(NOW) else []
    chosen = to_hand_over(due, warm=warm)

    assert set(chosen) <= set(there)
    assert len(chosen) <= max(0, warm)
    if by_ms is None or by_ms > NOW:
        assert not chosen
    elif warm >= len(there):
        assert len(chosen) == len(there)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_nothing_in_use_goes_and_nothing_fenced_is_claimed(
    house: House, seed: int
):
    dice = random.Random(seed)
    walk = Walk(house)
    house.servers.have(on("old", OLD), on("new", NEW))
    await walk.look()
    house.servers.give_up = walk.give_up  # type: ignore[method-assign]
    for _ in range(40):
        await dice.choice(
            [walk.start, walk.claim, walk.claim, walk.finish, walk.drain, walk.take_back]
        )(dice)
        await walk.look()

    assert walk.claimed


class Walk:
    """An operator, players and a backend, in any order."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.claimed: dict[MatchId, tuple[ServerUid, int]] = {}
        """Where each match was seen last."""

        self.fenced: set[ServerUid] = set()
        self.started = 0

    async def live(self) -> list[Session]:
        found = [await self.house.sessions.get(one) for one in await self.house.sessions.live()]
        return [one for one in found if one is not None and one.room]

    async def give_up(self, uid: ServerUid) -> None:
        assert uid not in [one.server for one in await self.live()]
        del self.house.servers.views[uid]

    async def look(self) -> None:
        await self.house.look()
        for one in await self.live():
            here = (one.server, one.epoch)
            assert here == self.claimed.get(one.match) or one.server not in self.fenced
            self.claimed[one.match] = here
        drained = await self.house.pool.store.call("HKEYS", self.house.pool.key("drains"))
        there = self.house.servers.views.values()
        self.fenced = {one.uid for one in there if one.node in drained}

    async def start(self, dice: random.Random) -> None:
        self.started += 1
        new = on(f"s{self.started}", dice.choice([OLD, NEW]), rooms=dice.choice([1, 2]))
        self.house.servers.have(new)

    async def claim(self, dice: random.Random) -> None:
        name = str(dice.getrandbits(32))
        house = self.house
        house.matches.committed.add(f"duel.{name}")
        at = await house.pool.claim(order(name), now_ms=house.now_ms)
        if at is not None:
            await house.sessions.ack(at.match, at.room, at.server, 1, now_ms=house.now_ms)

    async def finish(self, dice: random.Random) -> None:
        if there := await self.live():
            one = dice.choice(there)
            await self.house.sessions.release(
                one.match, one.room, one.server, one.epoch, reason="finished",
                now_ms=self.house.now_ms,
            )  # fmt: skip

    async def drain(self, dice: random.Random) -> None:
        in_a_while = self.house.now_ms + 1_000
        await self.house.drains(dice.choice([OLD, NEW]), by_ms=dice.choice([None, in_a_while]))

    async def take_back(self, dice: random.Random) -> None:
        drains = self.house.pool.key("drains")
        await self.house.pool.store.call("HDEL", drains, dice.choice([OLD, NEW]))
        self.fenced = set()
