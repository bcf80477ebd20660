"""Invariants of the end of a run: nobody is missing, and nothing that should end goes on."""

from collections.abc import Iterator

from readyup.history import witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Fleet, Handlers, Story, Ticket


class Conserved(Invariant):
    """Everybody who arrived is waiting, playing or gone, in the log and in the last figures."""

    title = "10 players are conserved"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._accepted: list[own.BotEnqueue] = []

    def handlers(self) -> Handlers:
        return {own.BotEnqueue: self._answered}

    def _answered(self, e: own.BotEnqueue) -> None:
        if e.ph == "ok":
            self._accepted.append(e)

    def finish(self) -> None:
        for e in self._accepted:
            self.judged += 1
            ticket = self.story.tickets.get(e.ticket or "")
            if ticket is None:
                detail = f"{e.player} got ticket {e.ticket}, which is not in queue {e.queue}"
                self.breach(detail, e.ticket or e.player)
            elif e.player not in ticket.players:
                detail = f"{e.player} got ticket {e.ticket}, which is for others"
                self.breach(detail, e.ticket or e.player)
        for name, match in self.story.matches.items():
            if match.committed and match.announced_ms is None:
                self.judged += 1
                if not self.story.sessions_of(match.of or name):
                    self.breach(f"{name} is committed, and no fleet gave it a room", name)
        self._count()

    def _count(self) -> None:
        ended = self.story.ended
        if ended is None:
            return
        self.judged += 2
        tickets = self.story.tickets.values()
        arrived = sum(len(ticket.players) for ticket in tickets)
        playing = sum(len(ticket.players) for ticket in tickets if self._plays(ticket))
        waiting = sum(len(ticket.players) for ticket in tickets if not ticket.has_left)
        left = arrived - playing - waiting
        final = ended.final
        if final.waiting != waiting:
            detail = (
                f"{arrived} players arrived, {playing} play, {left} left,"
                f" so {waiting} wait; the store counts {final.waiting}"
            )
            self.breach(detail, "run")
        live = sum(not ticket.has_left for ticket in tickets)
        if final.live_tickets != live:
            detail = f"{final.live_tickets} tickets live at the end; the log accounts for {live}"
            self.breach(detail, "run")

    def _plays(self, ticket: Ticket) -> bool:
        return bool(ticket.match) and not self.story.played(ticket.match).ended


class EverythingEnds(Invariant):
    """Judged only when the run was drained: no ticket, match, room or process is left over."""

    title = "13 when faults stop, everything comes to its end"

    def finish(self) -> None:
        if not self.story.drained:
            return
        for name, ticket in self.story.tickets.items():
            self.judged += 1
            if not ticket.has_left:
                self.breach(f"ticket {name} never left its queue", name)
        for name in self.story.matches:
            self.judged += 1
            if stuck := self._stuck(name):
                self.breach(f"{name} was {stuck}", name)
        for fleet in self.story.fleets.values():
            for detail, match in self._left_over(fleet):
                self.breach(detail, match)
        if self.story.ended and self.story.ended.final.processes:
            self.breach(f"{self.story.ended.final.processes} processes were left behind", "run")

    def _stuck(self, name: str) -> str:
        match = self.story.matches[name]
        if not match.committed:
            # One that was announced all the same is named by invariant 2.
            decided = match.closed or match.announced_ms is not None
            return "" if decided else "proposed, and neither committed nor closed"
        if match.ended or match.closed or self.story.played(name).ended:
            return ""
        if match.announced_ms is None:
            return "committed, and never announced"
        return "announced, and never ended for its players"

    def _left_over(self, fleet: Fleet) -> Iterator[tuple[str, str]]:
        for match, session in fleet.sessions.items():
            self.judged += 1
            if session.live:
                yield f"the session of {match} in room {session.now.room} never ended", match
        for match in sorted(fleet.in_line):
            yield f"{match} still waits in line for a room", match
