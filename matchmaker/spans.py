"""A director's part of its tickets' traces: the wait, and each step from a pass to the push.

A match of many tickets is told once in the trace of each ticket that is traced, so that every
trace is whole by itself; the match's id joins them.
"""

from core.clock import Clock
from core.ids import MatchId, QueueName, TicketId
from core.placement import ClaimOrder
from core.telemetry import Traces
from matchmaker.engine.search import Found


class MatchSpans:
    """Of one queue."""

    def __init__(self, traces: Traces, queue: QueueName, clock: Clock) -> None:
        self.on = traces.on
        self._traces = traces
        self._queue = queue
        self._clock = clock

    def found(self, found: Found, match: MatchId, *, pass_us: int) -> None:
        """The pass that began at ``pass_us``, or just now, ended the wait of these tickets."""
        if not self.on:
            return
        pass_us = pass_us or self._clock.wall_us()
        for party in (party for team in found.teams for party in team):
            self._traces.span(
                "queue.wait",
                party.traceparent,
                began_us=party.enqueued_ms * 1000,
                ended_us=pass_us,
                ticket=party.id,
                queue=self._queue,
            )
            self._step("match.pass", party.traceparent, party.id, match, pass_us)

    def step(self, name: str, order: ClaimOrder, *, began_us: int) -> None:
        """A step of the match is over now."""
        if self.on:
            for ticket, traceparent in traceparents(order).items():
                self._step(name, traceparent, ticket, order.match, began_us)

    def _step(
        self, name: str, traceparent: str, ticket: TicketId, match: MatchId, began_us: int
    ) -> None:
        self._traces.span(
            name,
            traceparent,
            began_us=began_us,
            ended_us=self._clock.wall_us(),
            ticket=ticket,
            match=match,
        )


def traceparents(order: ClaimOrder) -> dict[TicketId, str]:
    """Those of a match's tickets that are traced, and as what."""
    return {one.ticket: one.traceparent for one in order.players if one.traceparent}
