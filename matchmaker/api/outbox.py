"""Pushes to those who wait: the announcements of all queues, to the mailboxes of this process.

A push is state, not a message. A mailbox holds the latest state of each ticket and match;
a reader that is slow or comes back late gets the newest and has missed nothing that counts.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from core.clock import Clock
from core.eventfile import EventFile
from core.eventlog import Event, last_id, tail
from core.ids import MatchId, PlayerId, QueueName, TicketId
from core.placement import Placement
from matchmaker.api.asking import asked_of
from matchmaker.api.desk import Desk
from matchmaker.api.shapes import Assignment, TicketOut
from matchmaker.tickets import Acceptance, MatchRecord, Status, Teams


@dataclass(frozen=True, slots=True)
class Push:
    """One state to be told."""

    message: dict[str, Any]
    ver: int = 0
    match: MatchId | None = None
    ticket: TicketId | None = None
    epoch: int = 0
    formed_us: int = 0
    """When match and free room both existed; 0 when this push says nothing new about it."""

    announced_ms: int = 0
    traceparent: str = ""
    """Of the ticket's trace; empty when it is not traced."""


@dataclass(eq=False)
class Mailbox:
    """What one reader has not been told yet: at most one state per subject."""

    player: PlayerId | None
    """None for a back end that watches a ticket."""

    _held: dict[str, Push] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, subject: str, push: Push) -> None:
        """Hold a state; it replaces an older one of the same subject."""
        self._held[subject] = push
        self._news.set()

    def put_first(self, subject: str, push: Push) -> None:
        """Hold a state that is told before all that is held already."""
        self._held = {subject: push, **self._held}
        self._news.set()

    def __len__(self) -> int:
        return len(self._held)

    async def take(self) -> list[Push]:
        """Everything held, oldest subject first; waits until there is something."""
        await self._news.wait()
        self._news.clear()
        held, self._held = list(self._held.values()), {}
        return held


class Outbox:
    """Who wants to hear of which players and tickets, and what they are told."""

    def __init__(self, desk: Desk, *, clock: Clock, witness: EventFile | None = None) -> None:
        self._desk = desk
        self._clock = clock
        self._witness = witness
        # Dictionaries, since a set of mailboxes iterates in address order: pushes and their
        # tokens come in the order in which readers came, in every run.
        self._players: dict[PlayerId, dict[Mailbox, None]] = defaultdict(dict)
        self._tickets: dict[TicketId, dict[Mailbox, None]] = defaultdict(dict)

    def listen(self, mailbox: Mailbox, *, ticket: TicketId | None = None) -> None:
        """Let a mailbox hear of its player, and of one ticket besides."""
        if mailbox.player is not None:
            self._players[mailbox.player][mailbox] = None
        if ticket is not None:
            self._tickets[ticket][mailbox] = None

    def leave(self, mailbox: Mailbox, *, ticket: TicketId | None = None) -> None:
        """Stop; twice is fine."""
        if mailbox.player is not None:
            _drop(self._players, mailbox.player, mailbox)
        if ticket is not None:
            _drop(self._tickets, ticket, mailbox)

    async def follow(self, queue: QueueName, stop: asyncio.Event) -> None:
        """Tell what one queue announces, from now on, until ``stop``."""
        store = self._desk.queues[queue]
        after = await last_id(store.store, store.out)
        async for event in tail(store.store, store.out, after, stop):
            match event["k"]:
                case "ticket":
                    await self._desk.estimates[queue].refresh()
                    self._tell_ticket(queue, event)
                case "assigned":
                    self._tell_assigned(queue, event)
                case "ended":
                    self._tell_ended(event)
                case _:
                    pass

    def sent(self, push: Push, mailbox: Mailbox) -> None:
        """A push has left this process: note it as a witness, and how long it took."""
        if push.match is None or push.ticket is None:
            return
        fields: dict[str, Any] = {
            "ticket": push.ticket,
            "match": push.match,
            "ver": push.ver,
            "players": [mailbox.player] if mailbox.player else [],
            "session_epoch": push.epoch,
        }
        if push.formed_us:  # else they are told of another place, and had waited before
            now_us, ticket = self._clock.wall_us(), push.message["ticket"]
            place_us = fields["place_us"] = max(0, now_us - push.formed_us)
            waited_s = max(0, now_us // 1000 - ticket.enqueued_ms) / 1000
            self._desk.metrics.place_seconds.labels(ticket.queue).observe(place_us / 1e6)
            self._desk.metrics.wait_seconds.labels(ticket.queue).observe(waited_s)
        self._desk.traces.span(
            "ticket.push",
            push.traceparent,
            began_us=push.announced_ms * 1000,
            ended_us=self._clock.wall_us(),
            ticket=push.ticket,
            match=push.match,
        )
        if self._witness is not None:
            self._witness.write("api.pushed", **fields)

    def _tell_ticket(self, queue: QueueName, event: Event) -> None:
        ticket = TicketId(event["ticket"])
        if event["status"] == "COMMITTED":
            return  # told when it is announced
        again = partial(self._tell_ticket, queue, event)
        if event["ver"] == 1 and self._desk.in_doubt.hold(ticket, again):
            return
        self._desk.in_doubt.known(ticket)  # what came after was built on it, and lasts
        out = TicketOut(
            id=ticket,
            queue=queue,
            status=event["status"],
            ver=event["ver"],
            players=event["players"],
            enqueued_ms=event["enqueued_ms"],
            reason=event["reason"],
            why=event.get("why", ""),
            acceptance=asked_of(_acceptance(event)),
        )
        if out.status == Status.QUEUED:
            estimates = self._desk.estimates[queue]
            out.estimated_wait_s = estimates.of(len(out.players), out.enqueued_ms)
        push = Push({"type": "ticket", "ticket": out}, ver=out.ver)
        for mailbox in self._listeners(ticket, out.players):
            mailbox.put(ticket, push)

    def _tell_assigned(self, queue: QueueName, event: Event) -> None:
        placement = msgspec.convert(event["placement"], Placement)
        teams: Teams = {
            team: [(TicketId(ticket), PlayerId(player)) for ticket, player in seats]
            for team, seats in event["teams"].items()
        }
        match = MatchRecord(placement.match, "committed", (), teams, 0, placement, "")
        parties: dict[TicketId, list[PlayerId]] = defaultdict(list)
        for seats in teams.values():
            for ticket, player in seats:
                parties[ticket].append(player)
        for ticket, players in parties.items():
            if ticket not in event["vers"]:
                continue
            self._desk.in_doubt.known(ticket)
            out = TicketOut(
                id=ticket,
                queue=queue,
                status=Status.COMPLETED,
                ver=event["vers"][ticket],
                players=list(players),
                enqueued_ms=event["enqueued"][ticket],
            )
            for mailbox in self._listeners(ticket, out.players):
                mailbox.put(ticket, self._assigned_push(out, match, placement, mailbox, event))

    def _assigned_push(
        self,
        out: TicketOut,
        match: MatchRecord,
        placement: Placement,
        mailbox: Mailbox,
        event: Event,
    ) -> Push:
        message: dict[str, Any] = {"type": "assignment", "ticket": out}
        if mailbox.player is not None:
            message["assignment"] = self._desk.ways.assignment(match, placement, mailbox.player)
        else:
            ways: dict[str, Assignment | None] = {
                player: self._desk.ways.assignment(match, placement, PlayerId(player))
                for player in out.players
            }
            message["assignments"] = ways
        return Push(
            message,
            out.ver,
            placement.match,
            TicketId(out.id),
            placement.epoch,
            formed_us=int(event["formed_us"]),
            announced_ms=event["t"],
            traceparent=event.get("traceparents", {}).get(out.id, ""),
        )

    def _tell_ended(self, event: Event) -> None:
        message = {"type": "ended", "match": event["match"], "reason": event["reason"]}
        for seats in event["teams"].values():
            for _, player in seats:
                for mailbox in self._players.get(PlayerId(player), ()):
                    mailbox.put(event["match"], Push(message))

    def _listeners(self, ticket: TicketId, players: list[str]) -> dict[Mailbox, None]:
        found = dict(self._tickets.get(ticket, {}))
        for player in players:
            found |= self._players.get(PlayerId(player), {})
        return found


def _acceptance(event: Event) -> Acceptance | None:
    said = event.get("acceptance")
    if said is None:
        return None
    return Acceptance(MatchId(said["match"]), said["by_ms"], tuple(said.get("accepted", ())))


def _drop(index: dict[Any, dict[Mailbox, None]], key: object, mailbox: Mailbox) -> None:
    held = index.get(key)
    if held is not None:
        held.pop(mailbox, None)
        if not held:
            del index[key]
