"""A recorded hour under other rules, beside what was.

The same people arrive, pauses last as long, and whoever left unmatched leaves at the same
moment again; what becomes of the others is told in ``shadow``. The director looks ten times
a second, so that waits are true to a tenth of a second.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.eventlog import Event
from core.ids import TicketId
from matchmaker.engine.quality import quality
from matchmaker.recording import Recording
from matchmaker.records import waiting_ticket
from matchmaker.rules.applicants import Unfit, applicant
from matchmaker.rules.asked import Asked
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.model import Rules
from matchmaker.rules.ruleset import RuleSet
from matchmaker.rules.window import as_rule_set
from matchmaker.shadow import Shadow, dressed_for
from matchmaker.tickets import WaitingTicket

TICK_MS = 100
WIDENING_TICKS = 10
"""Where time alone may make a match, by the dial or a window, every so many ticks it does."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What came of everybody, in figures."""

    matches: int
    waits_s: tuple[float, ...]
    """From enqueued to found, of each ticket that was matched, rising."""

    qualities: tuple[float, ...]
    """Of the matches, rising."""

    def matched(self) -> int:
        """Tickets in a match."""
        return len(self.waits_s)

    def wait_s(self, share: float) -> float:
        """A quantile of the waits; 0 when nobody was matched."""
        return _quantile(self.waits_s, share)

    def quality(self, share: float) -> float:
        """What so large a share of the matches reaches; 0 when there is none."""
        return _quantile(self.qualities, 1.0 - share)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Then, and under other rules. Qualities of both are by the other rules' measure."""

    tickets: int
    then: Distribution
    now: Distribution
    rejected: int
    """Tickets that could never be matched under the other rules."""


def compare(recording: Recording, rules: Asked, *, wait_s: float = 0.0) -> Comparison:
    """What was, beside what other rules and a dial of ``wait_s`` would have made of it."""
    then, yardstick = _Then(recording), Yardstick(rules)
    shadow = Shadow(rules, wait_s=wait_s, lifetime_s=recording.lifetime_s)
    made = [match for now_ms in _looks(recording, shadow) for match in shadow.run(now_ms)]
    return Comparison(
        tickets=len(then.tickets),
        then=Distribution(
            len(then.matches),
            tuple(sorted(then.waits_s())),
            tuple(sorted(_known(yardstick.of(teams, at_ms) for at_ms, teams in then.matches))),
        ),
        now=Distribution(
            len(made),
            tuple(sorted(wait for match in made for wait in match.waits_s())),
            tuple(sorted(_known(yardstick.of(one.found.teams, one.at_ms) for one in made))),
        ),
        rejected=shadow.rejected,
    )


def _known(qualities: Iterable[float | None]) -> Iterator[float]:
    return (one for one in qualities if one is not None)


class Yardstick:
    """How good a match is by some rules, whoever made it."""

    def __init__(self, rules: Asked) -> None:
        if not isinstance(rules, RuleSet):
            assert isinstance(rules, Rules), rules
            rules = as_rule_set(rules)
        self._rules = rules

    def of(self, teams: Sequence[Sequence[WaitingTicket]], at_ms: int) -> float | None:
        """The quality of a match; None where these rules know no such teams or players."""
        if len(teams) != len(self._rules.teams):
            return None
        seats = zip(self._rules.teams, teams, strict=True)
        seated = {team.name: [self._party(one) for one in tickets] for team, tickets in seats}
        parties = [one for some in seated.values() for one in some if one is not None]
        if not parties or len(parties) < sum(map(len, seated.values())):
            return None
        ages_s = [at_ms / 1000.0 - party.at_s for party in parties]
        age_s = min(ages_s) if self._rules.algorithm.age == "newest" else max(ages_s)
        known = {team: [one for one in some if one] for team, some in seated.items()}
        return quality(Lineup(self._rules.teams, known), self._rules.at(age_s))

    def _party(self, ticket: WaitingTicket) -> Party | None:
        dressed = dressed_for(self._rules, ticket)
        if dressed is None:
            return None
        try:
            return applicant(dressed.id, dressed.members, dressed.enqueued_ms, self._rules)
        except Unfit:
            return None


class _Then:
    """What became of everybody in reality."""

    def __init__(self, recording: Recording) -> None:
        self.tickets: dict[TicketId, WaitingTicket] = {}
        self.matches: list[tuple[int, list[list[WaitingTicket]]]] = []
        """When each was found, and its teams; those that stood in the end."""

        self.newcomers: list[tuple[int, list[list[WaitingTicket]]]] = []
        """The same of those who went to a match that ran: they waited, and it is no other match."""

        found_ms: dict[str, int] = {}
        for event in recording.events:
            match event["k"]:
                case "ticket.enqueued":
                    name = event["ticket"]
                    self.tickets[name] = waiting_ticket(name, event["body"], event["t"])
                case "match.proposed":
                    found_ms[event["match"]] = event["t"]
                case "match.committed":
                    self._committed(event, found_ms.get(event["match"], int(event["t"])))
                case _:
                    pass

    def _committed(self, event: Event, at_ms: int) -> None:
        names = [dict.fromkeys(ticket for ticket, _ in seats) for seats in event["teams"].values()]
        if all(name in self.tickets for team in names for name in team):
            made = self.newcomers if event.get("of") else self.matches
            made.append((at_ms, [[self.tickets[name] for name in team] for team in names]))

    def waits_s(self) -> Iterator[float]:
        for at_ms, teams in (*self.matches, *self.newcomers):
            for team in teams:
                yield from ((at_ms - ticket.enqueued_ms) / 1000.0 for ticket in team)


def _looks(recording: Recording, shadow: Shadow) -> Iterator[int]:
    """When the director looks, with everybody in the queue who is there by then."""
    events, rules = recording.events, shadow.rules
    pauses = [*recording.pauses, (1 << 62, True)]
    ages_s = rules.ages_s()[1:] if isinstance(rules, RuleSet) else ()
    due: list[float] = []
    came, still, ticks = 0, False, 0
    now_ms = int(events[0]["t"])
    until_ms = int(events[-1]["t"] + recording.lifetime_s * 1000)
    while now_ms <= until_ms and (came < len(events) or len(shadow)):
        while came < len(events) and events[came]["t"] <= now_ms:
            shadow.apply(events[came])
            if events[came]["k"] == "ticket.enqueued":
                for age_s in ages_s:
                    heapq.heappush(due, events[came]["t"] + age_s * 1000)
            came += 1
        while pauses[0][0] <= now_ms:
            still = pauses.pop(0)[1]
        older = bool(due) and due[0] <= now_ms
        while due and due[0] <= now_ms:
            heapq.heappop(due)
        if not still and len(shadow) and (shadow.stirred or older or ticks % WIDENING_TICKS == 0):
            yield now_ms
        now_ms, ticks = now_ms + TICK_MS, ticks + 1
