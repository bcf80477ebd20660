"""One look into Redis, as values: what the replies of a poll say, without what cannot be read."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.game_server import ServerView
from core.ids import RoomId, ServerUid, server_of
from core.pause import Pause
from matchmaker.shadow_figures import ShadowFigures
from matchmaker.waits import Estimate, remaining


class Tick(msgspec.Struct, frozen=True):
    """How late a server's ticks are, as its heartbeats say."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    instability: float = 0.0
    rate_hz: float = 0.0


class Beat(msgspec.Struct, frozen=True):
    """A server's latest heartbeat."""

    uid: str = ""
    beat_ms: int = 0
    players: int = 0
    tick: Tick | None = None


@dataclass(frozen=True, slots=True)
class QueueReading:
    """A queue's own figures."""

    stats: Mapping[str, str] = field(default_factory=dict)
    leader: Mapping[str, str] = field(default_factory=dict)
    paused: Pause | None = None
    shadow: ShadowFigures | None = None
    estimate: Estimate | None = None
    """For whoever comes now."""

    def number(self, name: str) -> float:
        """One figure; 0 while the queue has not written it."""
        try:
            return float(self.stats.get(name) or 0)
        except ValueError:
            return 0.0


@dataclass(frozen=True, slots=True)
class FleetReading:
    """A fleet's servers, rooms and plan."""

    servers: tuple[ServerView, ...] = ()
    beats: Mapping[str, Beat] = field(default_factory=dict)
    rooms: Mapping[ServerUid, Mapping[int, str]] = field(default_factory=dict)
    """Server to room number to letter: f free, h held, r retiring, s suspect."""

    in_line: int = 0
    line_since_ms: int = 0
    plan: Mapping[str, str] = field(default_factory=dict)
    paused: Pause | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything at one moment."""

    queues: Mapping[str, QueueReading] = field(default_factory=dict)
    fleets: Mapping[str, FleetReading] = field(default_factory=dict)


def pairs(reply: Any) -> dict[str, str]:  # noqa: ANN401 - HGETALL: a dict, or a flat list
    """A hash's reply as a mapping, however the client handed it over."""
    if isinstance(reply, dict):
        return reply
    flat = list(reply or ())
    return dict(zip(flat[::2], flat[1::2], strict=True))


def estimate_of(curve: str | None) -> Estimate | None:
    """How long newcomers will wait, by the curve that the director published."""
    try:
        return remaining(msgspec.json.decode(curve or "[]", type=list[float]), 0.0)
    except msgspec.DecodeError:
        return None


def servers_of(mirror: Mapping[str, str]) -> tuple[ServerView, ...]:
    """The mirror's servers by name, 2 before 10; unreadable ones are left out."""
    found = []
    for raw in mirror.values():
        with contextlib.suppress(msgspec.DecodeError):
            found.append(msgspec.json.decode(raw, type=ServerView))
    return tuple(sorted(found, key=lambda server: _natural(server.name)))


def beats_of(replies: Mapping[str, str]) -> dict[str, Beat]:
    """The latest heartbeat of each server by uid; unreadable ones are left out."""
    found = {}
    for uid, raw in replies.items():
        with contextlib.suppress(msgspec.DecodeError):
            found[uid] = msgspec.json.decode(raw, type=Beat)
    return found


def rooms_of(states: Mapping[str, str | None]) -> dict[ServerUid, dict[int, str]]:
    """Room id to state, as a letter by server and number; a room without a state is left out."""
    letters: dict[ServerUid, dict[int, str]] = {}
    for room, state in states.items():
        number = room.rpartition("/")[2]
        if state and number.isdigit():
            letters.setdefault(server_of(RoomId(room)), {})[int(number)] = state[0]
    return letters


def _natural(name: str) -> tuple[str, int, str]:
    stem = name.rstrip("0123456789")
    tail = name[len(stem) :]
    return (stem, int(tail) if tail else -1, name)
