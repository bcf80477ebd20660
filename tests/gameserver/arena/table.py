"""An arena with one match, and players as bytes: no socket, no clock."""

import random

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from core.ids import MatchId, PlayerId, RoomId, ServerUid
from core.join_token import Seat
from gameserver.admission import Admitted, TurnedAway, Why
from gameserver.arena.arena import Arena
from gameserver.arena.link import Link, agree
from gameserver.arena.wire import (
    VERSION,
    Input,
    Join,
    Kind,
    Timing,
    decode_welcome,
    encode_input,
    encode_join,
)
from gameserver.rooms import Assignment
from tests.gameserver.fakes import MATCH, PLAYERS, UID

ROOM = RoomId(f"{UID}/0")
HOME, AWAY = ("127.0.0.1", 1), ("127.0.0.1", 2)
RUN = Input(127, 0, tag=True)
NEVER = Timing(0, 0, 0xFFFFFFFF)


class TrustingHost:
    """Takes a player's name for a token, once."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.said: list[tuple[str, ...]] = []

    def admit(self, token: str) -> Admitted | TurnedAway:
        player, _, nonce = token.partition(" ")
        mine = token in {"ann", "bob", "ann 1", "ann 2"}
        kept = next((p for p in PLAYERS if mine and p.player == player), None)
        if kept is None or token in self.used:
            return TurnedAway(Why.TOKEN_USED if kept else Why.NO_SEAT, "no")
        self.used.add(token)
        seat = Seat(ServerUid(UID), MATCH, 1, kept.player, kept.ticket, kept.team, kept.seat)
        return Admitted(seat, ROOM, jti=nonce, rejoin=False)

    def left(self, match: MatchId, player: PlayerId) -> None:
        self.said.append(("left", player))

    def snapshot(self, match: MatchId, state: bytes) -> None:
        self.kept = state

    def finished(self, match: MatchId, result: dict) -> None:
        self.said.append(("finished", result["winner"]))
        self.result = result


class Table:
    """An arena with one match, and players as bytes."""

    def __init__(self, seconds: float = 10.0, *, snapshot: bytes | None = None) -> None:
        self.host = TrustingHost()
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.arena = Arena(
            self.host,
            lambda datagram, address: self.sent.append((datagram, address)),
            seconds={},
            seconds_default=seconds,
            chance=random.Random(1),
        )
        self.arena.start(Assignment(MATCH, ROOM, 1, "duel", PLAYERS, 20.0, snapshot))
        self.match = self.arena._matches[MATCH]

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.arena.tick(0)

    def hear(self, datagram: bytes, address: tuple[str, int] = HOME) -> list[bytes]:
        """What is answered, at once or in the next tick."""
        self.sent.clear()
        self.arena.hear(datagram, address, 0)
        self.tick()
        return [answer for answer, to in self.sent if to == address]

    def join(self, token: str, address: tuple[str, int] = HOME) -> "Client":
        client = Client(token)
        answers = self.hear(client.join, address)
        client.welcomed(next(a for a in answers if a[0] == Kind.WELCOME))
        return client


class Client:
    def __init__(self, token: str) -> None:
        self.key = X25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.token = token
        self.join = encode_join(Join(VERSION, self.public, token))

    def welcomed(self, datagram: bytes) -> None:
        welcome = decode_welcome(datagram)
        assert welcome is not None
        theirs = welcome.public_key
        key = agree(
            self.key, theirs, client=self.public, server=theirs, link=welcome.link, token=self.token
        )
        assert key is not None
        self.link = Link(welcome.link, key)
        self.seat = welcome.seat
        assert self.link.mac(datagram[:-8]) == datagram[-8:]

    def input(self, wish: Input = RUN) -> bytes:
        return self.link.seal(Kind.INPUT, encode_input(NEVER, wish))


def kinds(answers: list[bytes]) -> list[int]:
    return [answer[0] for answer in answers]
