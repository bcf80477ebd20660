"""The sessions API, with a real socket for each game server and the real store behind it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import WSMsgType
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from allocator.desk import CHECK_MS, Desk
from allocator.filling import Filling
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.servers_api import SessionsApi, sessions_app
from allocator.sessions import Sessions, SessionState
from allocator.settings import AllocatorSettings
from allocator.spans import ServerSpans
from core import dice
from core.ids import MatchId, room_id
from core.placement import Placement
from core.telemetry import OFF
from core.web import serve_app
from tests.allocator.worlds import (
    FLEET,
    NOW,
    FakeMatches,
    FakeServers,
    FixedClock,
    GameServer,
    connected,
    order,
    room,
    server,
)

ONE = server("one")
TWO = server("two", rooms=2)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


@dataclass
class Counter:
    """The running API and what it stands on."""

    pool: Pool
    sessions: Sessions
    clock: FixedClock
    servers: FakeServers
    port: int

    async def welcomed(self, game_server: GameServer, **holding: object) -> None:
        await game_server.hello(**holding)  # type: ignore[arg-type] - passed through
        assert await game_server.hear() == {
            "type": "welcome", "join_keys": ["ab" * 32], "heartbeat_s": 1.0,
            "snapshot_s": 1.0, "finish_s": 0.0, "rejoin_s": 20.0,
        }  # fmt: skip

    async def claimed(self, name: str) -> Placement:
        placement = await self.pool.claim(order(name), now_ms=self.clock.now_ms)
        assert placement is not None
        return placement


@pytest.fixture
def open_counter(pool: Pool, sessions: Sessions, metrics: AllocatorMetrics):
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Counter]:
        clock, servers = FixedClock(), FakeServers()
        servers.have(ONE, TWO)
        for new in (room(ONE.uid), room(TWO.uid), room(TWO.uid, 1)):
            await pool.add_room(new, now_ms=clock.now_ms)
            clock.now_ms += 1
        settings, filling = AllocatorSettings(FLEET), Filling(sessions, FakeMatches())
        desk = Desk(sessions, servers, filling, settings, metrics, ServerSpans(OFF, clock))
        api = SessionsApi([desk], join_keys=["ab" * 32], clock=clock, chance=dice.stream(1))
        async with asyncio.TaskGroup() as group, serve_app(sessions_app(api)) as port:
            running = group.create_task(api.run(asyncio.Event()), name="api")
            await _until(lambda: follows(pool))
            yield Counter(pool, sessions, clock, servers, port)
            running.cancel()

    return opened


async def test_a_match_is_assigned_acked_joined_and_released(open_counter, metrics):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        held = await counter.claimed("m")
        assigned = await one.hear()
        acked = await one.answered("ack", match=held.match, room=held.room, epoch=1)
        await one.say("joined", match=held.match, epoch=1, player="m-p0", rejoin=False)
        await one.say("left", match=held.match, epoch=1, player="m-p0")
        await one.say("result", match=held.match, epoch=1, result={"winner": "red"})
        released = await one.answered(
            "release", match=held.match, room=held.room, epoch=1, reason="finished"
        )
        session = await counter.sessions.get(held.match)

        assert assigned == {
            "type": "assign", "match": "duel.m", "room": "uid-one/0", "epoch": 1,
            "queue": "duel", "join_deadline_s": 20.0,
            "players": [
                {"player": "m-p0", "ticket": "duel.m0", "team": "team0", "seat": 0},
                {"player": "m-p1", "ticket": "duel.m1", "team": "team1", "seat": 0},
            ],
        }  # fmt: skip
        assert acked == {
            "type": "acked", "match": "duel.m", "epoch": 1, "ok": True, "reason": "",
        }  # fmt: skip
        assert released == {"type": "released", "match": "duel.m", "epoch": 1, "ok": True}
        assert (session.state, session.reason) == (SessionState.ENDED, "finished")
        assert json.loads(session.result) == {"winner": "red"}
        assert session.joined_ms
        assert metrics.acks.labels(FLEET, "ok")._value.get() == 1


async def test_a_hello_with_another_key_is_refused(open_counter):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await one.hello(key=STRANGER)
        closed = await one.ws.receive()

        assert (closed.type, closed.data) == (WSMsgType.CLOSE, 4401)
        assert "not signed by its key" in str(closed.extra)


async def test_the_first_key_of_a_uid_stands(open_counter):
    async with open_counter() as counter:
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)
        # The backend's mirror is forged: another key under the same uid.
        forged = STRANGER.public_key().public_bytes_raw().hex()
        object.__setattr__(ONE, "public_key", forged)
        try:
            async with connected(counter.port, ONE) as impostor:
                await impostor.hello(key=STRANGER)
                assert (await impostor.ws.receive()).data == 4401
        finally:
            object.__setattr__(ONE, "public_key", server("one").public_key)


@pytest.mark.parametrize("wrong", ["fleet", "name", "first"])
async def test_strangers_are_told_why_they_may_not_come_in(open_counter, wrong: str):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        if wrong == "first":
            await one.say("heartbeat")
            await one.hear()
        else:
            view = server("nobody") if wrong == "name" else server("one")
            if wrong == "fleet":
                object.__setattr__(view, "fleet", "elsewhere")
            one.view = view
            await one.hello()
        closed = await one.ws.receive()

        assert closed.data == 4401
        assert closed.extra


async def test_who_comes_late_finds_its_match(open_counter):
    async with open_counter() as counter:
        held = await counter.claimed("m")
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)

            assert (await one.hear())["match"] == held.match


async def test_who_comes_back_keeps_what_it_holds_and_forgets_the_rest(open_counter):
    async with open_counter() as counter:
        for name in ("one", "a", "b"):
            await counter.claimed(name)
        async with connected(counter.port, TWO) as two:
            stale = {"room": room_id(TWO.uid, 0), "match": "duel.old", "epoch": 1}
            kept = {"room": room_id(TWO.uid, 1), "match": "duel.b", "epoch": 1}
            await counter.welcomed(two, holding=[stale, kept])

            first, second = await two.hear(), await two.hear()
            assert (first["type"], first["match"]) == ("assign", "duel.a")
            assert (second["type"], second["match"]) == ("withdrawn", "duel.old")
            # What was not answered before is said again, and counts once.
            for _ in range(2):
                acked = await two.answered("ack", match="duel.b", room=kept["room"], epoch=1)
                assert acked["ok"]


async def test_a_closed_match_is_withdrawn(open_counter):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        held = await counter.claimed("m")
        await one.hear()
        await counter.pool.withdraw(held.match, reason="closed", now_ms=NOW)

        assert await one.told("withdrawn") == {
            "type": "withdrawn", "match": held.match, "room": held.room, "epoch": 1,
            "reason": "closed",
        }  # fmt: skip
        late = await one.answered("ack", match=held.match, room=held.room, epoch=1)
        assert (late["ok"], late["reason"]) == (False, "ended")


async def test_a_moved_match_leaves_one_server_and_comes_to_another(open_counter):
    async with (
        open_counter() as counter,
        connected(counter.port, ONE) as one,
        connected(counter.port, TWO) as two,
    ):
        await counter.welcomed(one)
        await counter.welcomed(two)
        held = await counter.claimed("m")
        await one.hear()
        # It will not have the match, so nobody waits for its acknowledgement.
        await one.say("refused", match=held.match, room=held.room, epoch=1, reason="full")
        await _until(lambda: counter.pool.due("acks", until_ms=counter.clock.now_ms))
        await counter.pool.move(held.match, 1, deadline_ms=NOW * 2, now_ms=counter.clock.now_ms)

        assert (await two.hear())["epoch"] == 2
        gone = await one.told("withdrawn")
        assert (gone["epoch"], gone["reason"]) == (1, "moved")


async def test_a_retiring_server_is_told_at_once_and_when_it_comes_back(open_counter):
    async with open_counter() as counter:
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)
            await counter.pool.retire(ONE.uid, now_ms=NOW)
            assert await one.hear() == {"type": "retire"}
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)
            assert await one.hear() == {"type": "retire"}


async def test_heartbeats_are_written_at_most_once_a_second(open_counter, store):
    async with open_counter() as counter, connected(counter.port, TWO) as two:
        await counter.welcomed(two)

        async def beat(players: int) -> int:
            tick = {"p50_ms": 0.1, "p99_ms": 1, "p999_ms": 2, "instability": 0, "skipped": 3}
            await two.say("heartbeat", rooms=[], tick=tick, players=players)
            await two.answered("ack", match="none", room="none", epoch=1)  # it was heard
            said = await store.call("HGET", "{f:arena}:servers", TWO.uid)
            return int(json.loads(said)["players"])

        assert await beat(1) == 0
        counter.clock.now_ms += 1_000
        assert await beat(2) == 2
        assert await beat(3) == 2
        said = json.loads(await store.call("HGET", "{f:arena}:servers", TWO.uid))
        assert said["tick"]["p99_ms"] == 1.0
        assert (said["rooms"], said["version"], said["name"]) == (2, "v1", "two")


async def test_a_heartbeat_that_shows_something_else_is_put_right(open_counter):
    async with open_counter() as counter, connected(counter.port, TWO) as two:
        await counter.welcomed(two)
        counter.clock.now_ms += CHECK_MS
        wrong = {"room": room_id(TWO.uid, 1), "match": "duel.old", "epoch": 3, "players": 2}
        await two.say("heartbeat", rooms=[wrong], tick=None, players=2)

        said = await two.hear()
        assert (said["type"], said["match"], said["epoch"]) == ("withdrawn", "duel.old", 3)


async def test_what_is_not_understood_is_answered_and_the_line_stays(open_counter):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        unknown = await one.answered("dance")
        wrong = await one.answered("ack", match="m", room="r", epoch="two")

        assert unknown["type"] == wrong["type"] == "problem"
        assert "dance" in unknown["problem"]["detail"]
        assert wrong["problem"]["field"] == "$.epoch"


@pytest.mark.parametrize(("frame", "code"), [("{", 1003), ("x" * 70_000, 1009)])
async def test_what_is_no_frame_ends_the_line(open_counter, frame: str, code: int):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        await one.ws.send_str(frame)

        assert (await one.ws.receive()).data == code


async def test_a_second_socket_of_a_server_replaces_the_first(open_counter):
    async with (
        open_counter() as counter,
        connected(counter.port, ONE) as one,
        connected(counter.port, ONE) as again,
    ):
        await counter.welcomed(one)
        await counter.welcomed(again)
        cut = await one.ws.receive()
        held = await counter.claimed("m")

        assert cut.type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
        assert (await again.hear())["match"] == held.match


async def test_a_release_may_be_said_again_on_a_new_line(open_counter):
    async with open_counter() as counter:
        held = await counter.claimed("m")
        assert held.server == ONE.uid
        said = {"match": held.match, "room": held.room, "epoch": 1, "reason": "no-join"}
        for _ in range(2):
            async with connected(counter.port, ONE) as one:
                await counter.welcomed(
                    one, holding=[{"room": held.room, "match": held.match, "epoch": 1}]
                )
                await one.say("release", **said)
                while (answer := await one.hear())["type"] != "released":
                    assert answer["type"] == "withdrawn"  # it has ended the first time
                assert answer["ok"]
        session = await counter.sessions.get(MatchId("duel.m"))
        assert session.reason == "no-join"


async def follows(pool: Pool) -> bool:
    """Whether the API waits for news in the fleet's log."""
    clients = await pool.store.call("INFO", "clients")
    return int(clients["blocked_clients"]) > 0


async def _until(ask) -> None:
    async with asyncio.timeout(5):
        while not await ask():
            await asyncio.sleep(0.005)
