"""A game server's part of its players' traces, told by the one who hears it: the sessions API.

A game server needs no exporter beside its ticks, whatever it is written in. Each player of an
assignment carries the ``traceparent`` of their ticket, for a game that has more to tell.
"""

from allocator.sessions import Session
from core.clock import Clock
from core.ids import PlayerId
from core.telemetry import Traces


class ServerSpans:
    """Of one process's sockets."""

    def __init__(self, traces: Traces, clock: Clock) -> None:
        self.on = traces.on
        self._traces = traces
        self._clock = clock

    def assigned(self, session: Session) -> None:
        """The server is told its match now."""
        self._each("server.assign", session)

    def acked(self, session: Session) -> None:
        """The server took the match now."""
        self._each("server.ack", session)

    def joined(self, session: Session, player: PlayerId) -> None:
        """The player's first packet let them in now."""
        for one in session.players:
            if one.player == player:
                began_ms = session.acked_ms or session.claimed_ms
                self._span("server.first_packet", one.traceparent, session, began_ms)

    def _each(self, name: str, session: Session) -> None:
        """For each ticket once, however many players came with it."""
        for traceparent in dict.fromkeys(one.traceparent for one in session.players):
            self._span(name, traceparent, session, session.claimed_ms)

    def _span(self, name: str, traceparent: str, session: Session, began_ms: int) -> None:
        self._traces.span(
            name,
            traceparent,
            began_us=began_ms * 1000,
            ended_us=self._clock.wall_us(),
            match=session.match,
            server=session.server,
            room=session.room,
        )
