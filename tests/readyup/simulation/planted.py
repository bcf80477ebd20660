"""Bugs to plant: each takes a guard out of a script, and says how an evening must find it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from unittest import mock

import allocator.pool
import allocator.sessions
import matchmaker.store
from core.lua import LuaScript
from readyup.simulation.evening import Evening
from readyup.simulation.faults import Fault
from readyup.simulation.sweep import Brief, brief_of, seeds

PAUSES = tuple(
    Fault(kind="pause", at_s=at_s, who="director", for_s=4.5)
    for at_s in (4.0, 6.0, 11.0, 13.0, 18.0, 20.0, 25.0, 27.0)
)
"""Directors stopped for longer than their lease, now one, now the other."""

AS_DRAWN = Evening(seed=1, minutes=0.5, players=16, servers=2)


@dataclass(frozen=True, slots=True)
class Bug:
    """A script without one of its lines, or with another in its place."""

    name: str
    room: ModuleType
    script: str
    line: str
    seeds_max: int
    evening: Evening = AS_DRAWN
    instead: str = ""

    @contextmanager
    def planted(self) -> Iterator[None]:
        sound: LuaScript = getattr(self.room, self.script)
        assert self.line in sound.source
        source = sound.source.replace(self.line, self.instead)
        with mock.patch.object(self.room, self.script, replace(sound, source=source)):
            yield

    def found(self) -> tuple[int, Brief | None]:
        """How many seeds were played, and the first whose promises were broken."""
        with self.planted():
            for n, evening in enumerate(seeds(self.evening, self.seeds_max), start=1):
                if (brief := brief_of(evening)).breaches:
                    return n, brief
        return self.seeds_max, None


QUEUE, POOL, SESSIONS = matchmaker.store, allocator.pool, allocator.sessions
BUGS = (
    Bug(
        "a proposal without the epoch check",
        QUEUE, "PROPOSE",
        'if not is_current(ARGV[1]) then return { "stale" } end',
        5, Evening(seed=1, minutes=0.25, players=10, servers=3, faults=PAUSES),
    ),
    Bug(
        "a commit without the epoch check",
        QUEUE, "COMMIT",
        'if not is_current(ARGV[1]) then return "stale" end',
        5, Evening(seed=1, minutes=0.7, players=40, servers=2, faults=PAUSES),
    ),
    Bug(
        "a settlement that closes what is committed",
        QUEUE, "SETTLE",
        'if state == "committed" then return "committed" end',
        10,
    ),
    Bug(
        "a commit that does not look at its tickets",
        QUEUE, "COMMIT",
        'if held[1] ~= "PLACING" or held[2] ~= match then',
        10, instead="if false then",
    ),
    Bug(
        "an announcement that is made again",
        QUEUE, "ANNOUNCE",
        'if record[1] ~= "committed" or record[2] or record[7] then return 0 end',
        20, instead='if record[1] ~= "committed" then return 0 end',
    ),
    Bug(
        "a cancel that does not close the match",
        QUEUE, "CANCEL",
        'if status == "PLACING" then close_match(match, now_ms, "cancelled", id) end',
        20,
    ),
    Bug(
        "an expiry that does not look whether the ticket is placed",
        QUEUE, "EXPIRE",
        'if held[1] == "QUEUED" and (over or ARGV[3] == "1") then',
        40, instead='if over or ARGV[3] == "1" then',
    ),
    Bug(
        "a claim without the held check",
        POOL, "CLAIM",
        "if placed then return placed end",
        10,
    ),
    Bug(
        "a release by a server that holds the match no more",
        SESSIONS, "RELEASE",
        "if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] or held[4] ~= ARGV[4] then return 0 end",
        40,
    ),
    Bug(
        "a release that comes a second time",
        SESSIONS, "RELEASE",
        'if held[1] == "ended" then return 1 end',
        20,
    ),
    Bug(
        "an ack for a match that was moved away",
        SESSIONS, "ACK",
        'if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] or held[4] ~= ARGV[4] then'
        ' return { "moved", "0" } end',
        40,
    ),
)  # fmt: skip
