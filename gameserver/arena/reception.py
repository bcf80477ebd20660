"""Joins as they come: each checked once, few at a time, and answered alike when repeated.

Checking a token is the dearest thing a stranger can make the server do, so joins wait in a
short line and a few are taken per tick. No answer is larger than the join.
"""

import random
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from core.ids import MatchId
from gameserver.admission import Admitted, TurnedAway
from gameserver.arena.link import Link, agree
from gameserver.arena.match import TICK_HZ, ArenaMatch, PlayerLink
from gameserver.arena.path import PathMeter
from gameserver.arena.wire import (
    JOIN_MIN,
    VERSION,
    WELCOME_SIZE,
    Join,
    Reason,
    Welcome,
    decode_join,
    encode_refused,
    encode_welcome,
)

SNAPSHOT_HZ: Final = 20

JOINS_PER_TICK: Final = 4
"""Checking one costs about a third of a millisecond."""

WAITING_MAX: Final = 256
"""More joins are dropped unread; clients send theirs again."""

Address = tuple[str, int]

_REASONS: Final = {reason.slug: reason for reason in Reason}

assert WELCOME_SIZE <= JOIN_MIN, "an answer must not be larger than the question"


class Reception:
    """Turns joins into links."""

    def __init__(
        self,
        admit: Callable[[str], Admitted | TurnedAway],
        matches: Mapping[MatchId, ArenaMatch],
        chance: random.Random,
    ) -> None:
        self._admit = admit
        self._matches = matches
        self._chance = chance
        self._key = X25519PrivateKey.generate()
        self._public = self._key.public_key().public_bytes_raw()
        self._waiting: dict[tuple[bytes, Address], None] = {}
        self._opened: dict[bytes, PlayerLink] = {}

    def take(self, datagram: bytes, address: Address) -> bytes | None:
        """A join came: its answer if it had one before, else it waits for its turn."""
        known = self._opened.get(datagram)
        if known is not None:
            return known.welcome if known.address == address else None
        if len(self._waiting) < WAITING_MAX:
            self._waiting[datagram, address] = None
        return None

    def next(self, tick: int) -> list[tuple[Address, bytes, PlayerLink | None]]:
        """This tick's answers, each with the link it opened, if it did."""
        answers: list[tuple[Address, bytes, PlayerLink | None]] = []
        for datagram, address in list(self._waiting)[:JOINS_PER_TICK]:
            del self._waiting[datagram, address]
            join = decode_join(datagram)
            if join is None or datagram in self._opened:
                continue
            outcome = self._judge(join, datagram, address, tick)
            if isinstance(outcome, PlayerLink):
                self._opened[datagram] = outcome
                answers.append((address, outcome.welcome, outcome))
            elif outcome is not None:
                answers.append((address, encode_refused(join.echo, outcome), None))
        return answers

    def forget(self, player: PlayerLink) -> None:
        """The link has ended; its join opens nothing any more."""
        self._opened.pop(player.join, None)

    def _judge(
        self, join: Join, datagram: bytes, address: Address, tick: int
    ) -> PlayerLink | Reason | None:
        """A new link, or why not; None for a key that no client would have."""
        if join.version != VERSION:
            return Reason.VERSION
        link = self._agree(join)
        if link is None:
            return None
        verdict = self._admit(join.token)
        if isinstance(verdict, TurnedAway):
            return _REASONS[verdict.why]
        match = self._matches[verdict.seat.match]
        seat = match.seat_for(verdict.seat.player, verdict.seat.team, verdict.seat.seat)
        if seat is None:  # the arena keeps its size: newcomers come for those who left
            return Reason.NO_SEAT
        welcome = encode_welcome(
            Welcome(
                echo=join.echo,
                link=link.id,
                public_key=self._public,
                seat=seat,
                seats=len(match.seats),
                tick_hz=TICK_HZ,
                snapshot_hz=SNAPSHOT_HZ,
            )
        )
        return PlayerLink(
            link=link,
            address=address,
            path=PathMeter(),
            join=datagram,
            welcome=welcome + link.mac(welcome),
            match=match,
            seat=seat,
            heard_tick=tick,
        )

    def _agree(self, join: Join) -> Link | None:
        link = self._chance.getrandbits(64)
        key = agree(
            self._key,
            join.public_key,
            client=join.public_key,
            server=self._public,
            link=link,
            token=join.token,
        )
        return None if key is None else Link(link, key)
