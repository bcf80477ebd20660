"""Datagrams of the arena as bytes, both ways.

docs/arena-protocol.md has the tables and worked examples; this file is the code of it.
All numbers are big-endian. Whoever reads gets ``None`` for anything malformed, never an
exception: what comes from the network is not our mistake.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

VERSION: Final = 1
DATAGRAM_MAX: Final = 1200
"""Bytes; what passes unfragmented on practically every path."""

JOIN_MIN: Final = 256
"""Bytes; a join is padded to this, so that no answer to one can be larger."""


class Kind(IntEnum):
    """First byte. Clients send those below 0x80, servers the others."""

    JOIN = 0x01
    INPUT = 0x02
    BYE = 0x03
    WELCOME = 0x81
    SNAPSHOT = 0x82
    RESULT = 0x83
    CLOSED = 0x84
    REFUSED = 0x85


class Reason(IntEnum):
    """Why a join was refused, or a link closed by the server."""

    NOT_YET = 1  # the server does not know this match yet: try again shortly
    BAD_TOKEN = 2  # not ours, for another server, expired, malformed
    TOKEN_USED = 3  # each token opens one link
    ENDED = 4  # the match is over
    MOVED = 5  # the match moved, and this token is for where it was
    NO_SEAT = 6  # the match keeps no such seat for this player
    STOPPING = 7  # the server is going away
    VERSION = 8  # another version of this protocol
    REPLACED = 9  # the player joined again, on a newer link
    WITHDRAWN = 10  # the match was closed
    SILENT = 11  # nothing was heard for too long

    @property
    def slug(self) -> str:
        """As events and logs write it, e.g. ``token-used``."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Join:
    """A player asks to be let in."""

    version: int
    public_key: bytes
    """X25519, 32 bytes, fresh for each link."""

    token: str

    @property
    def echo(self) -> bytes:
        """What the answer repeats, so that only who saw the join can answer it."""
        return self.public_key[:8]


class Welcome(NamedTuple):
    """A link is open. ``seat`` is the player's place in the snapshot's list."""

    echo: bytes
    link: int
    public_key: bytes
    seat: int
    seats: int
    tick_hz: int
    snapshot_hz: int


class Timing(NamedTuple):
    """Clock readings in µs modulo 2**32, by which both ends measure the path.

    ``echo_us`` is the newest ``sent_us`` heard from the other end, ``held_us`` how long ago
    that was; ``NEVER`` when nothing was heard yet.
    """

    sent_us: int
    echo_us: int
    held_us: int


NEVER: Final = 0xFFFFFFFF
"""The ``held_us`` of an end that has nothing to echo."""


class Input(NamedTuple):
    """What a player wants to do: a direction (each -127 to 127), and whether to tag."""

    dx: int
    dy: int
    tag: bool


class Body(NamedTuple):
    """One player in a snapshot; places are in 1/100 of a unit."""

    x: int
    y: int
    score: int
    present: bool


class Snapshot(NamedTuple):
    """The world at one tick. ``bodies`` are in the order of the seats."""

    tick: int
    left_ms: int
    bodies: tuple[Body, ...]


HEAD: Final = Struct("!BQI")
"""kind, link, sequence number: the head of every datagram of an open link."""

MAC_SIZE: Final = 8
TIMING: Final = Struct("!III")
INPUT: Final = Struct("!IIIbbB")
SNAPSHOT: Final = Struct("!IIIIIB")
SNAPSHOT_WORLD: Final = Struct("!IIB")
BODY: Final = Struct("!HHHB")

_JOIN: Final = Struct("!BB32sH")
_WELCOME: Final = Struct("!B8sQ32sBBBB")
_REFUSED: Final = Struct("!B8sB")
WELCOME_SIZE: Final = _WELCOME.size + MAC_SIZE


def encode_join(join: Join) -> bytes:
    """A join, padded with zeros to ``JOIN_MIN`` bytes."""
    token = join.token.encode()
    datagram = _JOIN.pack(Kind.JOIN, join.version, join.public_key, len(token)) + token
    assert len(datagram) <= DATAGRAM_MAX, len(datagram)
    return datagram.ljust(JOIN_MIN, b"\0")


def decode_join(datagram: bytes) -> Join | None:
    """A join of any version; one too short, too long or not padded with zeros is nothing."""
    if not JOIN_MIN <= len(datagram) <= DATAGRAM_MAX or datagram[0] != Kind.JOIN:
        return None
    _, version, public_key, length = _JOIN.unpack_from(datagram)
    end = _JOIN.size + length
    token = datagram[_JOIN.size : end]
    if len(token) != length or not token.isascii() or datagram[end:].strip(b"\0"):
        return None
    return Join(version, public_key, token.decode("ascii"))


def encode_welcome(welcome: Welcome) -> bytes:
    """A welcome without its MAC, which the link appends."""
    return _WELCOME.pack(Kind.WELCOME, *welcome)


def decode_welcome(datagram: bytes) -> Welcome | None:
    """A welcome whose MAC is still to be checked."""
    if len(datagram) != WELCOME_SIZE or datagram[0] != Kind.WELCOME:
        return None
    return Welcome(*_WELCOME.unpack_from(datagram)[1:])


def encode_refused(echo: bytes, reason: Reason) -> bytes:
    """The answer to a join that opens no link."""
    return _REFUSED.pack(Kind.REFUSED, echo, reason)


def decode_refused(datagram: bytes) -> tuple[bytes, Reason] | None:
    """The echo and the reason."""
    if len(datagram) != _REFUSED.size or datagram[0] != Kind.REFUSED:
        return None
    _, echo, code = _REFUSED.unpack(datagram)
    reason = decode_reason(bytes((code,)))
    return None if reason is None else (echo, reason)


def decode_reason(payload: bytes) -> Reason | None:
    """The payload of CLOSED, one byte."""
    if len(payload) != 1 or not Reason.NOT_YET <= payload[0] <= Reason.SILENT:
        return None
    return Reason(payload[0])


def encode_input(timing: Timing, wish: Input) -> bytes:
    """The payload of INPUT."""
    return INPUT.pack(*timing, wish.dx, wish.dy, wish.tag)


def decode_input(payload: bytes) -> tuple[Timing, Input] | None:
    """Timing and wish; a direction of -128 or a flag above 1 is malformed."""
    if len(payload) != INPUT.size:
        return None
    sent_us, echo_us, held_us, dx, dy, tag = INPUT.unpack(payload)
    if dx == -128 or dy == -128 or tag > 1:
        return None
    return Timing(sent_us, echo_us, held_us), Input(dx, dy, bool(tag))


def encode_world(snapshot: Snapshot) -> bytes:
    """What every player of a match gets alike; ``Timing`` goes before it."""
    parts = [SNAPSHOT_WORLD.pack(snapshot.tick, snapshot.left_ms, len(snapshot.bodies))]
    parts += [BODY.pack(*body) for body in snapshot.bodies]
    return b"".join(parts)


def decode_snapshot(payload: bytes) -> tuple[Timing, Snapshot] | None:
    """Timing and world."""
    if len(payload) < SNAPSHOT.size:
        return None
    sent_us, echo_us, held_us, tick, left_ms, count = SNAPSHOT.unpack_from(payload)
    if len(payload) != SNAPSHOT.size + count * BODY.size:
        return None
    bodies = tuple(
        Body(x, y, score, bool(present))
        for x, y, score, present in BODY.iter_unpack(payload[SNAPSHOT.size :])
    )
    return Timing(sent_us, echo_us, held_us), Snapshot(tick, left_ms, bodies)
