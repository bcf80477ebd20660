"""Servers that speak only an Agones SDK: their letter, their answer, and their one match."""

from dataclasses import replace

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from allocator.farewells import Farewells
from allocator.handover import Handover
from allocator.letters import ACK_LABEL, LETTER_MAX_BYTES, MATCH_LABEL, Letters, letter_for
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reaper import Reaper
from allocator.reserve import Reserve
from allocator.sessions import Session, Sessions, SessionState
from allocator.settings import Ack, AllocatorSettings
from core.eventlog import decode
from core.game_server import State
from core.ids import MatchId, PlayerId, TicketId
from core.lua import as_json
from core.placement import SeatedPlayer
from core.redis import Store
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, order, server

M = MatchId("duel.m")
KEYS = ("ab" * 32,)


class World:
    """The parts of one fleet of such servers, and a clock that a test moves."""

    def __init__(self, store: Store, ack: Ack) -> None:
        self.now_ms = NOW
        self.settings = AllocatorSettings(FLEET, ack=ack, reserve_rooms=2)
        self.pool = Pool(store, FLEET, ack_ms=self.settings.ack_ms)
        self.sessions = Sessions(self.pool)
        self.servers = FakeServers()
        self.matches = FakeMatches()
        self.metrics = metrics = AllocatorMetrics(CollectorRegistry())
        farewells = Farewells(self.pool, self.servers)
        handover = Handover(self.sessions, self.matches, self.settings, metrics, farewells)
        self.reserve = Reserve(self.pool, self.servers, handover, self.settings, metrics)
        self.reaper = Reaper(self.sessions, handover, self.settings)
        self.letters = self.another_process()
        self.servers.have(*(replace(server(name), rooms=1) for name in "abc"))

    def another_process(self) -> Letters:
        return Letters(self.sessions, self.servers, self.settings, self.metrics, join_keys=KEYS)

    async def passes(self, *, after_ms: int = 250) -> None:
        """Everybody looks once."""
        self.now_ms += after_ms
        await self.reserve.refill(now_ms=self.now_ms)
        await self.letters.look(now_ms=self.now_ms)
        await self.reaper.look(now_ms=self.now_ms)

    async def place(self, name: str = "m") -> Session:
        """A committed match with a room, whose letter is on its way."""
        for _ in range(2):
            await self.passes()
        self.matches.committed.add(MatchId(f"duel.{name}"))
        await self.pool.claim(order(name), now_ms=self.now_ms)
        await self.passes()
        return await self.session(name)

    async def session(self, name: str = "m") -> Session:
        session = await self.sessions.get(MatchId(f"duel.{name}"))
        assert session is not None
        return session

    def label(self, session: Session, key: str, value: str) -> None:
        view = self.servers.views[session.server]
        self.servers.have(replace(view, labels={**view.labels, key: value}))

    def answer(self, session: Session) -> None:
        letter = self.servers.views[session.server].annotations["readyup/match"]
        self.label(session, ACK_LABEL, msgspec.json.decode(letter)["ack"])

    async def log(self, kind: str) -> list[dict[str, object]]:
        entries = await self.pool.store.read_stream(self.pool.key("log"), "0-0", block_ms=1)
        return [event for event in map(decode, entries) if event["k"] == kind]


@pytest.fixture
def world(store: Store) -> World:
    return World(store, "label")


async def test_a_server_is_told_its_match_once_and_its_label_is_the_ack(world: World):
    session = await world.place()
    await world.passes()
    assert session.state is SessionState.PENDING
    world.answer(session)
    await world.passes()
    await world.passes()

    assert (await world.session()).state is SessionState.ACKED
    ((uid, text),) = world.servers.letters
    assert uid == session.server
    assert msgspec.json.decode(text) == {
        "match": "duel.m",
        "epoch": 1,
        "queue": "duel",
        "ack": "m-1",
        "join_keys": list(KEYS),
        "join_deadline_s": 20.0,
        "players": [
            {"player": "m-p0", "team": "team0", "seat": 0},
            {"player": "m-p1", "team": "team1", "seat": 0},
        ],
    }
    assert [event["by"] for event in await world.log("room.acked")] == ["label"]


async def test_without_an_answer_to_wait_for_the_letter_itself_is_the_ack(store: Store):
    world = World(store, "none")
    await world.place()
    await world.passes()

    assert (await world.session()).state is SessionState.ACKED
    assert [event["by"] for event in await world.log("room.acked")] == ["patch"]


async def test_a_label_of_another_match_is_no_answer(world: World):
    session = await world.place()
    world.label(session, ACK_LABEL, "m-2")
    await world.passes()

    assert (await world.session()).state is SessionState.PENDING


async def test_a_lost_order_is_given_again_and_another_process_sends_the_same_letter(
    world: World,
):
    world.servers.obeys = True
    for _ in range(2):
        await world.passes()
    world.servers.obeys = False
    world.matches.committed.add(M)
    await world.pool.claim(order("m"), now_ms=world.now_ms)
    await world.passes()
    await world.passes()
    assert len(world.servers.letters) == 1
    world.servers.obeys = True
    await world.passes(after_ms=3_000)
    await world.another_process().look(now_ms=world.now_ms)

    assert len(world.servers.letters) == 2
    assert len(set(world.servers.letters)) == 1


async def test_the_label_ended_ends_the_match_and_the_server_serves_no_other(world: World):
    session = await world.place()
    world.answer(session)
    await world.passes()
    world.label(session, MATCH_LABEL, "ended")
    await world.letters.look(now_ms=world.now_ms)

    assert (await world.session()).reason == "finished"
    assert session.room in (await world.pool.census()).retiring
    await world.passes()
    assert world.servers.given_up == [session.server]
    again = await world.place("n")
    assert again.server != session.server


@pytest.mark.parametrize(("word", "reason"), [("shutdown", "finished"), ("exited", "lost")])
async def test_a_match_ends_with_its_server_and_never_moves(world: World, word: str, reason: str):
    session = await world.place()
    world.answer(session)
    await world.passes()
    view = world.servers.views[session.server]
    world.servers.have(replace(view, state=State.SHUTDOWN))
    await world.passes()
    assert (await world.session()).live(), "it may still be playing its goodbye"
    del world.servers.views[session.server]
    event = as_json({"t": world.now_ms, "server": session.server, "name": "x", "reason": word})
    await world.pool.store.call(
        "XADD", world.pool.key("log"), "*", "k", "server.deleted", "d", event
    )
    await world.passes()

    ended = await world.session()
    assert (ended.state, ended.reason, ended.epoch) == (SessionState.ENDED, reason, 1)


async def test_a_server_that_never_answers_loses_its_match_to_another(world: World):
    session = await world.place()
    await world.passes(after_ms=world.settings.ack_ms)
    await world.passes()
    moved = await world.session()
    world.answer(moved)
    await world.passes()

    assert moved.epoch == 2
    assert moved.server != session.server
    assert world.servers.given_up == [session.server]
    assert [uid for uid, _ in world.servers.letters] == [session.server, moved.server]
    assert (await world.session()).state is SessionState.ACKED


async def test_a_server_that_was_told_of_a_match_that_closed_serves_no_other(world: World):
    for _ in range(2):
        await world.passes()
    await world.pool.claim(order("m"), now_ms=world.now_ms)
    await world.letters.look(now_ms=world.now_ms)
    session = await world.session()
    await world.pool.withdraw(M, reason="closed", now_ms=world.now_ms)
    await world.passes()

    assert world.servers.given_up == [session.server]


def test_a_list_of_players_that_is_too_long_is_left_out(world: World):
    seats = tuple(
        SeatedPlayer(PlayerId(f"player-{n:060}"), TicketId("t"), "red", n) for n in range(1_000)
    )
    session = Session(
        M, FLEET, order("m").queue, "u/0", "u", "h", 1, 1, SessionState.PENDING, seats, True, NOW
    )
    text = letter_for(session, KEYS, 20.0)
    letter = msgspec.json.decode(text)

    assert len(text) < LETTER_MAX_BYTES
    assert letter["players_left_out"] == 1_000
    assert "players" not in letter
