"""Reading one queue: its tickets, its matches, and what a director must pick up."""

from collections.abc import Sequence

import msgspec

from core.ids import FleetName, MatchId, PlayerId, TicketId
from core.pause import PauseKey
from core.placement import Placement
from core.redis import Store
from matchmaker.settings import QueueSettings
from matchmaker.tickets import (
    Acceptance,
    Fill,
    MatchRecord,
    Status,
    Teams,
    TicketPlayer,
    TicketRecord,
    WaitingTicket,
)


class Body(msgspec.Struct, omit_defaults=True):
    """What a director needs of a ticket, as stored and as logged."""

    players: list[PlayerId]
    mmr: float
    traceparent: str = ""
    members: list[TicketPlayer] = []
    """What a rule set looks at; not kept where only ratings count."""

    apart: dict[PlayerId, int] = {}
    """Whom it is not matched with, and until when; 0 is always."""


_body = msgspec.json.Decoder(Body).decode
_players = msgspec.json.Decoder(list[PlayerId]).decode
_tickets = msgspec.json.Decoder(list[TicketId]).decode
_teams = msgspec.json.Decoder(Teams).decode
fleets_of = msgspec.json.Decoder(tuple[FleetName, ...]).decode
_placement = msgspec.json.Decoder(Placement).decode
_fill = msgspec.json.Decoder(Fill).decode

LIVE = ("QUEUED", "REQUIRES_ACCEPTANCE", "PLACING")
"""Statuses of tickets that have not left their queue."""

PAGE = 500
"""Tickets read in one go by a director that takes over."""


class Records:
    """The read side of one queue; its keys are described in docs/redis-keys.md."""

    def __init__(self, store: Store, settings: QueueSettings) -> None:
        self.store = store
        self.settings = settings
        self.base = settings.base()
        self.log = f"{self.base}:log"
        self.out = f"{self.base}:out"
        self.leader = f"{self.base}:leader"
        self.index = f"{settings.tag()}:players"
        self.pause = PauseKey(store, f"{self.base}:paused")
        """While it is set no match is proposed; tickets come, wait and leave as ever."""

    async def ticket(self, ticket: TicketId) -> TicketRecord | None:
        """One ticket as it is now, for an hour after it ended."""
        fields = (
            "status",
            "ver",
            "players",
            "owner",
            "enqueued_ms",
            "expires_ms",
            "match",
            "reason",
            "accept_by_ms",
            "accepted",
            "why",
        )
        held = await self.store.call("HMGET", f"{self.base}:ticket:{ticket}", *fields)
        if held[0] is None:
            return None
        status, ver, players, owner, enqueued_ms, expires_ms, match, reason, *asked, why = held
        return TicketRecord(
            id=ticket,
            queue=self.settings.name,
            status=status_of(status),
            ver=int(ver),
            players=tuple(_players(players)),
            owner=owner,
            enqueued_ms=int(enqueued_ms),
            expires_ms=int(expires_ms),
            match=MatchId(match) if match else None,
            reason=reason or "",
            why=why or "",
            acceptance=_acceptance(match, *asked) if status == "REQUIRES_ACCEPTANCE" else None,
        )

    async def ticket_of(self, player: PlayerId) -> TicketId | None:
        """The ticket a player waits with, in any queue of the group."""
        found = await self.store.call("HGET", self.index, player)
        return TicketId(found) if found else None

    async def match(self, match: MatchId) -> MatchRecord | None:
        """One match as it is now."""
        fields = ("state", "tickets", "teams", "deadline_ms", "placement", "ended", "fleets")
        held = await self.store.call(
            "HMGET", f"{self.base}:match:{match}", *fields, "fill", "fills"
        )
        if held[0] is None:
            return None
        state, tickets, teams, deadline_ms, placement, ended, fleets, fill, fills = held
        return MatchRecord(
            id=match,
            state=state,
            tickets=tuple(_tickets(tickets)),
            teams=_teams(teams),
            deadline_ms=int(deadline_ms),
            placement=_placement(placement) if placement else None,
            ended=ended or "",
            fleets=fleets_of(fleets) if fleets else self.settings.fleets(),
            fill=_fill(fill) if fill else None,
            fills=int(fills or 0),
        )

    async def waiting(self, tickets: Sequence[TicketId]) -> list[WaitingTicket]:
        """Those of the tickets that wait and are not being placed."""
        return [ticket for status, ticket in await self.held(tickets) if status == "QUEUED"]

    async def held(self, tickets: Sequence[TicketId]) -> list[tuple[str, WaitingTicket]]:
        """Those of the tickets that have not ended, each with its status."""
        found = []
        for start in range(0, len(tickets), PAGE):
            page = tickets[start : start + PAGE]
            asked = [
                ("HMGET", f"{self.base}:ticket:{ticket}", "status", "body", "enqueued_ms")
                for ticket in page
            ]
            for ticket, held in zip(page, await self.store.many(asked), strict=True):
                if held[0] in LIVE:
                    found.append((held[0], waiting_ticket(ticket, held[1], int(held[2]))))
        return found

    async def traceparents(self, tickets: Sequence[TicketId]) -> dict[TicketId, str]:
        """Which of the tickets are traced, and as what."""
        asked = [("HGET", f"{self.base}:ticket:{ticket}", "body") for ticket in tickets]
        held = zip(tickets, await self.store.many(asked), strict=True)
        return {ticket: said for ticket, body in held if body and (said := _body(body).traceparent)}

    async def live(self) -> list[TicketId]:
        """Every ticket that has not ended, soonest deadline first."""
        return [
            TicketId(ticket)
            for ticket in await self.store.call("ZRANGE", f"{self.base}:live", 0, -1)
        ]

    async def unfinished(self) -> tuple[list[MatchId], list[MatchId]]:
        """Matches that were proposed and not committed, and committed and not announced."""
        placing = await self.store.call("ZRANGE", f"{self.base}:placing", 0, -1)
        unannounced = await self.store.call("ZRANGE", f"{self.base}:unannounced", 0, -1)
        return [MatchId(match) for match in placing], [MatchId(match) for match in unannounced]

    async def overdue(self, *, now_ms: int) -> list[MatchId]:
        """Proposed matches whose deadline has passed."""
        due = await self.store.call(
            "ZRANGEBYSCORE", f"{self.base}:placing", "-inf", now_ms, "LIMIT", 0, 100
        )
        return [MatchId(match) for match in due]


def waiting_ticket(ticket: TicketId, body: str, enqueued_ms: int) -> WaitingTicket:
    """A ticket for the engine, from its stored body."""
    held = _body(body)
    return WaitingTicket(
        ticket,
        tuple(held.players),
        held.mmr,
        enqueued_ms,
        held.traceparent,
        tuple(held.members),
        held.apart,
    )


def _acceptance(match: str, by_ms: str, accepted: str) -> Acceptance:
    return Acceptance(MatchId(match), int(by_ms), tuple(_players(accepted) if accepted else ()))


def status_of(stored: str) -> Status:
    """The status a reader is told."""
    # Committed and not yet announced: the answer may still be lost with the primary.
    return Status.PLACING if stored == "COMMITTED" else Status(stored)
