"""One queue under two versions of its rules: two pools, and no match across them.

Who is chosen waits in a pool of their own, so that every match is judged whole by one
version. Nobody starves there: who has waited for the rollout's ``mercy_s``, or could never be
matched under the new rules, goes by the queue's own.
"""

from dataclasses import replace

from core.ids import TicketId
from matchmaker.engine.backfill import WithBackfill
from matchmaker.engine.memory import Memory
from matchmaker.engine.passes import Pass, Passes, passes
from matchmaker.engine.pool import PoolView
from matchmaker.engine.search import Found
from matchmaker.rules.asked import Asked
from matchmaker.rules.rollout import Rollout
from matchmaker.settings import QueueSettings
from matchmaker.shadow import dressed_for
from matchmaker.tickets import WaitingTicket


def engine_of(settings: QueueSettings) -> Passes:
    """The engine that a queue asks for."""
    return engine(settings.rules, settings.rollout_rules, wait_s=settings.wait_for_quality_s)


def engine(rules: Asked, rollout: Rollout | None, *, wait_s: float) -> Passes:
    """The engine for these rules, with new ones for some; newcomers go by the queue's own."""
    made = passes(rules, wait_s=wait_s)
    if rollout is not None:
        made = TwoVersions(made, rules.team_names(), rollout, wait_s=wait_s)
    return WithBackfill(made, rules)


class TwoVersions:
    """A pass over each of the two pools."""

    def __init__(
        self, own: Passes, teams: tuple[str, ...], rollout: Rollout, *, wait_s: float
    ) -> None:
        """``teams``: as the queue's own rules order them, for the matches of both."""
        self._own, self._rollout = own, rollout
        self._new = passes(rollout.rules, wait_s=wait_s)
        theirs = rollout.rules.team_names()
        self._order = [theirs.index(name) for name in teams]
        self._chosen: dict[TicketId, tuple[WaitingTicket, WaitingTicket | None]] = {}
        """Each ticket as it was seen last, and as the new rules take it; None where they do not."""

    def matches(
        self, view: PoolView, *, now_ms: int, matches_max: int, memory: Memory | None = None
    ) -> Pass:
        """The matches of both, those of the longest waiting first."""
        self._choose(view)
        mercy_ms = now_ms - self._rollout.mercy_s * 1000
        new = [
            one
            for ticket in view.tickets
            if (one := self._chosen[ticket.id][1]) and one.enqueued_ms > mercy_ms
        ]
        by_own = self._own.matches(
            view.without({ticket.id for ticket in new}),
            now_ms=now_ms,
            matches_max=matches_max,
            memory=memory,
        )
        by_new = self._new.matches(
            PoolView.of(new),
            now_ms=now_ms,
            matches_max=matches_max,
            memory=memory and memory.new,
        )
        found = [*by_own.found, *map(self._in_our_order, by_new.found)]
        found.sort(key=_oldest_ms)
        return Pass(found[:matches_max], replace(by_own.memory, new=by_new.memory))

    def _choose(self, view: PoolView) -> None:
        known, self._chosen = self._chosen, {}
        for ticket in view.tickets:
            seen = known.get(ticket.id)
            if seen is None or seen[0] is not ticket:
                by_new = self._rollout.chooses(ticket.id)
                seen = (ticket, dressed_for(self._rollout.rules, ticket) if by_new else None)
            self._chosen[ticket.id] = seen

    def _in_our_order(self, made: Found) -> Found:
        teams = [tuple(self._chosen[one.id][0] for one in team) for team in made.teams]
        return replace(made, teams=tuple(teams[place] for place in self._order))


def _oldest_ms(made: Found) -> int:
    return min(ticket.enqueued_ms for team in made.teams for ticket in team)
