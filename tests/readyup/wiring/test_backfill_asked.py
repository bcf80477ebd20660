"""A game asks for players: its runtime's frames, the allocator, the queue, and back again."""

from types import SimpleNamespace
from typing import Any, cast

import msgspec

from allocator import frames
from allocator.filling import Filling
from allocator.link import Link
from core.ids import MatchId, PlayerId, TicketId
from core.join_token import Seat
from core.redis import Store
from gameserver.admission import Admitted, TurnedAway
from gameserver.matches import Matches
from gameserver.sessions_link import Message, Welcome
from gameserver.telling import Telling
from readyup.wiring.adapters import QueueMatches
from tests.gameserver.fakes import MINTER, FakeGame, FakeWitness, environment
from tests.readyup.wiring.test_backfill import BO, CLOCK, CY, DUEL, SERVER, World, team_of


class GameServer:
    """The runtime of a game server; its frames wait until they are handed over."""

    up = True

    def __init__(self) -> None:
        where = environment("ws://nowhere", uid=SERVER)
        telling = Telling(where, FakeWitness(), CLOCK)
        telling.line = self
        self.host = Matches(where, FakeGame(), telling, CLOCK)
        self.host.welcomed(Welcome([MINTER.public_hex()], 1.0))
        self.said: list[str] = []

    def send(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        self.said.append(msgspec.json.encode({"type": kind, **fields}).decode())

    def told(self, frame: frames.Frame) -> None:
        self.host.told(msgspec.json.decode(msgspec.json.encode(frame), type=Message))

    def joins(
        self, match: MatchId, player: str, ticket: TicketId, team: str
    ) -> Admitted | TurnedAway:
        seat = Seat(SERVER, match, 1, PlayerId(player), ticket, team, 0)
        return self.host.admit(MINTER.mint(seat, now_ms=CLOCK.wall_ms(), jti=player))


class Line:
    """The allocator's end of the line; frames of both sides wait for ``carry``."""

    def __init__(self, world: World, game: GameServer) -> None:
        self.server = SimpleNamespace(uid=SERVER)
        self.filling = Filling(world.sessions, QueueMatches({DUEL: world.queue}))
        self.states: list[str] = []
        self._game, self._later = game, list[Any]()

    def push(self, outgoing: Any) -> None:  # noqa: ANN401 - a frame, or how to make it
        self._later.append(outgoing)

    async def carry(self) -> None:
        """Hand over what both sides have said."""
        for text in self._game.said:
            said = frames.decode(text)
            if isinstance(said, frames.Backfill):
                await self.filling.hear(cast("Link", self), said, now_ms=CLOCK.wall_ms())
        self._game.said.clear()
        for outgoing in self._later:
            frame = outgoing if isinstance(outgoing, dict) else await outgoing()
            if frame["type"] == "backfill":
                self.states.append(frame["state"])
            self._game.told(frame)
        self._later.clear()


async def playing(world: World, game: GameServer, match: MatchId) -> None:
    """The game server has the match, and ann is in."""
    session = await world.sessions.get(match)
    assert session is not None
    game.told(frames.assign(session, 20.0, snapshot=None))
    game.told({"type": "acked", "match": match, "epoch": 1, "ok": True, "reason": ""})
    ann = next(one for one in session.players if one.player == "ann")
    assert isinstance(game.joins(match, "ann", ann.ticket, ann.team), Admitted)


async def test_what_a_game_asks_for_comes_and_is_let_in(store: Store):
    world, game = World(store, backfill="manual"), GameServer()
    line, placing = Line(world, game), await world.leads()
    match = await world.running(placing)
    await playing(world, game, match)
    team = await team_of(world, match, "bo")

    game.host.backfill(match, {team: 1}, gone=[PlayerId("bo")])
    game.host.look()
    await line.carry()
    assert line.states == ["open"]

    await world.enqueue(CY)
    await world.pass_(placing)
    assert (await world.players(match))["cy"] == (team, 0)
    assert isinstance(game.joins(match, "cy", CY, team), TurnedAway), "not yet"

    line.filling.tell(cast("Link", line), match, 1)
    await line.carry()
    assert isinstance(game.joins(match, "cy", CY, team), Admitted)
    assert isinstance(game.joins(match, "bo", BO, team), TurnedAway)


async def test_a_game_that_asks_for_too_many_is_told_so(store: Store):
    world, game = World(store, backfill="manual"), GameServer()
    line, placing = Line(world, game), await world.leads()
    match = await world.running(placing)
    await playing(world, game, match)

    game.host.backfill(match, {"red": 1})
    game.host.look()
    await line.carry()

    assert line.states == ["refused"]
    await world.feed.load()
    assert not world.feed.pool.view().open
