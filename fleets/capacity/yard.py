"""A fleet on paper: what a policy would have made of a recorded load.

Servers are created, become ready after the lead time, serve one session at a time and are
free again at once. A claim that finds no free server is cold: it waits, in order, for the
first that is. While nobody has to wait, every session begins with its claim, and two counts
tell all there is to know; only where claims wait are they matched with the servers that
become free, a stretch at a time.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from fleets.capacity.trace import Times

COLD_S = 1e-6
"""A shorter wait is a rounding error."""


@dataclass(frozen=True, slots=True)
class World:
    """What every policy is tried against."""

    claims: Times
    """Instants of the claims, rising."""

    lead_s: float
    """From creating a server to its being ready."""

    session_s: float
    """How long every session lasts."""

    begin_s: float
    """Where the trace begins; the fleet is empty then."""

    end_s: float

    def scored_from_s(self) -> float:
        """Claims and idle time count from here: the first two lead times do not."""
        return self.begin_s + 2 * self.lead_s


class Seen(NamedTuple):
    """What a policy may know when it decides."""

    now_s: float
    size: int
    """Servers there are, those that are starting included."""

    in_session: int
    waiting: int
    """Claims that have no server yet."""

    claimed: int
    """Claims up to now; the first so many of ``World.claims`` are the past."""


class Policy(Protocol):
    """Decides how many servers there shall be."""

    @property
    def name(self) -> str:
        """As the user wrote it."""
        ...

    @property
    def every_s(self) -> float:
        """Seconds between two decisions."""
        ...

    def replicas(self, seen: Seen) -> int:
        """Servers there shall be from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """What a policy cost, in the scored time."""

    name: str
    claims: int
    cold: int
    waits_s: Times
    """Of the cold claims."""

    idle_server_hours: float
    peak_servers: int
    scale_actions: int

    def cold_share(self) -> float:
        """Of the claims, those that found no warm server."""
        return self.cold / self.claims if self.claims else 0.0

    def wait_s(self, percent: float) -> float:
        """A percentile of the cold claims' waits; 0 when none was cold."""
        return float(np.percentile(self.waits_s, percent)) if len(self.waits_s) else 0.0


def run(policy: Policy, world: World) -> Score:
    """Go through the whole load under one policy."""
    yard = _Yard(world)
    ticks = np.arange(world.begin_s, world.end_s, policy.every_s)
    arrived = np.searchsorted(world.claims, ticks, side="right").tolist()
    ended = np.searchsorted(world.claims + world.session_s, ticks, side="right").tolist()
    for now_s, claimed, over in zip(ticks.tolist(), arrived, ended, strict=True):
        yard.advance(now_s, claimed, over)
        yard.decide(policy.replicas(yard.seen()))
    yard.advance(world.end_s, len(world.claims))
    yard.close()
    # Whoever still waits gets a server, and a wait; unless there will be none for ever.
    while yard.served < yard.arrived and yard.size():
        yard.advance(yard.now_s + policy.every_s, yard.arrived)
        yard.decide(policy.replicas(yard.seen()))
    return yard.score(policy.name)


class _Yard:
    """The fleet in the middle of a run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now_s = world.begin_s
        self.arrived = self.served = self.ended = 0
        self._starts = world.claims.copy()
        """When each claim's session begins; true of the first ``served``, a guess beyond."""

        self._ends = world.claims + world.session_s
        self._end_of = self._ends.data  # gives plain numbers, and quickly
        self._claim_of = world.claims.data
        self._late = 0
        """No session from this one on has begun late."""

        self._free = 0
        self._coming: deque[list[float]] = deque()
        """[ready at, how many], in order."""

        self._starting = 0
        self._server_s = 0.0
        self._peak = self._actions = 0
        self._scored_from_s = world.scored_from_s()

    def size(self) -> int:
        """Servers there are, those that are starting included."""
        return self._starting + self._free + self.served - self.ended

    def seen(self) -> Seen:
        """What the policy is told."""
        in_session = self.served - self.ended
        size = self._starting + self._free + in_session
        return Seen(self.now_s, size, in_session, self.arrived - self.served, self.arrived)

    def decide(self, wanted: int) -> None:
        """Create or remove servers; one in session is never removed."""
        size = self.size()
        change = wanted - size
        if change > 0:
            self._coming.append([self.now_s + self.world.lead_s, change])
            self._starting += change
        elif change < 0:
            change = -self._remove(-change)
        if self.now_s >= self._scored_from_s:
            self._actions += change != 0
            self._peak = max(self._peak, size, size + change)

    def _remove(self, surplus: int) -> int:
        """The youngest starting first, then free ones; how many went."""
        left = surplus
        while left and self._coming:
            batch = self._coming[-1]
            taken = min(left, int(batch[1]))
            batch[1] -= taken
            left -= taken
            self._starting -= taken
            if not batch[1]:
                self._coming.pop()
        taken = min(left, self._free)
        self._free -= taken
        return surplus - left + taken

    def advance(self, to_s: float, arrived: int, ended: int = 0) -> None:
        """Let time pass until ``to_s``, by when so many claims have come.

        ``ended``: sessions that would be over by then if none ever began late.
        """
        if to_s > self._scored_from_s:
            self._server_s += self.size() * (to_s - max(self.now_s, self._scored_from_s))
        if self.arrived == self.served and arrived - self.arrived <= self._free:
            # Nobody has to wait, so each session begins with its claim, as was guessed.
            self._free -= arrived - self.arrived
            self.arrived = self.served = arrived
            while self._coming and self._coming[0][0] <= to_s:
                self._free += self._ready()
            self._end(to_s, ended)
        else:
            while self.now_s < to_s:
                self._match(min(to_s, self.now_s + self.world.session_s), arrived)
        self.now_s = to_s

    def _ready(self) -> int:
        """The next that were starting are ready."""
        count = int(self._coming.popleft()[1])
        self._starting -= count
        return count

    def _end(self, to_s: float, ended: int) -> None:
        """Sessions are over."""
        if ended <= self._late:
            ended = bisect_right(self._end_of, to_s, self.ended, self.served)
        self._free += ended - self.ended
        self.ended = ended

    def _match(self, to_s: float, arrived: int) -> None:
        """Who waits longest gets who is free first; for a stretch no longer than a session.

        So whatever begins in it ends after it.
        """
        claims = self.world.claims
        arrived = bisect_right(self._claim_of, to_s, self.arrived, arrived)
        free_at = [np.full(self._free, self.now_s)]
        while self._coming and self._coming[0][0] <= to_s:
            at_s = self._coming[0][0]
            free_at.append(np.full(self._ready(), at_s))
        over = bisect_right(self._end_of, to_s, self.ended, self.served)
        free_at.append(self._ends[self.ended : over])
        free = np.sort(np.concatenate(free_at))
        count = min(len(free), arrived - self.served)
        matched = slice(self.served, self.served + count)
        self._starts[matched] = np.maximum(claims[matched], free[:count])
        self._ends[matched] = self._starts[matched] + self.world.session_s
        self._late = self.served + count
        self.arrived, self.served, self.ended = arrived, self.served + count, over
        self._free = len(free) - count
        self.now_s = to_s

    def close(self) -> None:
        """The scored time is over; what still happens counts only for those who wait."""
        self._scored_from_s = float("inf")

    def score(self, name: str) -> Score:
        """What it came to."""
        world = self.world
        self._starts[self.served :] = max(self.now_s, world.end_s)
        first = int(np.searchsorted(world.claims, world.scored_from_s()))
        waits_s = self._starts[first:] - world.claims[first:]
        ends_s = np.minimum(self._starts + world.session_s, world.end_s)
        in_session_s = np.maximum(0.0, ends_s - np.maximum(self._starts, world.scored_from_s()))
        idle_s = self._server_s - float(in_session_s.sum())
        cold = waits_s > COLD_S
        return Score(
            name,
            len(waits_s),
            int(cold.sum()),
            waits_s[cold],
            max(0.0, idle_s) / 3600,
            self._peak,
            self._actions,
        )
