"""Answers about one server, one match, one ticket, or the promises.

The feed remembers what passed by, Redis keeps records, and this machine may hold the
servers' own files. Every question comes from outside: an id that has not the shape of one
never becomes a key or a path.
"""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from core.errors import NotFound
from core.ids import MatchId, queue_of
from core.redis import Store
from readyup.console import views
from readyup.console.detail import (
    MatchDetail,
    PromisesDetail,
    RoomDetail,
    SeatView,
    ServerDetail,
    ServerMatch,
    ServerName,
    StepView,
    TeamView,
    TicketDetail,
)
from readyup.console.feed import Feed
from readyup.console.known import Known
from readyup.console.sizes import FleetDetail, fleet_detail
from readyup.console.stored import Record, Stored, StoredTicket, session_steps, teams_of
from readyup.console.timeline import MatchLine, Step, TicketLine, in_order
from readyup.console.witnessed import Witnessed

ID = re.compile(r"[a-z0-9-]{1,40}\.[0-9a-f]{8,32}")
MATCHES_MAX = 20
ROOMS_MAX = 64


class Lookup:
    """Looks things up for the console's pages.

    ``run_dir`` is where the servers' files are; None when they are not on this machine.
    """

    def __init__(self, feed: Feed, store: Store, *, run_dir: Path | None = None) -> None:
        self._feed, self._store = feed, store
        self._stored = Stored(store, feed.queue_keys)
        self._files = Witnessed(run_dir) if run_dir else None

    async def fleet(self, name: str) -> FleetDetail:
        """A fleet's page.

        Raises:
            NotFound: there is none of that name.
        """
        if name not in self._feed.reading.fleets:
            raise NotFound(f"no fleet {name!r}; there are: {', '.join(self._feed.reading.fleets)}")
        return await fleet_detail(self._store, name, now_ms=self._feed.now_ms())

    async def server(self, uid: str) -> ServerDetail:
        """A server's page.

        Raises:
            NotFound: no server of that uid runs here or ran lately.
        """
        known = self._feed.known.get(uid)
        if known is None:
            raise NotFound(
                "no server of that uid runs here, or did lately; the console's first page"
                " lists those that do"
            )
        reading = self._feed.reading.fleets.get(known.view.fleet)
        beat = reading.beats.get(uid) if reading else None
        letters = views.room_letters(known.view, reading) if reading and not known.gone else ""
        tile = views.tile(
            known.view,
            letters,
            beat,
            shared=views.sharing(reading).get(uid, 0) if reading else 0,
            now_ms=self._feed.now_ms(),
        )
        return ServerDetail(
            now_ms=self._feed.now_ms(),
            fleet=known.view.fleet,
            tile=tile,
            pid=known.view.pid,
            created_ms=known.view.created_ms,
            beat_ms=beat.beat_ms if beat else 0,
            gone=known.gone,
            gone_ms=known.gone_ms,
            rooms=() if known.gone else await self._rooms(known, len(letters)),
            ticks=self._feed.ticks.of(uid),
            matches=tuple(
                server_match(line) for line in self._feed.timelines.on_server(uid, MATCHES_MAX)
            ),
            log=await self._log(known.view.name),
        )

    async def match(self, name: str) -> MatchDetail:
        """A match's page.

        Raises:
            NotFound: no such match, or it is over for longer than an hour.
        """
        queue = self._queue(name, "match")
        line, source = self._feed.timelines.match(name), "streams"
        if line is None:
            line, source = await self._stored.match(queue, name), "store"
        if line is None:
            raise _not_here("match", name)
        session = await self._stored.session(line.fleet, line.match) if line.fleet else {}
        steps = await self._steps_of(line, session)
        tickets = {name: await self._ticket(queue, name) for name in line.tickets}
        steps += [
            Step(t.enqueued_ms, f"queue/{queue}", "ticket.enqueued", f"{_who(t)} enqueued")
            for t in tickets.values()
            if t and t.enqueued_ms
        ]
        zero_ms = min(
            (t.enqueued_ms for t in tickets.values() if t and t.enqueued_ms),
            default=min((step.t_ms for step in steps), default=0),
        )
        address, port = session.get("address", ""), session.get("port", "")
        seats = teams_of(session) or line.teams
        open_ = await self._stored.open_seats(queue, line.match)
        came = {ticket for team in seats.values() for ticket, _ in team} - tickets.keys()
        tickets |= {ticket: await self._ticket(queue, ticket) for ticket in came}
        return MatchDetail(
            match=line.match,
            queue=queue,
            state=line.state,
            reason=line.reason,
            zero_ms=zero_ms,
            fleet=line.fleet,
            room=line.room,
            server=self._name(line.server),
            address=f"{address}:{port}" if address else "",
            epochs=tuple(line.epochs),
            teams=tuple(
                team(name, seats.get(name, []), tickets, line, open_=open_.get(name, 0))
                for name in sorted({*seats, *open_})
            ),
            tickets=line.tickets,
            receipt=line.receipt,
            steps=self._steps(steps, zero_ms),
            source=source,
        )

    async def ticket(self, name: str) -> TicketDetail:
        """A ticket's page, with the steps of every match that was proposed with it.

        Raises:
            NotFound: no such ticket, or it ended longer than an hour ago.
        """
        queue = self._queue(name, "ticket")
        line, source = self._feed.timelines.ticket(name), "streams"
        stored = await self._stored.ticket(queue, line.ticket if line else name)
        if line is None and stored is not None:
            line, source = stored.line, "store"
        if line is None:
            raise _not_here("ticket", name)
        steps = list(line.steps)
        for match in dict.fromkeys(line.matches):
            found = self._feed.timelines.match(match) or await self._stored.match(queue, match)
            if found is not None:
                session = await self._stored.session(found.fleet, match) if found.fleet else {}
                steps += await self._steps_of(found, session)
        return TicketDetail(
            ticket=line.ticket,
            queue=queue,
            status=stored.status if stored else "",
            reason=stored.reason if stored else "",
            players=line.players,
            mmr=line.mmr,
            zero_ms=line.enqueued_ms,
            expires_ms=stored.expires_ms if stored else 0,
            matches=tuple(dict.fromkeys(line.matches)),
            steps=self._steps(steps, line.enqueued_ms),
            source=source,
        )

    def promises(self) -> PromisesDetail:
        """The page of the promises."""
        check = self._feed.check
        if check is None:
            return PromisesDetail(None, whole=False, broken=(), judged={})
        return PromisesDetail(check.promises(), check.is_whole(), check.broken(), check.judged())

    def _queue(self, name: str, what: str) -> str:
        queue = queue_of(MatchId(name))
        if not ID.fullmatch(name) or queue not in self._feed.queue_keys:
            queues = ", ".join(self._feed.queue_keys)
            raise NotFound(
                f"that is no id of a {what} here; one is a queue's name ({queues}), a dot and"
                " 32 hex digits, of which the last eight are enough for a recent one"
            )
        return queue

    async def _ticket(self, queue: str, name: str) -> TicketLine | None:
        line = self._feed.timelines.ticket(name)
        if line is not None:
            return line
        stored: StoredTicket | None = await self._stored.ticket(queue, name)
        return stored.line if stored else None

    async def _steps_of(self, line: MatchLine, session: Record) -> list[Step]:
        """A match's steps, with who joined: by its servers' own word, else by its session's."""
        steps = [*line.steps, *await self._told(line)]
        if not any(step.kind == "player.joined" for step in steps):
            joined = session_steps(line.fleet, session)
            steps += [step for step in joined if step.kind == "player.joined"]
        return steps

    async def _told(self, line: MatchLine) -> list[Step]:
        """What the match's servers say of it themselves."""
        if self._files is None:
            return []
        uids = {step.server for step in line.steps if step.server} | {line.server}
        names = sorted({k.view.name for uid in uids if (k := self._feed.known.get(uid))})
        found: list[Step] = []
        for name in names:
            found += await asyncio.to_thread(self._files.told, name, line.match)
        return found

    async def _log(self, name: str) -> tuple[str, ...] | None:
        if self._files is None:
            return None
        lines = await asyncio.to_thread(self._files.log, name)
        return None if lines is None else tuple(lines)

    async def _rooms(self, known: Known, many: int) -> tuple[RoomDetail, ...]:
        uid, fleet = known.view.uid, known.view.fleet
        found = []
        for n in range(min(many, ROOMS_MAX)):
            held = await self._stored.room(fleet, f"{uid}/{n}")
            match = held.get("match", "")
            found.append(
                RoomDetail(
                    room=f"{uid}/{n}",
                    state=held.get("state", ""),
                    match=match,
                    queue=queue_of(MatchId(match)),
                    epoch=int(held.get("epoch") or 0),
                    served=int(held.get("served") or 0),
                )
            )
        return tuple(found)

    def _steps(self, steps: list[Step], zero_ms: int) -> tuple[StepView, ...]:
        return tuple(
            StepView(
                t_ms=step.t_ms,
                since_ms=step.t_ms - zero_ms,
                src=step.src,
                kind=step.kind,
                words=step.words,
                server=self._name(step.server),
            )
            for step in in_order(steps)
        )

    def _name(self, uid: str) -> ServerName | None:
        if not uid:
            return None
        known = self._feed.known.get(uid)
        return ServerName(uid if known else "", known.view.name if known else uid[:8])


def team(
    name: str,
    seats: list[tuple[str, str]],
    tickets: Mapping[str, TicketLine | None],
    match: MatchLine,
    *,
    open_: int,
) -> TeamView:
    """One team, with what is known of its players' tickets."""
    placed_ms = next((s.t_ms for s in match.steps if s.kind == "match.announced"), 0)
    until_ms = placed_ms or max((step.t_ms for step in match.steps), default=0)
    views_of = []
    for ticket, player in seats:
        line = tickets.get(ticket)
        newcomer = bool(match.tickets) and ticket not in match.tickets
        waited = until_ms - line.enqueued_ms if line and line.enqueued_ms else None
        mmr, waited = line.mmr if line else None, None if newcomer else waited
        views_of.append(SeatView(player, ticket, mmr, waited, newcomer))
    rated = [seat.mmr for seat in views_of if seat.mmr is not None]
    mean = sum(rated) / len(rated) if rated else None
    return TeamView(name, mean, tuple(views_of), open_)


def server_match(line: MatchLine) -> ServerMatch:
    """A match in a server's list."""
    over = [s.t_ms for s in line.steps if s.kind in {"session.ended", "match.ended"}]
    return ServerMatch(
        match=line.match,
        queue=queue_of(MatchId(line.match)),
        room=line.room,
        state=line.state,
        reason=line.reason,
        players=sum(len(seats) for seats in line.teams.values()),
        began_ms=next((s.t_ms for s in line.steps if s.kind == "room.claimed"), 0),
        ended_ms=max(over, default=0),
    )


def _who(ticket: TicketLine) -> str:
    rated = "" if ticket.mmr is None else f", MMR {ticket.mmr:.0f},"
    return f"{', '.join(ticket.players)}{rated}"


def _not_here(what: str, name: str) -> NotFound:
    return NotFound(
        f"no {what} {name} is known: records are kept for an hour after the end; look into the"
        " history of the run, or follow a link of the console's first page"
    )
