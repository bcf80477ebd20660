"""One player's witness: each thing that happens is written to the event file and counted."""

import asyncio
from typing import Any

from core.eventfile import EventFile
from readyup.bots.messages import Assigned, Assignment, Ended, Hello, Push, Ticket, TicketNews
from readyup.bots.ports import LinkQuality
from readyup.bots.standing import Deed, Standing
from readyup.bots.tally import Tally, Trouble

_ENDS = {"COMPLETED": "assigned", "CANCELLED": "cancelled", "TIMED_OUT": "expired"}


class Diary:
    """Says ``invoke`` before a request and ``ok``, ``fail`` or ``info`` (outcome unknown) after."""

    def __init__(self, player: str, queue: str, tally: Tally, events: EventFile | None) -> None:
        self._player = player
        self._queue = queue
        self._tally = tally
        self._events = events
        self._counted = tally.queue(queue)

    def _write(self, kind: str, **fields: object) -> None:
        if self._events is not None:
            self._events.write(kind, src=f"bot/{self._player}", player=self._player, **fields)

    def enqueue(self, phase: str, key: str, **fields: object) -> None:
        """``phase`` is invoke, ok, fail or info; an ok carries ``ticket`` and ``players``."""
        self._write("bot.enqueue", ph=phase, queue=self._queue, key=key, **fields)

    def cancel(self, phase: str, ticket: str, **fields: object) -> None:
        self._write("bot.cancel", ph=phase, ticket=ticket, **fields)

    def answered(self, ticket: str, match: str, *, accept: bool) -> None:
        """A match is about to be told whether the player comes."""
        self._write("bot.answered", ticket=ticket, match=match, accept=accept)

    def heard(
        self, push: Push, before: Standing, after: Standing, deed: Deed, *, waited_ms: float | None
    ) -> None:
        """A push came and did this; what was known already is not written again.

        ``waited_ms`` is of a new assignment, None when its wait is not known.
        """
        news = (after.ticket, after.ver) != (before.ticket, before.ver)
        match push:
            case TicketNews(ticket=Ticket() as ticket) | Hello(ticket=Ticket() as ticket) if news:
                self.told(ticket)
            case Assigned(ticket=ticket, assignment=to) if deed is Deed.PLAY:
                self.assigned(ticket, to, waited_ms)
                if before.joined and before.match == to.match:
                    self._tally.handovers["tried"] += 1
            case Ended(match=ended, reason=reason) if ended == before.match:
                self.ended(ended, reason)
            case _:
                pass

    def told(self, ticket: Ticket) -> None:
        """A push about the ticket came."""
        self._counted.ticket_created(ticket.id)
        if end := _ENDS.get(ticket.status):
            self._counted.ticket_ended(ticket.id, end)
        elif ticket.status == "FAILED":
            self._counted.ticket_ended(ticket.id, "failed")
            # A match that runs may come to its end while a newcomer is on the way to it.
            if ticket.reason != "finished":
                self.error("ticket_failed")
        self._write("bot.told", ticket=ticket.id, status=ticket.status, ver=ticket.ver)

    def assigned(self, ticket: Ticket, to: Assignment, wait_ms: float | None) -> None:
        """A place to play; ``wait_ms`` is None when unknown, or when the match was moved."""
        self._counted.ticket_created(ticket.id)
        self._counted.ticket_ended(ticket.id, "assigned")
        self._counted.matches_made.add(to.match)
        fields: dict[str, object] = {} if wait_ms is None else {"wait_ms": round(wait_ms, 1)}
        if wait_ms is not None:
            self._tally.waited(self._queue, wait_ms)
        self._write(
            "bot.assigned",
            ticket=ticket.id,
            match=to.match,
            server=to.server,
            session_epoch=to.epoch,
            ver=ticket.ver,
            **fields,
        )

    def led_back(self, standing: Standing, to: Assignment) -> None:
        """The API told of a match whose assignment was pushed while the line was away."""
        # A ticket it never heard of: its party's leader asked, and the line was away since.
        ver = standing.ver if standing.ticket == to.ticket else 0
        self.assigned(Ticket(to.ticket, "COMPLETED", ver), to, None)

    def joined(self, standing: Standing, to: Assignment) -> None:
        """A game server let it in; ``standing`` is from before."""
        rejoin = standing.joined and to.epoch == standing.epoch
        if 0 < standing.played_epoch < to.epoch:
            if standing.joined:  # it had asked the way, and nobody had told it of another
                self._tally.handovers["tried"] += 1
            self._tally.handovers["succeeded"] += 1
        self._counted.matches_made.add(to.match)
        self._write(
            "bot.joined", match=to.match, server=to.server, session_epoch=to.epoch, rejoin=rejoin
        )

    def rejoin(self, how: str) -> None:
        """``tried`` or ``succeeded``."""
        self._tally.rejoins[how] += 1

    def dropped(self, match: str) -> None:
        self._write("bot.dropped", match=match)

    def result(self, match: str, result: dict[str, Any], quality: LinkQuality) -> None:
        self._tally.linked(quality)
        self._counted.matches_completed.add(match)
        self._write("bot.result", match=match, result=result)

    def ended(self, match: str, reason: str) -> None:
        if reason == "finished":
            self._counted.matches_completed.add(match)
        elif reason in {"lost", "abandoned"}:
            self.error("match_lost")
        self._write("bot.ended", match=match, reason=reason)

    def round_done(self, seconds: float) -> None:
        self._tally.round_done(seconds)

    def crashed(self) -> None:
        self._write("bot.crashed")

    def left(self) -> None:
        self._write("bot.left")

    def error(self, kind: str, *, match: str = "") -> None:
        t_s = asyncio.get_running_loop().time()
        self._tally.error(Trouble(t_s, kind, self._player, match))
