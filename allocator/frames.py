"""What a game server may say to us, and what we say to it (the sessions API's wire types)."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from allocator.beats import Tick
from allocator.sessions import ReleaseReason, Session
from allocator.settings import AllocatorSettings
from core.errors import Unauthorized
from core.game_server import SNAPSHOT_MAX_BYTES
from core.ids import FleetName, MatchId, PlayerId, RoomId, ServerUid

FRAME_MAX_BYTES = 64 * 1024

Epoch = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
State = Annotated[bytes, msgspec.Meta(max_length=SNAPSHOT_MAX_BYTES)]

Frame = dict[str, Any]
"""One message to a server, ready for JSON."""


class Holding(msgspec.Struct, frozen=True):
    """A room and the match in it, as its server sees it. No match: the room is empty."""

    room: RoomId
    match: MatchId | None = None
    epoch: Epoch = 0
    players: Count = 0
    roster: Count = 0
    """How often the match's players had changed, as far as it knows."""


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


class Snapshot(msgspec.Struct, tag="snapshot"):
    """What another server would need to go on with the match."""

    match: MatchId
    epoch: Epoch
    n: Count
    """Rises with each snapshot of this match at this epoch."""

    state: State


class Draining(msgspec.Struct, tag="draining"):
    """I am told to go: no more matches for me."""


class HandOver(msgspec.Struct, tag="handover"):
    """Give this match to another server; I play it until it is withdrawn."""

    match: MatchId
    room: RoomId
    epoch: Epoch
    n: Count = 0
    state: State | None = None
    """The last snapshot, if the game keeps any."""


class Release(msgspec.Struct, tag="release"):
    """I am done with the match; the room is empty."""

    match: MatchId
    room: RoomId
    epoch: Epoch
    reason: ReleaseReason = "finished"
    left: tuple[PlayerId, ...] = ()
    """Players who had left and not come back when it ended."""


class Backfill(msgspec.Struct, tag="backfill"):
    """Players, please, for seats that are open; without seats: none any more."""

    match: MatchId
    epoch: Epoch
    n: Count
    """Rises with each request of this match at this epoch."""

    open: dict[str, Annotated[int, msgspec.Meta(ge=0, le=1_000)]]
    """Team to seats."""

    gone: tuple[PlayerId, ...] = ()
    """Whose seats may be given away."""

    automatic: bool = False
    """No game asks: these have left, and did not come back."""


Said = (
    Hello | Ack | Refused | Joined | Left | Heartbeat | Result | Release | Snapshot | Draining
    | HandOver | Backfill
)  # fmt: skip

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


def welcome(join_keys: Sequence[str], settings: AllocatorSettings) -> Frame:
    """You are known; these keys sign the join tokens of players.

    ``snapshot_s`` is how often a snapshot is wanted; 0 where matches are not handed over.
    """
    hands_over = settings.on_lost == "handover"
    return {
        "type": "welcome",
        "join_keys": list(join_keys),
        "heartbeat_s": settings.heartbeat_s,
        "snapshot_s": settings.snapshot_s if hands_over else 0.0,
        "finish_s": settings.finish_s,
        "rejoin_s": settings.rejoin_s,
    }


def assign(session: Session, join_deadline_s: float, *, snapshot: bytes | None) -> Frame:
    """Play this match in that room; acknowledge before you admit anybody.

    A match that was handed over comes with its last ``snapshot``, where there is one.
    """
    kept: Frame = {} if snapshot is None else {"snapshot": snapshot}
    if session.roster:
        kept["roster"] = session.roster
    return {
        "type": "assign",
        "match": session.match,
        "room": session.room,
        "epoch": session.epoch,
        "queue": session.queue,
        "players": session.players,
        "join_deadline_s": join_deadline_s,
        **kept,
    }


def leave(match: MatchId, epoch: int) -> Frame:
    """The match is to go on at another server: ask for one, with your last word about it."""
    return {"type": "leave", "match": match, "epoch": epoch}


def roster(session: Session) -> Frame:
    """These are the match's players from now on."""
    return {
        "type": "roster",
        "match": session.match,
        "epoch": session.epoch,
        "n": session.roster,
        "players": session.players,
    }


def backfill(asked: Backfill, *, state: str, detail: str = "") -> Frame:
    """What became of a request for players; ``filling`` is to be asked again."""
    said = {"detail": detail} if detail else {}
    return {
        "type": "backfill",
        "match": asked.match,
        "epoch": asked.epoch,
        "n": asked.n,
        "state": state,
        **said,
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
