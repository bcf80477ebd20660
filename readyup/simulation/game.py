"""A game without a world: somebody joins, somebody wins, a few seconds later.

The server's side is a ``Game`` of the game server runtime, the players' side a ``Game`` of
the bots; between them lies an unreliable network, as with datagrams.
"""

import asyncio
import math
import random
from collections.abc import Callable
from typing import Any, TypeVarTuple

from core.ids import MatchId, PlayerId
from gameserver.admission import TurnedAway, Why
from gameserver.ports import Host
from gameserver.rooms import Assignment as Seats
from readyup.bots.messages import Assignment
from readyup.bots.ports import LinkClosed, LinkQuality
from readyup.simulation.process import NEUTRAL, Process

Ts = TypeVarTuple("Ts")

WAY_S = (0.005, 0.05)
JOIN_S_MAX = 10.0
KNOCK_S = 0.25
SILENT_S = 2.0
"""After this long without a datagram either side takes the other for gone."""


class MatchLink:
    """One player in one match."""

    def __init__(self, game: "VirtualGame", match: MatchId, player: PlayerId) -> None:
        self._game = game
        self._match = match
        self._player = player
        self._ending: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._left = False
        self._ending.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def result(self) -> dict[str, Any]:
        return await asyncio.shield(self._ending)

    def quality(self) -> LinkQuality:
        return LinkQuality(rtt_ms=math.nan, jitter_ms=math.nan, loss_share=math.nan)

    def drop(self) -> None:
        self._leave(SILENT_S)

    async def close(self) -> None:
        self._leave(self._game.way_s())

    def end(self, result: dict[str, Any] | None, reason: str, *, after_s: float) -> None:
        """Said by the server, or by its silence."""

        def heard() -> None:
            if self._ending.done():
                return
            if result is not None:
                self._ending.set_result(result)
            else:
                self._ending.set_exception(LinkClosed(reason))

        asyncio.get_running_loop().call_later(after_s, heard, context=NEUTRAL)

    def _leave(self, after_s: float) -> None:
        if not self._left:
            self._left = True
            self._game.at_server(after_s, self._game.gone, self._match, self._player, self)


class _Play:
    def __init__(self) -> None:
        self.links: dict[PlayerId, MatchLink] = {}
        self.left_s: float | None = None
        """How much of it another server had left to play; None for a match that is new."""

        self.ends_s = math.inf


class VirtualGame:
    """What one game server runs."""

    tick_hz = 4.0

    def __init__(self, process: Process, dice: random.Random, play_s: tuple[float, float]) -> None:
        self._process = process
        self._dice = dice
        self._play_s = play_s
        self._host: Host | None = None
        self._plays: dict[MatchId, _Play] = {}
        process.at_death(self._silence)

    async def open(self, host: Host) -> None:
        self._host = host

    def start(self, match: Seats) -> None:
        play = self._plays[match.match] = _Play()
        if match.snapshot is not None:
            play.left_s = float(match.snapshot)

    def stop(self, match: MatchId, reason: str) -> None:
        for link in self._plays.pop(match).links.values():
            link.end(None, reason, after_s=self.way_s())

    def tick(self, n: int) -> None:
        now_s = asyncio.get_running_loop().time()
        assert self._host is not None
        for match, play in list(self._plays.items()):
            if now_s < play.ends_s < math.inf:
                self._host.snapshot(match, str(play.ends_s - now_s).encode())
            if play.ends_s <= now_s:
                del self._plays[match]
                result = {"winner": self._dice.choice(("red", "blue")), "tick": n}
                self._host.finished(match, result)
                for link in play.links.values():
                    link.end(result, "", after_s=self.way_s())

    def close(self) -> None:
        """Nothing is bound."""

    def way_s(self) -> float:
        return self._dice.uniform(*WAY_S)

    def at_server(self, after_s: float, act: Callable[[*Ts], None], *args: *Ts) -> None:
        """Have the server's process do something, unless it is dead by then."""
        loop = asyncio.get_running_loop()

        def arrive() -> None:
            if not self._process.dead:
                loop.call_soon(act, *args, context=self._process.context)

        loop.call_later(after_s, arrive, context=NEUTRAL)

    def knock(self, token: str, answer: "asyncio.Future[MatchLink | Why]") -> None:
        """A player is at the door."""
        if self._host is None or answer.done() or self._process.dead:
            return  # one who has gone meanwhile is not let in: the handshake is not finished
        verdict = self._host.admit(token)
        if isinstance(verdict, TurnedAway):
            answer.set_result(verdict.why)
            return
        seat = verdict.seat
        play = self._plays[seat.match]
        if math.isinf(play.ends_s):
            now_s = asyncio.get_running_loop().time()
            left_s = play.left_s
            if left_s is None:
                left_s = self._dice.uniform(*self._play_s)
            play.ends_s = now_s + left_s
        if (older := play.links.get(seat.player)) is not None:
            older.end(None, "replaced", after_s=self.way_s())
        link = play.links[seat.player] = MatchLink(self, seat.match, seat.player)
        answer.set_result(link)

    def gone(self, match: MatchId, player: PlayerId, link: MatchLink) -> None:
        """A player's link is no more; a newer one of the same player stays."""
        play = self._plays.get(match)
        if play is not None and play.links.get(player) is link and self._host is not None:
            del play.links[player]
            self._host.left(match, player)

    def _silence(self) -> None:
        for play in self._plays.values():
            for link in play.links.values():
                link.end(None, "lost", after_s=SILENT_S)


class Doors:
    """The bots' ``Game``: every door there is, by its port."""

    def __init__(self) -> None:
        self._games: dict[int, VirtualGame] = {}

    def open(self, port: int, game: VirtualGame) -> None:
        """Players who come to this port meet this game."""
        self._games[port] = game

    def shut(self, port: int, game: VirtualGame) -> None:
        """Nobody is there any more, unless somebody else came."""
        if self._games.get(port) is game:
            del self._games[port]

    async def join(self, assignment: Assignment) -> MatchLink:
        """Knock until the door opens, as the arena's client does."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + JOIN_S_MAX
        while loop.time() < give_up_s:
            answer: asyncio.Future[MatchLink | Why] = loop.create_future()
            if (game := self._games.get(assignment.port)) is not None:
                game.at_server(game.way_s(), game.knock, assignment.token, answer)
            try:
                async with asyncio.timeout_at(give_up_s):
                    said = await answer
            except TimeoutError:
                break
            finally:
                answer.cancel()
            if isinstance(said, MatchLink):
                return said
            if said is not Why.NOT_YET:
                raise LinkClosed(said.value)
            await asyncio.sleep(KNOCK_S)
        raise LinkClosed("timeout")
