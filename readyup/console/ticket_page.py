"""One ticket: who asked, what became of it, and every step on its way."""

from readyup.console.detail import TicketDetail
from readyup.console.sources import Sources, not_here


async def ticket_detail(sources: Sources, name: str) -> TicketDetail:
    """What there is to know of a ticket, with the steps of every match that was proposed with it.

    Raises:
        NotFound: no such ticket, or it ended longer than an hour ago.
    """
    queue = sources.queue_of(name, "ticket")
    line, source = sources.feed.timelines.ticket(name), "streams"
    stored = await sources.stored.ticket(queue, line.ticket if line else name)
    if line is None and stored is not None:
        line, source = stored.line, "store"
    if line is None:
        raise not_here("ticket", name)
    matches, steps = tuple(dict.fromkeys(line.matches)), list(line.steps)
    for match in matches:
        found, _ = await sources.match(queue, match)
        if found is not None:
            steps += await sources.steps_of(found, await sources.session(found))
    return TicketDetail(
        ticket=line.ticket,
        queue=queue,
        status=stored.status if stored else "",
        reason=stored.reason if stored else "",
        players=line.players,
        mmr=line.mmr,
        zero_ms=line.enqueued_ms,
        expires_ms=stored.expires_ms if stored else 0,
        matches=matches,
        steps=sources.shown(steps, zero_ms=line.enqueued_ms),
        source=source,
    )
