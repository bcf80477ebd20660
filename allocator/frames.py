"""What a game server may say to us, and what we say to it (the sessions API's wire types)."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from allocator.beats import Tick
from allocator.sessions import ReleaseReason, Session
from core.errors import Unauthorized
from core.ids import FleetName, MatchId, PlayerId, RoomId, ServerUid

FRAME_MAX_BYTES = 64 * 1024

Epoch = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

Frame = dict[str, Any]
"""One message to a server, ready for JSON."""


class Holding(msgspec.Struct, frozen=True):
    """A room and the match in it, as its server sees it. No match: the room is empty."""

    room: RoomId
    match: MatchId | None = None
    epoch: Epoch = 0
    players: Count = 0


class Hello(msgspec.Struct, tag="hello"):
    """I am this server, and this is what I hold."""

    uid: ServerUid
    name: str
    fleet: FleetName
    sig: str
    version: str = ""
    rooms: Count = 1
    holding: tuple[Holding, ...] = ()


class Ack(msgspec.Struct, tag="ack"):
    """I take this match; nobody is admitted before you say ok."""

    match: MatchId
    room: RoomId
    epoch: Epoch


class Refused(msgspec.Struct, tag="refused"):
    """I will not have this match."""

    match: MatchId
    room: RoomId
    epoch: Epoch
    reason: str = ""


class Joined(msgspec.Struct, tag="joined"):
    """A player is in."""

    match: MatchId
    epoch: Epoch
    player: PlayerId
    rejoin: bool = False


class Left(msgspec.Struct, tag="left"):
    """A player is out."""

    match: MatchId
    epoch: Epoch
    player: PlayerId


class Heartbeat(msgspec.Struct, tag="heartbeat"):
    """I am here, and this is what I hold."""

    rooms: tuple[Holding, ...] = ()
    tick: Tick | None = None
    players: Count = 0


class Result(msgspec.Struct, tag="result"):
    """What came of the match."""

    match: MatchId
    epoch: Epoch
    result: msgspec.Raw


class Release(msgspec.Struct, tag="release"):
    """I am done with the match; the room is empty."""

    match: MatchId
    room: RoomId
    epoch: Epoch
    reason: ReleaseReason = "finished"


Said = Hello | Ack | Refused | Joined | Left | Heartbeat | Result | Release

_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


def decode(text: str) -> Said:
    """One frame of a server.

    Raises:
        msgspec.ValidationError: JSON, but not one of our messages.
        msgspec.DecodeError: not JSON.
    """
    return _decoder.decode(text)


def challenge(nonce: str) -> Frame:
    """Prove that you are who you say: sign this."""
    return {"type": "challenge", "nonce": nonce}


def welcome(join_keys: Sequence[str], heartbeat_s: float) -> Frame:
    """You are known; these keys sign the join tokens of players."""
    return {"type": "welcome", "join_keys": list(join_keys), "heartbeat_s": heartbeat_s}


def assign(session: Session, join_deadline_s: float) -> Frame:
    """Play this match in that room; acknowledge before you admit anybody."""
    return {
        "type": "assign",
        "match": session.match,
        "room": session.room,
        "epoch": session.epoch,
        "queue": session.queue,
        "players": session.players,
        "join_deadline_s": join_deadline_s,
    }


def acked(ack: Ack, *, ok: bool, reason: str) -> Frame:
    """Whether the match is the server's; only then may players come in."""
    return {
        "type": "acked",
        "match": ack.match,
        "epoch": ack.epoch,
        "ok": ok,
        "reason": reason,
    }


def withdrawn(match: MatchId, room: RoomId, epoch: int, reason: str) -> Frame:
    """The match is not yours, or no longer: forget it."""
    return {"type": "withdrawn", "match": match, "room": room, "epoch": epoch, "reason": reason}


def problem(detail: str, *, field: str = "$") -> Frame:
    """What was wrong with a frame of theirs."""
    said = {
        "type": "urn:readyup:problem:invalid",
        "title": "A value is wrong",
        "status": 400,
        "detail": detail,
        "field": field,
    }
    return {"type": "problem", "problem": said}


def verify_hello(hello: Hello, *, nonce: str, public_key: str) -> None:
    """Check that the sender holds the key published for its uid.

    Raises:
        Unauthorized: it does not, or no key is known.
    """
    if not public_key:
        raise Unauthorized(f"no public key is known for server {hello.name!r} yet; come back")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(hello.sig), f"readyup-hello|{hello.uid}|{nonce}".encode())
    except (InvalidSignature, ValueError) as wrong:
        raise Unauthorized(f"hello of server {hello.name!r} is not signed by its key") from wrong
