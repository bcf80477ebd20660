"""What the log of a run says, line by line."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from core.ids import MatchId, queue_of
from matchmaker.engine.receipt import receipt_of
from readyup.bots.burst import of_burst
from readyup.bots.report import percentiles

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class QueueCounts:
    """One queue."""

    tickets: Counter[str] = field(default_factory=Counter)
    """``created``, ``assigned``, ``cancelled``, ``expired``."""

    newcomers: int = 0
    """Players who came to a match that ran already."""

    made: int = 0
    completed: int = 0
    wait_ms: list[float] = field(default_factory=list)
    """From a ticket's coming to its match's announcement."""

    quality: list[float] = field(default_factory=list)
    """Of the matches that were made, as their receipts say; 1 is best."""

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        ends = ("created", "assigned", "cancelled", "expired")
        return {
            "tickets": {end: self.tickets[end] for end in ends},
            "matches": {"made": self.made, "completed": self.completed},
            "newcomers": self.newcomers,
            "wait_ms": percentiles(self.wait_ms, 50, 95),
            "quality": percentiles(self.quality, 10, 50, 90),
        }


@dataclass(slots=True)
class BurstCounts:
    """The matches of those who came with a burst."""

    began_ms: int = 0
    """When the first of its tickets came; 0 while none has."""

    ended_ms: int = 0
    """When the last of its matches was announced."""

    wait_ms: list[float] = field(default_factory=list)
    """By match: from its newest ticket's coming to its announcement."""

    mixed: int = 0
    """Matches of ``wait_ms`` that others play in, too."""


class Counts:
    """Everything that is counted."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.queues: dict[str, QueueCounts] = {}
        self.burst = BurstCounts()
        self.place_ms: list[float] = []
        self.claim_ms: list[float] = []
        self._came_ms: dict[str, int] = {}
        self._of_burst: set[str] = set()
        self._quality: dict[str, float] = {}
        self._seats: dict[str, int] = {}
        """Players of matches that are newcomers to others."""

    @classmethod
    def of(cls, history: Path) -> "Counts":
        """Read a whole log."""
        counts = cls()
        with history.open("rb") as lines:
            for line in lines:
                counts.add(_decode(line))
        return counts

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one event."""
        kind = event["k"]
        self.kinds[kind] += 1
        match kind:
            case "ticket.enqueued":
                self._enqueued(event)
            case "ticket.cancelled" | "ticket.expired":
                end = kind.partition(".")[2]
                self._queue(event["ticket"]).tickets[end] += 1
                self._came_ms.pop(event["ticket"], None)
            case "match.proposed" if "of" not in event:
                receipt = receipt_of(event.get("receipt"))
                self._quality[event["match"]] = receipt.quality if receipt else 1.0
            case "match.committed" if "of" in event:
                self._seats[event["match"]] = sum(len(seats) for seats in event["teams"].values())
            case "match.announced":
                self._announced(event)
            case "match.closed":
                self._quality.pop(event["match"], None)
                self._seats.pop(event["match"], None)
            case "match.ended":
                self._queue(event["match"]).completed += event["reason"] == "finished"
            case "api.pushed" if "place_us" in event:
                self.place_ms.append(event["place_us"] / 1000)
            case _:
                pass

    def assigned(self) -> int:
        """Tickets whose match was announced."""
        return sum(queue.tickets["assigned"] for queue in self.queues.values())

    def made(self) -> int:
        """Matches that were announced."""
        return sum(queue.made for queue in self.queues.values())

    def newcomers(self) -> int:
        """Players who came to a match that ran already."""
        return sum(queue.newcomers for queue in self.queues.values())

    def completed(self) -> int:
        """Matches that ended as they should."""
        return sum(queue.completed for queue in self.queues.values())

    def _queue(self, name: str) -> QueueCounts:
        return self.queues.setdefault(queue_of(MatchId(name)), QueueCounts())

    def _enqueued(self, event: Mapping[str, Any]) -> None:
        ticket = event["ticket"]
        self._queue(ticket).tickets["created"] += 1
        self._came_ms[ticket] = event["t"]
        if any(of_burst(player) for player in event["players"]):
            self._of_burst.add(ticket)
            self.burst.began_ms = self.burst.began_ms or event["t"]

    def _announced(self, event: Mapping[str, Any]) -> None:
        match, tickets, queue = event["match"], event["tickets"], self._queue(event["match"])
        queue.tickets["assigned"] += len(tickets)
        if "of" in event:
            queue.newcomers += self._seats.pop(match, len(tickets))
        else:
            queue.made += 1
            queue.quality.append(self._quality.pop(match, 1.0))
        if event.get("claim_us"):
            self.claim_ms.append(event["claim_us"] / 1000)
        came_ms = [self._came_ms.pop(one) for one in tickets if one in self._came_ms]
        waits_ms = [max(0, event["t"] - came) for came in came_ms]
        queue.wait_ms += waits_ms
        if waits_ms and not self._of_burst.isdisjoint(tickets):
            self.burst.wait_ms.append(min(waits_ms))
            self.burst.ended_ms = event["t"]
            self.burst.mixed += not self._of_burst.issuperset(tickets)
