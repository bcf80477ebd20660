"""The arena without its socket: links, matches, and what each datagram does to them.

What the datagrams mean is in docs/arena-protocol.md. Only an authentic, fresh datagram of a
link, or a join with a token that opens, changes anything.
"""

import json
import random
from collections.abc import Callable, Mapping
from typing import Final

from core.errors import Invalid
from core.ids import MatchId, QueueName
from gameserver.arena.farewell import Farewells
from gameserver.arena.link import Opened
from gameserver.arena.match import TICK_HZ, ArenaMatch, PlayerLink
from gameserver.arena.reception import SNAPSHOT_HZ, Address, Reception
from gameserver.arena.wire import HEAD, TIMING, Kind, Reason, decode_input
from gameserver.ports import Host
from gameserver.rooms import Assignment

SNAPSHOT_TICKS: Final = TICK_HZ // SNAPSHOT_HZ

KEEP_TICKS: Final = TICK_HZ // 4
"""Between two words on where a match would go on; the last one before a death counts."""

PLAYERS_MAX: Final = 100
"""Per match: their snapshot fits one datagram."""

SILENT_TICKS: Final = 5 * TICK_HZ
"""A link that says nothing for so long is closed; the player may rejoin."""

SWEEP_TICKS: Final = 12
"""Between looks for silent links, and between repetitions of a last word."""

# Why a match ends without a result, in the words of rooms.py.
_LAST_WORDS: Final = {"withdrawn": Reason.WITHDRAWN, "moved": Reason.MOVED}

Send = Callable[[bytes, Address], None]


class Arena:
    """All matches of a process. ``send`` may lose what it is given, as networks do."""

    def __init__(
        self,
        host: Host,
        send: Send,
        *,
        seconds: Mapping[QueueName, float],
        seconds_default: float,
        chance: random.Random,
    ) -> None:
        self._host = host
        self._send = send
        self._seconds = seconds
        self._seconds_default = seconds_default
        self._matches: dict[MatchId, ArenaMatch] = {}
        self._links: dict[int, PlayerLink] = {}
        self._reception = Reception(host.admit, self._matches, chance)
        self._farewells = Farewells()
        self._ran = 0
        self._started = 0

    def start(self, match: Assignment) -> None:
        """Players of the match may come; it begins when they are there."""
        if not 1 <= len(match.players) <= PLAYERS_MAX:
            raise Invalid(f"{len(match.players)} players; an arena takes 1 to {PLAYERS_MAX}")
        seconds = self._seconds.get(match.queue, self._seconds_default)
        self._started += 1
        phase = self._started % SNAPSHOT_TICKS
        self._matches[match.match] = ArenaMatch(match, seconds=seconds, phase=phase)

    def stop(self, match: MatchId, reason: str) -> None:
        """Tell the players why it ends here."""
        word = bytes((_LAST_WORDS.get(reason, Reason.STOPPING),))
        for seat in self._matches.pop(match).seats:
            if seat.link is not None:
                self._take_leave(seat.link, Kind.CLOSED, word)

    def close(self) -> None:
        """Tell who is still here, once."""
        for player in self._links.values():
            if player.link.id not in self._farewells:
                self._close(player, Reason.STOPPING)
        self._links.clear()

    def hear(self, datagram: bytes, address: Address, now_us: int) -> None:
        """Take one datagram, whatever it may be."""
        if len(datagram) < HEAD.size:
            return
        kind, link, _ = HEAD.unpack_from(datagram)
        if kind == Kind.JOIN:
            answer = self._reception.take(datagram, address)
            if answer is not None:
                self._send(answer, address)
            return
        player = self._links.get(link)
        if player is not None and player.address == address:
            opened = player.link.open(datagram)
            if opened is not None:
                self._obey(player, opened, now_us)

    def tick(self, now_us: int) -> None:
        """Joins, worlds, snapshots, results, and who fell silent."""
        self._ran += 1
        for address, answer, player in self._reception.next(self._ran):
            if player is not None:
                self._seat(player)
            self._send(answer, address)
        for match in list(self._matches.values()):
            if match.advance():
                self._finish(match)
                continue
            if (self._ran + match.phase) % SNAPSHOT_TICKS == 0:
                self._show(match, now_us)
            if match.begun and match.ticks % KEEP_TICKS == 1:
                self._host.snapshot(match.id, match.keep())
        if self._ran % SWEEP_TICKS == 0:
            self._sweep()

    def _seat(self, player: PlayerLink) -> None:
        self._links[player.link.id] = player
        before = player.match.sit(player.seat, player)
        if before is not None:
            self._close(before, Reason.REPLACED)
            self._forget(before)

    def _show(self, match: ArenaMatch, now_us: int) -> None:
        world = match.snapshot()
        for seat in match.seats:
            player = seat.link
            if player is not None and player.proven:
                payload = TIMING.pack(*player.path.timing(now_us)) + world
                self._send(player.link.seal(Kind.SNAPSHOT, payload), player.address)

    def _finish(self, match: ArenaMatch) -> None:
        del self._matches[match.id]
        result = match.result()
        self._host.finished(match.id, result)
        shared = {"winner": result["winner"], "teams": result["teams"]}
        for seat, player in zip(match.seats, match.world.players, strict=True):
            if seat.link is not None:
                told = {**shared, "team": seat.team, "score": player.score}
                self._take_leave(seat.link, Kind.RESULT, json.dumps(told).encode())

    def _take_leave(self, player: PlayerLink, kind: Kind, payload: bytes) -> None:
        word = self._farewells.say(player, kind, payload, tick=self._ran)
        self._send(word, player.address)

    def _close(self, player: PlayerLink, reason: Reason) -> None:
        self._send(player.link.seal(Kind.CLOSED, bytes((reason,))), player.address)

    def _sweep(self) -> None:
        for player, word in self._farewells.again(self._ran):
            if word:
                self._send(word, player.address)
            else:
                self._forget(player)
        for player in list(self._links.values()):
            silent = self._ran - player.heard_tick > SILENT_TICKS
            if silent and player.link.id not in self._farewells:
                self._close(player, Reason.SILENT)
                self._leave(player)

    def _leave(self, player: PlayerLink) -> None:
        """The player said goodbye, or nothing for too long, in the middle of the match."""
        self._forget(player)
        player.match.leave(player.seat)
        self._host.left(player.match.id, player.match.seats[player.seat].player)

    def _forget(self, player: PlayerLink) -> None:
        self._links.pop(player.link.id, None)
        self._reception.forget(player)
        self._farewells.answered(player.link.id)

    def _obey(self, player: PlayerLink, opened: Opened, now_us: int) -> None:
        """Do what an authentic datagram says."""
        if opened.kind == Kind.INPUT:
            decoded = decode_input(opened.payload)
            if decoded is not None:
                timing, wish = decoded
                player.path.heard(opened.sequence, timing, now_us)
                player.heard_tick, player.proven = self._ran, True
                if opened.newest:
                    player.match.inputs[player.seat] = wish
        elif opened.kind == Kind.BYE:
            if player.link.id in self._farewells:
                self._forget(player)
            else:
                self._leave(player)
