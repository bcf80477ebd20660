"""A fleet's new version: the reserve moves over, and the old servers go once they are free."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reserve import Reserve
from allocator.rollout import leaving_next
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.game_server import ServerView
from core.ids import RoomId, ServerUid
from core.placement import Placement
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, order, server

SETTINGS = AllocatorSettings(FLEET, reserve_rooms=2, surplus_patience_ms=0)


def new(name: str) -> ServerView:
    return replace(server(name), version="v2", created_ms=NOW)


class House:
    """A reserve of two rooms on servers of the first version, and what may happen to it."""

    def __init__(self, pool: Pool, sessions: Sessions, metrics: AllocatorMetrics) -> None:
        self.pool = pool
        self.sessions = sessions
        self.servers = FakeServers()
        handover = Handover(sessions, FakeMatches(), SETTINGS, metrics)
        self.reserve = Reserve(pool, self.servers, handover, SETTINGS, metrics)
        self.now_ms = NOW

    async def passes(self, n: int = 4) -> None:
        for _ in range(n):
            self.now_ms += 250
            await self.reserve.refill(now_ms=self.now_ms)

    async def wants(self, version: str) -> None:
        await self.pool.store.call("SET", self.pool.key("version"), version)

    async def claim(self, name: str) -> Placement:
        placement = await self.pool.claim(order(name), now_ms=self.now_ms)
        assert placement is not None
        return placement

    async def end(self, on: Placement) -> None:
        claim = (on.match, on.server, on.epoch)
        await self.sessions.ack(on.match, on.room, on.server, on.epoch, now_ms=self.now_ms)
        await self.sessions.joined(*claim, now_ms=self.now_ms)
        await self.sessions.release(
            on.match, on.room, on.server, on.epoch, reason="finished", now_ms=self.now_ms
        )

    async def free_on(self) -> list[str]:
        return sorted(room.partition("/")[0] for room in (await self.pool.census()).free)


@pytest.fixture
async def house(pool: Pool, sessions: Sessions, metrics: AllocatorMetrics) -> House:
    house = House(pool, sessions, metrics)
    house.servers.have(server("a"), server("b"))
    await house.wants("v1")
    await house.passes()
    assert await house.free_on() == ["uid-a", "uid-b"]
    return house


async def test_the_reserve_keeps_old_servers_until_new_ones_stand_in_for_them(house: House):
    await house.wants("v2")
    await house.passes()
    assert await house.free_on() == ["uid-a", "uid-b"]

    house.servers.have(new("c"))
    await house.passes()
    assert await house.free_on() == ["uid-b", "uid-c"]
    assert house.servers.given_up == ["uid-a"]

    house.servers.have(new("d"))
    await house.passes()
    assert await house.free_on() == ["uid-c", "uid-d"]
    assert house.servers.given_up == ["uid-a", "uid-b"]


async def test_a_session_goes_on_to_its_end_on_its_old_server(house: House):
    playing = await house.claim("m")
    await house.wants("v2")
    house.servers.have(new("c"), new("d"))
    await house.passes()
    assert playing.server not in house.servers.given_up

    await house.end(playing)
    await house.passes()
    assert playing.server in house.servers.given_up
    assert await house.free_on() == ["uid-c", "uid-d"]


async def test_a_match_in_line_gets_an_old_room_rather_than_none(house: House):
    await house.wants("v2")
    await house.passes()
    playing = [await house.claim(name) for name in "mn"]
    assert await house.pool.claim(order("o"), now_ms=house.now_ms) is None

    house.servers.have(server("e"))  # one that was started before the new version came
    await house.passes()

    assert (await house.claim("o")).server == "uid-e"
    assert {one.server for one in playing} == {"uid-a", "uid-b"}
    assert house.servers.given_up == []


async def test_going_back_to_the_old_version_keeps_what_is_left_of_it(house: House):
    await house.wants("v2")
    house.servers.have(new("c"))
    await house.passes()
    await house.wants("v1")
    house.servers.have(server("e"))
    await house.passes()

    assert await house.free_on() == ["uid-b", "uid-e"]
    assert house.servers.given_up == ["uid-a", "uid-c"]


@given(
    rooms=st.dictionaries(
        st.sampled_from("abcdef").map(ServerUid),
        st.lists(st.sampled_from("012").map(RoomId), min_size=1, max_size=3, unique=True),
    ),
    free=st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from("012"))),
    spare=st.integers(-3, 9),
)
def test_what_goes_never_makes_the_reserve_short(
    rooms: dict[ServerUid, list[RoomId]], free: set[tuple[str, str]], spare: int
):
    named = {uid: {RoomId(f"{uid}/{n}") for n in ours} for uid, ours in rooms.items()}
    open_ = {RoomId(f"{uid}/{n}") for uid, n in free}
    going = leaving_next(named, open_, spare=spare)

    lost = sum(len(named[uid] & open_) for uid in going)
    assert lost <= max(0, spare)
    assert not going or spare >= 0
    if spare >= len(open_):
        assert set(going) == set(named)
