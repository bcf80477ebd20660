"""What the crowd has seen so far, counted as it happens."""

from array import array
from collections import Counter, deque
from typing import NamedTuple

from readyup.bots.ports import LinkQuality

RECENT = 300
"""Waits behind the live table's percentiles."""

EXPECTED = frozenset({"api_lost", "api_busy", "no_answer", "link_lost", "match_lost"})
"""Errors that faults bring and that players get over; any other fails the run."""


TROUBLES_MAX = 1000


class Trouble(NamedTuple):
    """An error that would fail the run, and whom it befell."""

    t_s: float
    """The loop's time."""

    kind: str
    player: str
    match: str
    """Empty when it was about none."""


class QueueTally:
    """One queue."""

    def __init__(self) -> None:
        self.tickets: Counter[str] = Counter()
        """``created``, ``assigned``, ``cancelled``, ``expired``: each ticket once."""

        self.matches_made: set[str] = set()
        self.matches_completed: set[str] = set()
        self.recent_wait_ms: deque[float] = deque(maxlen=RECENT)
        self._ends: set[str] = set()

    def ticket_created(self, ticket: str) -> None:
        if ticket not in self._ends:
            self._ends.add(ticket)
            self.tickets["created"] += 1

    def ticket_ended(self, ticket: str, how: str) -> None:
        """A ticket left its queue; every player of a party says so, it counts once."""
        if (done := f"{ticket}/end") not in self._ends:
            self._ends.add(done)
            self.tickets[how] += 1


class Tally:
    """All players of one process."""

    def __init__(self) -> None:
        self.queues: dict[str, QueueTally] = {}
        self.wait_ms = array("d")
        """One per player and match, in order of arrival."""

        self.rejoins: Counter[str] = Counter()
        """``tried`` and ``succeeded``."""

        self.handovers: Counter[str] = Counter()
        """Matches in play that went on elsewhere, by player: ``tried`` and ``succeeded``."""

        self.errors: Counter[str] = Counter()
        self.troubles: deque[Trouble] = deque(maxlen=TROUBLES_MAX)
        self.rtt_ms = array("d")
        self.jitter_ms = array("d")
        self.loss_share = array("d")
        self.round_s_sum = 0.0
        """Waiting and playing of all finished rounds, and how many they were."""

        self.rounds = 0

    def queue(self, name: str) -> QueueTally:
        """The tally of a queue, empty at first."""
        found = self.queues.get(name)
        if found is None:
            found = self.queues[name] = QueueTally()
        return found

    def waited(self, queue: str, wait_ms: float) -> None:
        self.wait_ms.append(wait_ms)
        self.queue(queue).recent_wait_ms.append(wait_ms)

    def linked(self, quality: LinkQuality) -> None:
        """The figures of one finished link; what was not measured (NaN) is left out."""
        for kept, value in (
            (self.rtt_ms, quality.rtt_ms),
            (self.jitter_ms, quality.jitter_ms),
            (self.loss_share, quality.loss_share),
        ):
            if value == value:  # noqa: PLR0124 - NaN differs from itself
                kept.append(value)

    def round_done(self, seconds: float) -> None:
        self.round_s_sum += seconds
        self.rounds += 1

    def error(self, trouble: Trouble) -> None:
        """Count it; one that fails the run is kept, too."""
        self.errors[trouble.kind] += 1
        if trouble.kind not in EXPECTED:
            self.troubles.append(trouble)

    def unexpected(self) -> dict[str, int]:
        """Errors that fail the run."""
        return {kind: n for kind, n in sorted(self.errors.items()) if kind not in EXPECTED}
