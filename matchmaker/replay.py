"""A recorded hour under other rules: the same people, arriving and leaving as they did.

The record is the queue's own log. Whoever was matched then may have to wait longer under other
rules; how long they would have had the patience is not known, so they stay as long as their
ticket might have lived. Whoever left unmatched leaves at the same moment again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.errors import Invalid
from matchmaker.engine.quality import quality
from matchmaker.offline import Arrival, Outcome, run
from matchmaker.rules.applicants import Unfit, party
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import RuleSet


class _Member(msgspec.Struct):
    id: str
    rating: float = 1500.0
    attributes: dict[str, Any] = {}
    latency_ms: dict[str, float] = {}


class _Body(msgspec.Struct):
    players: list[str]
    mmr: float
    members: list[_Member] = []


_body = msgspec.json.Decoder(_Body).decode


@dataclass(slots=True)
class Record:
    """What one queue's log tells."""

    arrivals: dict[str, Arrival] = field(default_factory=dict)
    matched_s: dict[str, float] = field(default_factory=dict)
    """Ticket to when its match was made."""

    matches: list[tuple[float, dict[str, list[str]]]] = field(default_factory=list)
    """When, and tickets by team."""


def recorded(events: Iterable[Mapping[str, Any]], queue: str, whole: RuleSet) -> Record:
    """Everybody who came to a queue, and the matches that were made.

    Seconds count from the first event. ``whole`` tells which attributes are wanted; a rating
    stands in for the first number among them that was not recorded.

    Raises:
        Invalid: the log has nothing of this queue.
    """
    record, began_ms = Record(), None
    for event in events:
        if event.get("src") != f"queue/{queue}":
            continue
        began_ms = event["t"] if began_ms is None else began_ms
        at_s = (int(event["t"]) - int(began_ms)) / 1000.0
        match event["k"]:
            case "ticket.enqueued":
                record.arrivals[event["ticket"]] = _arrival(event, at_s, whole)
            case "ticket.cancelled" | "ticket.expired":
                _leave(record, event["ticket"], at_s)
            case "match.committed":
                teams = {
                    team: list(dict.fromkeys(ticket for ticket, _ in seats))
                    for team, seats in event["teams"].items()
                }
                record.matches.append((at_s, teams))
                record.matched_s |= dict.fromkeys(event["tickets"], at_s)
            case _:
                pass
    if not record.arrivals:
        raise Invalid(f"the log tells of nobody in queue {queue!r}", field="--queue")
    return record


def _arrival(event: Mapping[str, Any], at_s: float, whole: RuleSet) -> Arrival:
    body = _body(event["body"])
    known = {one.id: one for one in body.members}
    numbers = [one.name for one in whole.attributes.values() if one.type == "number"]
    players = []
    for name in body.players:
        one = known.get(name, _Member(name, body.mmr))
        attributes = dict(one.attributes)
        if numbers and numbers[0] not in attributes:
            attributes[numbers[0]] = one.rating
        players.append({"id": name, "attributes": attributes, "latency_ms": one.latency_ms})
    return Arrival(str(event["ticket"]), players, at_s)


def _leave(record: Record, ticket: str, at_s: float) -> None:
    came = record.arrivals.get(ticket)
    if came is not None:
        record.arrivals[ticket] = Arrival(came.id, came.players, came.at_s, at_s)


@dataclass(frozen=True, slots=True)
class Distribution:
    """What came of everybody, in figures."""

    matches: int
    matched: int
    """Tickets in a match."""

    waits_s: tuple[float, ...]
    """Of those, rising."""

    qualities: tuple[float, ...]
    """Of the matches, under the rules that are compared, rising."""

    def wait_s(self, share: float) -> float:
        """A quantile of the waits; 0 when nobody was matched."""
        return _quantile(self.waits_s, share)

    def quality(self, share: float) -> float:
        """A quantile of the qualities; 0 when there is no match."""
        return _quantile(self.qualities, share)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Then, and under other rules."""

    tickets: int
    then: Distribution
    now: Distribution
    rejected: int
    """Tickets that could never be matched under the other rules."""


def compare(record: Record, whole: RuleSet, *, lifetime_s: float = 600.0) -> Comparison:
    """What was, beside what the rules would have made of it."""
    last_s = max(one.at_s for one in record.arrivals.values())
    outcome = run(whole, record.arrivals.values(), until_s=last_s + lifetime_s)
    parties = _parties(record, whole)
    return Comparison(
        tickets=len(record.arrivals),
        then=Distribution(
            len(record.matches),
            len(record.matched_s),
            tuple(
                sorted(
                    at_s - record.arrivals[ticket].at_s
                    for ticket, at_s in record.matched_s.items()
                    if ticket in record.arrivals
                )
            ),
            tuple(sorted(_qualities(record, whole, parties))),
        ),
        now=_of(outcome, record),
        rejected=len(outcome.rejected),
    )


def _of(outcome: Outcome, record: Record) -> Distribution:
    waits = [
        made.time_s - record.arrivals[ticket].at_s
        for made in outcome.matches
        for tickets in made.teams.values()
        for ticket in tickets
    ]
    return Distribution(
        len(outcome.matches),
        len(waits),
        tuple(sorted(waits)),
        tuple(sorted(made.quality for made in outcome.matches)),
    )


def _parties(record: Record, whole: RuleSet) -> dict[str, Party]:
    found = {}
    for one in record.arrivals.values():
        try:
            found[one.id] = party(one.id, list(one.players), one.at_s, whole)
        except Unfit:
            continue
    return found


def _qualities(record: Record, whole: RuleSet, parties: Mapping[str, Party]) -> Iterable[float]:
    """Of the matches that were made, by the measure of the rules that are compared."""
    for at_s, teams in record.matches:
        tickets = [ticket for one in teams.values() for ticket in one]
        if len(teams) != len(whole.teams) or not all(ticket in parties for ticket in tickets):
            continue
        seats = zip(whole.teams, teams.values(), strict=True)
        seated = {team.name: [parties[ticket] for ticket in one] for team, one in seats}
        age_s = min(at_s - parties[ticket].at_s for ticket in tickets)
        yield quality(Lineup(whole.teams, seated), whole.at(age_s))
