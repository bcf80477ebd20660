"""Bugs to plant: guards taken out of scripts, and within how many seeds that must be found."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from types import ModuleType
from unittest import mock

import allocator.pool
import allocator.sessions
import matchmaker.acceptance
import matchmaker.store
from core.lua import LuaScript
from readyup.bots.habits import Habits
from readyup.simulation.evening import Evening
from readyup.simulation.faults import Fault
from readyup.simulation.sweep import Brief, brief_of, seeds

PAUSES = tuple(
    Fault(kind="pause", at_s=at_s, who="director", for_s=4.5)
    for at_s in (4.0, 6.0, 11.0, 13.0, 18.0, 20.0, 25.0, 27.0)
)
"""Directors stopped for longer than their lease, now one, now the other."""

LOST = tuple(Fault(kind="reply-lost", at_s=n / 2, who="api") for n in range(8, 120))
"""The store does what an API asks, and the API does not hear of it, twice a second."""

AS_DRAWN = Evening(seed=1, minutes=0.5, players=16, servers=2)


@dataclass(frozen=True, slots=True)
class Cut:
    """A script with something else in the place of one of its lines."""

    room: ModuleType
    script: str
    line: str
    instead: str = ""

    def planted(self) -> AbstractContextManager[object]:
        sound: LuaScript = getattr(self.room, self.script)
        assert self.line in sound.source
        source = sound.source.replace(self.line, self.instead)
        return mock.patch.object(self.room, self.script, replace(sound, source=source))


@dataclass(frozen=True, slots=True)
class Bug:
    """What is cut out, and within how many seeds it must be found."""

    name: str
    seeds_max: int
    cuts: tuple[Cut, ...]
    evening: Evening = AS_DRAWN

    def found(self) -> tuple[int, Brief | None]:
        """How many seeds were played, and the first that went wrong."""
        with ExitStack() as stack:
            for cut in self.cuts:
                stack.enter_context(cut.planted())
            for n, evening in enumerate(seeds(self.evening, self.seeds_max), start=1):
                if not (brief := brief_of(evening)).is_good:
                    return n, brief
        return self.seeds_max, None


ASKED = replace(
    AS_DRAWN,
    acceptance_s=4.0,
    habits=Habits(think_s_mean=3.0, decline_share=0.1, sleep_share=0.1),
)
"""Every match asks its players, of whom one in five does not come."""

READY = matchmaker.acceptance
QUEUE, POOL, SESSIONS = matchmaker.store, allocator.pool, allocator.sessions
NOT_CLOSED = Cut(
    QUEUE, "CANCEL", 'if is_taken(status) then close_match(match, now_ms, "cancelled", id) end'
)
NOT_LOOKED_AT = Cut(
    QUEUE, "COMMIT", 'if held[1] ~= "PLACING" or held[2] ~= match then', "if false then"
)
BUGS = (
    Bug(
        "a proposal without the epoch check",
        5,
        (Cut(QUEUE, "PROPOSE", 'if not is_current(ARGV[1]) then return { "stale" } end'),),
        Evening(seed=1, minutes=0.25, players=10, servers=3, faults=PAUSES),
    ),
    Bug(
        "a commit without the epoch check",
        5,
        (Cut(QUEUE, "COMMIT", 'if not is_current(ARGV[1]) then return "stale" end'),),
        Evening(seed=1, minutes=0.7, players=40, servers=2, faults=PAUSES),
    ),
    Bug(
        "a ready check that is content with the first to accept",
        2,
        (Cut(READY, "ANSWER", "if awaited > 0 then", "if false then"),),
        ASKED,
    ),
    Bug(
        "a settlement that closes what is committed",
        10,
        (Cut(QUEUE, "SETTLE", 'if state == "committed" then return "committed" end'),),
    ),
    Bug(
        "a cancel that leaves its match and a commit that does not look",
        12,
        (NOT_CLOSED, NOT_LOOKED_AT),
        replace(AS_DRAWN, habits=Habits(think_s_mean=2.0, cancel_share=0.6)),
    ),
    Bug(
        "a repeated enqueue that is not known again",
        5,
        (Cut(QUEUE, "ENQUEUE", 'return { "same", before.ticket }'),),
        replace(AS_DRAWN, minutes=1.0, players=24, faults=LOST),
    ),
    Bug(
        "a claim without the held check",
        10,
        (Cut(POOL, "CLAIM", "if placed then return placed end"),),
    ),
    Bug(
        "a release that counts a second time",
        12,
        (Cut(SESSIONS, "RELEASE", "if over(held[1]) then return 1 end"),),
    ),
)
