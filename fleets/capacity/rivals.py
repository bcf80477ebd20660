"""The policies that ours is held against, as their makers describe them.

- ``buffer:N`` and ``buffer:P%``: Agones FleetAutoscaler, policy Buffer: allocated + N, or
  ceil(100 * allocated / (100 - P)), looked at every 30 s unless told otherwise (``@1``).
- ``playfab``: standby = lead time * rate of claims over the last ten minutes, at least one;
  raised by half when less than half of it is left, threefold below a quarter, fourfold
  when none is (PlayFab Multiplayer Servers, standing by and dynamic standby).
- ``holtwinters``: the most sessions that Holt-Winters smoothing expects within the lead
  time, never fewer than there are, one spare; a daily season after two days.
"""

import math
import re
from dataclasses import dataclass, field

import numpy as np

from core.errors import Invalid
from fleets.capacity.trace import Times
from fleets.capacity.yard import Policy, Score, Seen, World

AGONES_S = 30.0
"""How often a FleetAutoscaler looks by default."""

PERCENT_MAX = 99


@dataclass(frozen=True, slots=True)
class Buffer:
    """So many servers beside those in session, or such a share of all."""

    count: int = 0
    percent: int = 0
    every_s: float = AGONES_S
    name: str = ""

    def replicas(self, seen: Seen) -> int:
        if self.percent:
            return max(1, math.ceil(100 * seen.in_session / (100 - self.percent)))
        return seen.in_session + self.count


@dataclass(slots=True)
class PlayFab:
    """Standby by the rate of claims, raised when it runs low."""

    world: World
    every_s: float = 10.0
    name: str = "playfab"

    def replicas(self, seen: Seen) -> int:
        since = int(np.searchsorted(self.world.claims, seen.now_s - 600.0, side="right"))
        over_s = min(600.0, max(seen.now_s - self.world.begin_s, self.every_s))
        rate = (seen.claimed - since) / over_s
        standby = max(1.0, rate * self.world.lead_s)
        left = seen.size - seen.in_session
        if left < 0.005 * standby:
            standby *= 4
        elif left < 0.25 * standby:
            standby *= 3
        elif left < 0.5 * standby:
            standby *= 1.5
        return seen.in_session + seen.waiting + math.ceil(standby)


@dataclass(slots=True)
class HoltWinters:
    """Additive level and trend of the sessions, and a daily season once it is known."""

    world: World
    every_s: float = 60.0
    name: str = "holtwinters"
    _level: float = -1.0
    _trend: float = 0.0
    _season: dict[int, float] = field(default_factory=dict)

    def replicas(self, seen: Seen) -> int:
        now, ahead = seen.in_session + seen.waiting, math.ceil(self.world.lead_s / self.every_s)
        slot = int(seen.now_s // self.every_s)
        day = max(1, round(86_400 / self.every_s))
        usual = self._season.get(slot % day, 0.0) if self._seasoned(seen) else 0.0
        if self._level < 0:
            self._level = now
        before = self._level
        self._level = 0.3 * (now - usual) + 0.7 * (self._level + self._trend)
        self._trend = 0.1 * (self._level - before) + 0.9 * self._trend
        had = self._season.get(slot % day, 0.0)
        self._season[slot % day] = 0.3 * (now - self._level) + 0.7 * had
        expected = max(
            self._level
            + h * self._trend
            + (self._season.get((slot + h) % day, 0.0) if self._seasoned(seen) else 0.0)
            for h in range(1, ahead + 1)
        )
        return max(now, math.ceil(expected)) + 1

    def _seasoned(self, seen: Seen) -> bool:
        return seen.now_s - self.world.begin_s >= 2 * 86_400


def oracle(world: World) -> Score:
    """The least idle time without a cold claim, by somebody who knows all claims.

    A server that a session leaves waits for the next claim if that comes within the lead
    time, else it is removed and another created in time. The most recently freed one is
    taken: idle time costs min(gap, lead time), which is concave, so nesting is best. Claims
    of the first lead time wait until it is over, as nothing can be ready before.
    """
    begins = np.maximum(world.claims, world.begin_s + world.lead_s)
    ends = (begins + world.session_s).tolist()
    free: list[float] = []
    idle_from: list[float] = []
    created: list[float] = []
    removed: list[float] = []
    ended, lead_s, count = 0, world.lead_s, len(ends)
    for begin_s in begins.tolist():
        while ended < count and ends[ended] <= begin_s:
            free.append(ends[ended])
            ended += 1
        if free and begin_s - free[-1] < lead_s:
            idle_from.append(free.pop())
        else:
            removed += free  # all that are left were free for longer still
            free.clear()
            created.append(begin_s - lead_s)
            idle_from.append(begin_s - lead_s)
    removed += free + ends[ended:]
    first, last = world.scored_from_s(), world.end_s
    waited = np.array(idle_from)
    idle_s = np.maximum(0.0, np.minimum(begins, last) - np.maximum(waited, first)).sum()
    changes = np.array(created + removed)
    actions = int(((changes >= first) & (changes < last)).sum())
    claims = int((world.claims >= first).sum())
    peak = _most(np.array(created), np.array(removed), first, last)
    return Score("oracle", claims, 0, np.empty(0), float(idle_s) / 3600, peak, actions)


def _most(created: Times, removed: Times, first_s: float, last_s: float) -> int:
    """The most servers at one time, between two."""
    at = np.append(created[(created >= first_s) & (created < last_s)], first_s)
    up = np.searchsorted(np.sort(created), at, side="right")
    down = np.searchsorted(np.sort(removed), at, side="right")
    return int((up - down).max())


_NAME = re.compile(
    r"(?:(?P<plain>playfab|holtwinters)|buffer:(?P<count>\d{1,7})(?P<percent>%?))"
    r"(?:@(?P<every>\d{1,6}(?:\.\d{1,3})?))?"
)

EVERY_MIN_S = 0.1


def rival(text: str, world: World) -> Policy | None:
    """The policy that a name stands for; None for the oracle, which decides nothing.

    Raises:
        Invalid: there is none of this name.
    """
    if text == "oracle":
        return None
    said = _NAME.fullmatch(text)
    if said is None:
        raise Invalid(
            f"there is no policy {text!r}; write buffer:N or buffer:P%, playfab, holtwinters, "
            "all with @SECONDS if you like, or oracle"
        )
    every_s = float(said["every"]) if said["every"] else 0.0
    if said["every"] and every_s < EVERY_MIN_S:
        raise Invalid(f"policy {text!r}: write {EVERY_MIN_S:g} or more seconds after @")
    if said["plain"] == "playfab":
        return PlayFab(world, every_s or 10.0, text)
    if said["plain"] == "holtwinters":
        return HoltWinters(world, every_s or 60.0, text)
    number = int(said["count"])
    if said["percent"] and not 1 <= number <= PERCENT_MAX:
        raise Invalid(f"policy {text!r}: write 1% to {PERCENT_MAX}%")
    count, percent = (0, number) if said["percent"] else (number, 0)
    return Buffer(count, percent, every_s or AGONES_S, text)


def names(text: str) -> list[str]:
    """The policies in a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
