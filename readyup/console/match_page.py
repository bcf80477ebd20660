"""One match: where it is played, by whom, why it was made, and every step on its way."""

from collections.abc import Mapping

from readyup.console.detail import MatchDetail, SeatView, TeamView
from readyup.console.sources import Sources, not_here
from readyup.console.stored import teams_of
from readyup.console.timeline import MatchLine, Step, TicketLine

Tickets = Mapping[str, TicketLine | None]
"""By id; None for one that is not known any more."""


async def match_detail(sources: Sources, name: str) -> MatchDetail:
    """What there is to know of a match.

    Raises:
        NotFound: no such match, or it is over for longer than an hour.
    """
    queue = sources.queue_of(name, "match")
    line, source = await sources.match(queue, name)
    if line is None:
        raise not_here("match", name)
    session = await sources.session(line)
    tickets = {one: await sources.ticket(queue, one) for one in line.tickets}
    steps = [*await sources.steps_of(line, session), *_enqueued(queue, tickets)]
    zero_ms = min(
        (t.enqueued_ms for t in tickets.values() if t and t.enqueued_ms),
        default=min((step.t_ms for step in steps), default=0),
    )
    address, port = session.get("address", ""), session.get("port", "")
    seats = teams_of(session) or line.teams
    open_ = await sources.stored.open_seats(queue, line.match)
    came = {ticket for team in seats.values() for ticket, _ in team} - tickets.keys()
    tickets |= {ticket: await sources.ticket(queue, ticket) for ticket in came}
    return MatchDetail(
        match=line.match,
        queue=queue,
        state=line.state,
        reason=line.reason,
        of=line.of,
        zero_ms=zero_ms,
        fleet=line.fleet,
        room=line.room,
        server=sources.server(line.server),
        address=f"{address}:{port}" if address else "",
        epochs=tuple(line.epochs),
        teams=tuple(
            _team(team, seats.get(team, []), tickets, line, open_=open_.get(team, 0))
            for team in sorted({*seats, *open_})
        ),
        tickets=line.tickets,
        receipt=line.receipt,
        steps=sources.shown(steps, zero_ms=zero_ms),
        source=source,
    )


def _enqueued(queue: str, tickets: Tickets) -> list[Step]:
    return [
        Step(t.enqueued_ms, f"queue/{queue}", "ticket.enqueued", f"{_who(t)} enqueued")
        for t in tickets.values()
        if t and t.enqueued_ms
    ]


def _team(
    name: str, seats: list[tuple[str, str]], tickets: Tickets, match: MatchLine, *, open_: int
) -> TeamView:
    """One team, with what is known of its players' tickets."""
    placed_ms = next((s.t_ms for s in match.steps if s.kind == "match.announced"), 0)
    until_ms = placed_ms or max((step.t_ms for step in match.steps), default=0)
    shown = []
    for ticket, player in seats:
        line = tickets.get(ticket)
        newcomer = bool(match.tickets) and ticket not in match.tickets
        waited = until_ms - line.enqueued_ms if line and line.enqueued_ms else None
        mmr, waited = line.mmr if line else None, None if newcomer else waited
        shown.append(SeatView(player, ticket, mmr, waited, newcomer))
    rated = [seat.mmr for seat in shown if seat.mmr is not None]
    mean = sum(rated) / len(rated) if rated else None
    return TeamView(name, mean, tuple(shown), open_)


def _who(ticket: TicketLine) -> str:
    rated = "" if ticket.mmr is None else f", MMR {ticket.mmr:.0f},"
    return f"{', '.join(ticket.players)}{rated}"
