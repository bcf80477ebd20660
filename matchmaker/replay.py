"""Every recorded pass once more: the same people, the same instant, and so the same matches.

A pass depends on who waited, the time, the rules and what its engine carried over. All of
that is in the recording, so that each pass is run by itself, whatever came before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from core.eventlog import order_of
from core.ids import MatchId, TicketId
from matchmaker.engine.passes import Passes
from matchmaker.logged import LoggedQueue
from matchmaker.passlog import PassRecord, fingerprint, running, teams_of
from matchmaker.recording import Recording
from matchmaker.rollout import engine
from matchmaker.rules.rollout import Rollout
from matchmaker.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a pass did not come out as it was recorded."""

    record: PassRecord
    what: str


@dataclass(slots=True)
class Rerun:
    """What came of running the passes again."""

    passes: int = 0
    """Those that were run."""

    matches: int = 0
    """Those that came out as they were recorded."""

    unjudged: dict[str, int] = field(default_factory=dict)
    """Why some passes could not be run, and how many."""

    first: Difference | None = None
    """The first that came out otherwise; those after it were not run."""


def rerun(recording: Recording) -> Rerun:
    """Run every pass of a recording again, up to the first that differs."""
    outcome, engines = Rerun(), _Engines(recording)
    for record, logged in _moments(recording):
        ours = engines.of(record)
        if ours is None:
            _count(outcome, "their rules were not recorded")
            continue
        view = logged.pool.view()
        if fingerprint(view) != record.pool:
            if _may_lack_some(recording, record):
                _count(outcome, "some who waited came before the log begins")
                continue
            outcome.first = Difference(
                record, f"{record.pool} waited, by the log it was {fingerprint(view)}"
            )
            return outcome
        done = ours.matches(
            view, now_ms=record.now_ms, matches_max=record.matches_max, memory=record.memory
        )
        again = [(teams_of(match), match.quality) for match in done.found]
        then = list(zip(record.result, record.quality, strict=True))
        if again != then or running(done.found) != record.of:
            outcome.first = Difference(record, _told(then, again))
            return outcome
        outcome.passes += 1
        outcome.matches += len(then)
    return outcome


class _Engines:
    """An engine for each of the rules and dials that the recording went by."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._known: dict[bytes, Passes | None] = {}

    def of(self, record: PassRecord) -> Passes | None:
        asked = (record.rules, record.wait_for_quality_s, record.rollout)
        key = msgspec.json.encode(asked)
        if key not in self._known:
            self._known[key] = self._made(record)
        return self._known[key]

    def _made(self, record: PassRecord) -> Passes | None:
        rules, rollout = self._recording.rules_of(record.rules), None
        if record.rollout is not None:
            new = self._recording.rules_of(record.rollout.rules)
            if not isinstance(new, RuleSet):
                return None
            rollout = Rollout(new, record.rollout.percent, record.rollout.mercy_s)
        return engine(rules, rollout, wait_s=record.wait_for_quality_s) if rules else None


def _moments(recording: Recording) -> Iterator[tuple[PassRecord, LoggedQueue]]:
    """Each pass with those who waited, in the order of the log that they had applied."""
    logged, events = LoggedQueue(), iter(recording.events)
    coming = next(events, None)
    for record in sorted(recording.passes, key=lambda one: order_of(one.applied)):
        while coming is not None and order_of(coming["i"]) <= order_of(record.applied):
            logged.apply(coming)
            coming = next(events, None)
        tickets = [TicketId(name) for name in record.in_hand]
        requests = [MatchId(name) for name in record.requests_in_hand]
        logged.hold(tickets)
        logged.hold_requests(requests)
        yield record, logged
        logged.let_go(tickets)
        logged.let_go_requests(requests)


def _may_lack_some(recording: Recording, record: PassRecord) -> bool:
    """Whether tickets from before the first event may still have waited."""
    began_ms = int(recording.events[0]["t"])
    return not recording.whole and record.now_ms - began_ms <= recording.lifetime_s * 1000


def _count(outcome: Rerun, why: str) -> None:
    outcome.unjudged[why] = outcome.unjudged.get(why, 0) + 1


Outcome = list[tuple[list[list[str]], float]]


def _told(then: Outcome, again: Outcome) -> str:
    for n, (one, other) in enumerate(zip(then, again, strict=False), 1):
        if one != other:
            return f"match {n} was {_match(*one)}, and is {_match(*other)}"
    return f"it made {len(then)} matches, and makes {len(again)}"


def _match(teams: list[list[str]], quality: float) -> str:
    return f"{' against '.join('+'.join(team) for team in teams)} of quality {quality:g}"
