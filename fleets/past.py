"""What a fleet's planner remembers: how its starts went, and the demand of the last moments.

A crash loop must not burn the machine: when more than a third of the starts of five
minutes died before they were Ready, servers are started one at a time, further apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.game_server import ServerView, State
from core.ids import ServerUid

WINDOW_MS = 300_000
DIED_SHARE_MAX = 0.3
DIED_MIN = 3
"""Fewer deaths than this are bad luck, not a loop."""

BACK_OFF_S_MAX = 60.0

BEFORE_READY = frozenset(
    {
        State.PORT_ALLOCATION,
        State.CREATING,
        State.STARTING,
        State.SCHEDULED,
        State.REQUEST_READY,
    }
)
GONE = frozenset({State.SHUTDOWN, State.UNHEALTHY, State.ERROR})
"""States out of which no server comes back: it is ended and, where wanted, replaced."""

_READY = frozenset({State.READY, State.ALLOCATED, State.RESERVED})


class Outcome(StrEnum):
    """How a start went."""

    PENDING = "pending"
    READY = "ready"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Start:
    """One server that was started."""

    uid: ServerUid
    at_ms: int
    """When it was first seen, and once decided, when that was."""

    outcome: Outcome = Outcome.PENDING


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Starts are slowed down."""

    may_start: bool
    why: str


@dataclass(frozen=True, slots=True)
class Past:
    """A value: each step returns the next one. Empty at the start of the role."""

    starts: tuple[Start, ...] = ()
    demand: tuple[tuple[int, int], ...] = ()
    """(ms, servers wanted), falling: an older entry stays only while it is the higher one."""

    def seen(self, observed: Sequence[ServerView], *, now_ms: int) -> "Past":
        """After an observation: new servers are pending, pending ones become Ready or died."""
        now = {server.uid: server.state for server in observed}
        starts = [
            replace(start, at_ms=now_ms, outcome=outcome)
            if (outcome := _outcome(start, now)) is not start.outcome
            else start
            for start in self.starts
            if start.outcome is Outcome.PENDING or start.at_ms > now_ms - WINDOW_MS
        ]
        known = {start.uid for start in self.starts}
        starts += [
            Start(uid, now_ms)
            for uid, state in now.items()
            if uid not in known and state in BEFORE_READY
        ]
        return replace(self, starts=tuple(starts))

    def began(self, uid: ServerUid, *, now_ms: int) -> "Past":
        """We started a server; it counts even if nobody ever sees it alive."""
        return replace(self, starts=(*self.starts, Start(uid, now_ms)))

    def forget(self, uids: Sequence[ServerUid]) -> "Past":
        """Servers we end ourselves say nothing about their health."""
        return replace(self, starts=tuple(one for one in self.starts if one.uid not in uids))

    def failed(self, *, now_ms: int) -> "Past":
        """A start that came to nothing: no such program, no free port."""
        nobody = Start(ServerUid(""), now_ms, Outcome.DIED)
        return replace(self, starts=(*self.starts, nobody))

    def asked(self, wanted: int, *, keep_ms: int, now_ms: int) -> "Past":
        """Note the demand; entries older than ``keep_ms`` are dropped."""
        kept = [(ms, n) for ms, n in self.demand if ms > now_ms - keep_ms and n > wanted]
        return replace(self, demand=(*kept, (now_ms, wanted)))

    def latest(self) -> int:
        """The demand noted last; 0 before the first."""
        return self.demand[-1][1] if self.demand else 0

    def peak(self) -> int:
        """The highest demand remembered."""
        return self.demand[0][1] if self.demand else 0

    def held_back(self, *, now_ms: int) -> HeldBack | None:
        """Whether starts are slowed down; None while they go well."""
        decided = [start for start in self.starts if start.outcome is not Outcome.PENDING]
        died = [start for start in decided if start.outcome is Outcome.DIED]
        if len(died) < DIED_MIN or len(died) <= DIED_SHARE_MAX * len(decided):
            return None
        pause_s = min(BACK_OFF_S_MAX, 2.0 ** (len(died) - DIED_MIN))
        wait_ms = max(start.at_ms for start in died) + round(pause_s * 1000) - now_ms
        why = (
            f"{len(died)} of {len(decided)} starts of the last 5 minutes died before Ready, "
            f"so one starts at a time, {pause_s:g} s apart; see the server logs"
        )
        return HeldBack(wait_ms <= 0, why)


def _outcome(start: Start, now: dict[ServerUid, State]) -> Outcome:
    if start.outcome is not Outcome.PENDING:
        return start.outcome
    state = now.get(start.uid)
    if state is None or state in GONE:
        return Outcome.DIED
    return Outcome.READY if state in _READY else Outcome.PENDING
