"""Who is let in: join tokens against the matches this server holds.

The server decides alone: tokens are verified offline, so players join while the rest of
the service is away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import Unauthorized
from core.ids import MatchId, RoomId, ServerUid
from core.join_token import LEEWAY_S, LIFETIME_S, JoinToken, Seat, Verifier
from gameserver.rooms import Room, State

_REMEMBER_MS: Final = (LIFETIME_S + 2 * LEEWAY_S) * 1000  # no token outlives this


class Why(StrEnum):
    """Why somebody was turned away."""

    NOT_YET = "not-yet"  # may be right in a moment: try again
    BAD_TOKEN = "bad-token"  # noqa: S105 - a reason
    TOKEN_USED = "token-used"  # noqa: S105 - a reason
    ENDED = "ended"
    MOVED = "moved"
    NO_SEAT = "no-seat"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Welcome. ``rejoin``: the player was here before, and the new link replaces the old."""

    seat: Seat
    room: RoomId
    jti: str
    rejoin: bool


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Not let in. ``detail`` is for our own log; ``seat`` what the token said, if it was ours."""

    why: Why
    detail: str
    seat: Seat | None = None


class Door:
    """Checks tokens, and remembers those that opened it until they expire."""

    def __init__(self, server: ServerUid, rooms: Mapping[RoomId, Room]) -> None:
        self._server = server
        self._rooms = rooms
        self._verifier: Verifier | None = None
        self._used: dict[str, int] = {}
        self._over: dict[MatchId, tuple[int, int]] = {}

    def learn(self, public_keys_hex: list[str]) -> None:
        """The keys that sign tokens from now on."""
        self._verifier = Verifier(public_keys_hex)

    def forget(self, match: MatchId, epoch: int, *, now_ms: int) -> None:
        """The match left this server; who still comes for it is told so."""
        self._over[match] = (epoch, now_ms + _REMEMBER_MS)

    def sweep(self, *, now_ms: int) -> None:
        """Drop what cannot matter any more."""
        self._used = {jti: end for jti, end in self._used.items() if end > now_ms}
        self._over = {match: over for match, over in self._over.items() if over[1] > now_ms}

    def check(self, token: str, *, now_ms: int) -> Admitted | TurnedAway:
        """Let in or turn away. A token that opened the door opens it no second time."""
        if self._verifier is None:
            return TurnedAway(Why.NOT_YET, "the keys are not known yet")
        try:
            known = self._verifier.verify(token, server=self._server, now_ms=now_ms)
        except Unauthorized as wrong:
            return TurnedAway(Why.BAD_TOKEN, str(wrong))
        room = self._room_of(known.seat.match)
        if room is None:
            return self._unknown(known.seat)
        answer = _judge(known, room)
        if isinstance(answer, Admitted):
            if known.jti in self._used:
                return TurnedAway(Why.TOKEN_USED, f"token {known.jti} was used", known.seat)
            self._used[known.jti] = (known.expires_s + LEEWAY_S) * 1000
        return answer

    def _room_of(self, match: MatchId) -> Room | None:
        """Where the match is; at its highest epoch, should it have moved between our rooms."""
        found: Room | None = None
        epoch = -1
        for room in self._rooms.values():
            held = room.match
            if held is not None and held.match == match and held.epoch > epoch:
                found, epoch = room, held.epoch
        return found

    def _unknown(self, seat: Seat) -> TurnedAway:
        epoch, _ = self._over.get(seat.match, (-1, 0))
        if seat.epoch <= epoch:
            return TurnedAway(Why.ENDED, f"{seat.match} left this server", seat)
        return TurnedAway(Why.NOT_YET, f"{seat.match} was not assigned yet", seat)


def _judge(token: JoinToken, room: Room) -> Admitted | TurnedAway:
    seat, held = token.seat, room.match
    assert held is not None
    if seat.epoch < held.epoch:
        return TurnedAway(Why.MOVED, f"token of epoch {seat.epoch}, now {held.epoch}", seat)
    if room.state is State.ENDED:
        return TurnedAway(Why.ENDED, f"{seat.match} has ended", seat)
    if seat.epoch > held.epoch or room.state is State.ASSIGNED:
        return TurnedAway(Why.NOT_YET, f"{seat.match} is not ours yet at {seat.epoch}", seat)
    kept = held.seat_of(seat.player)
    if kept is None and not room.vacancies.was_replaced(seat.player):
        # A token says that there is a seat: a newcomer's, of whom we are told in a moment.
        return TurnedAway(Why.NOT_YET, f"no seat is known yet for {seat.player}", seat)
    if kept is None or (kept.team, kept.seat) != (seat.team, seat.seat):
        return TurnedAway(Why.NO_SEAT, f"no such seat for {seat.player}", seat)
    return Admitted(seat, room.id, token.jti, rejoin=seat.player in room.here)
