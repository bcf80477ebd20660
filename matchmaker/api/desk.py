"""What callers can do with tickets, whichever door they came through."""

import hashlib
import random
from collections.abc import Mapping

import msgspec

from core.clock import Clock
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.ids import MatchId, PlayerId, QueueName, TicketId, new_ticket_id, queue_of
from core.join_token import Minter
from core.placement import Placement
from core.telemetry import OFF, Traces
from matchmaker.acceptance import answer
from matchmaker.api.asking import answering, asked_of
from matchmaker.api.enlisting import enlisted
from matchmaker.api.in_doubt import InDoubt
from matchmaker.api.keys import Keys, Principal
from matchmaker.api.shapes import AnswerIn, Member, TicketIn, TicketOut
from matchmaker.api.ways import Ways
from matchmaker.api.why import WhyOut, why
from matchmaker.cooldown import kept_apart
from matchmaker.estimates import Estimates
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.ports import Sessions
from matchmaker.store import QueueStore
from matchmaker.tickets import MatchRecord, NewTicket, Status, TicketRecord


class Desk:
    """Checks who may do what, then does it."""

    def __init__(  # noqa: PLR0913 - the parts that readyup/wiring chooses
        self,
        queues: Mapping[str, QueueStore],
        sessions: Sessions,
        *,
        keys: Keys,
        minter: Minter,
        clock: Clock,
        chance: random.Random,
        metrics: MatchmakerMetrics,
        traces: Traces = OFF,
    ) -> None:
        self.queues = queues
        self.traces = traces
        self.keys = keys
        self.clock = clock
        self.metrics = metrics
        self.in_doubt = InDoubt()
        self.estimates = {name: Estimates(queue, clock) for name, queue in queues.items()}
        self.ways = Ways(queues, sessions, minter=minter, clock=clock, chance=chance)
        self._chance = chance

    async def create(
        self, asked: TicketIn, caller: Principal, *, key: str = "", traceparent: str = ""
    ) -> tuple[TicketOut, bool]:
        """Enqueue a ticket; True when it is new, False when the key or the players had one.

        ``traceparent`` is of the caller's own trace, if there is one to be continued.

        Raises:
            Invalid, Forbidden, Conflict, Exhausted: nothing was enqueued.
        """
        with self.traces.entering("ticket.enqueue", traceparent, queue=asked.queue) as ours:
            return await self._create(asked, caller, key=key, traceparent=ours)

    async def _create(
        self, asked: TicketIn, caller: Principal, *, key: str, traceparent: str
    ) -> tuple[TicketOut, bool]:
        queue = self._queue(asked.queue)
        settings = queue.settings
        await self._check_party(asked, caller, size_max=settings.rules.party_max())
        trusted = caller.is_backend() or settings.trust_player_attributes
        players = enlisted(asked.players, settings, trusted=trusted)
        now_ms = self.clock.wall_ms()
        wait_s = min(asked.wait_s or settings.ticket_lifetime_s, settings.ticket_lifetime_s)
        presence_ms = 0 if caller.is_backend() else now_ms + round(settings.presence_s * 1000)
        ticket = NewTicket(
            id=new_ticket_id(settings.name, self._chance),
            queue=settings.name,
            players=players,
            owner=caller.owner(),
            expires_ms=now_ms + round(wait_s * 1000),
            presence_ms=presence_ms,
            key=key,
            digest=hashlib.sha256(msgspec.json.encode(asked)).hexdigest() if key else "",
            traceparent=traceparent,
            apart=await kept_apart(
                queue,
                [player.id for player in players],
                [PlayerId(one) for one in asked.avoid] if trusted else [],
                now_ms=now_ms,
            ),
        )
        with self.in_doubt.until_known(ticket.id):
            enqueued = await queue.enqueue(ticket, now_ms=now_ms)
        if enqueued.outcome == "created":
            self.metrics.enqueued.labels(settings.name).inc()
            fresh = TicketOut(
                id=ticket.id,
                queue=settings.name,
                status=Status.QUEUED,
                ver=1,
                players=[player.id for player in players],
                enqueued_ms=now_ms,
            )
            await self._estimate(fresh)
            return fresh, True
        return await self.read(enqueued.ticket, caller), False

    async def read(self, ticket: TicketId, caller: Principal) -> TicketOut:
        """A ticket as it is now, with the caller's own assignment; counts as a sign of life.

        Raises:
            NotFound: there is none such, or it is somebody else's.
        """
        queue, record = await self._own(ticket, caller)
        if not record.status.is_final() and record.owner == caller.owner():
            await queue.heartbeat([ticket], now_ms=self.clock.wall_ms())
        out = await self.shown(record)
        if record.status is Status.COMPLETED and record.match is not None:
            match = await queue.match(record.match)
            if match is not None and match.placement is not None and not match.ended:
                self._attach(out, match, match.placement, caller)
        return out

    async def cancel(self, ticket: TicketId, caller: Principal) -> TicketOut:
        """Take a ticket out; a second time gives the same answer.

        Raises:
            NotFound: there is none such, or it is somebody else's.
            Conflict: its match was committed, or it timed out, before.
        """
        queue, _ = await self._own(ticket, caller)
        status = await queue.cancel(ticket, now_ms=self.clock.wall_ms())
        if status is not Status.CANCELLED:
            raise Conflict(f"the ticket is {status} already; it cannot be cancelled", other=ticket)
        return await self.read(ticket, caller)

    async def answer(self, ticket: TicketId, said: AnswerIn, caller: Principal) -> TicketOut:
        """Players of a ticket accept the match that asks them, or decline it; again is the same.

        Raises:
            NotFound: there is none such, it is somebody else's, or a player is not of it.
            Forbidden: a player answers for others.
            Conflict: that match does not ask this ticket, or asks no more.
        """
        queue, record = await self._own(ticket, caller)
        players = answering(record.players, said, caller)
        match, now_ms = MatchId(said.match), self.clock.wall_ms()
        became = await answer(queue, ticket, match, players, accept=said.accept, now_ms=now_ms)
        if became not in ("accepted", "declined"):
            raise Conflict("that match does not ask this ticket any more", other=ticket)
        return await self.read(ticket, caller)

    async def why(self, ticket: TicketId, caller: Principal) -> WhyOut:
        """What keeps a ticket waiting.

        Raises:
            NotFound: there is none such, or it is somebody else's.
            Conflict: it does not wait any more.
        """
        queue, record = await self._own(ticket, caller)
        now_ms = self.clock.wall_ms()
        found = await why(queue, record, by_name=caller.is_backend(), now_ms=now_ms)
        await self.estimates[record.queue].refresh()
        found.estimated_wait_s = self.estimates[record.queue].of(
            len(record.players), record.enqueued_ms
        )
        return found

    async def shown(self, record: TicketRecord) -> TicketOut:
        """A stored ticket as callers see it, with what it may expect."""
        out = told(record)
        await self._estimate(out)
        return out

    async def _estimate(self, out: TicketOut) -> None:
        if out.status == Status.QUEUED:
            await self.estimates[out.queue].refresh()
            out.estimated_wait_s = self.estimates[out.queue].of(len(out.players), out.enqueued_ms)

    async def waiting_ticket_of(self, player: PlayerId) -> TicketRecord | None:
        """The ticket a player waits with, in whichever queue; counts as a sign of life."""
        seen: set[str] = set()
        for queue in self.queues.values():
            if queue.index not in seen:
                seen.add(queue.index)
                if ticket := await queue.ticket_of(player):
                    own = self.queues[queue_of(ticket)]
                    await own.heartbeat([ticket], now_ms=self.clock.wall_ms())
                    return await own.ticket(ticket)
        return None

    def _attach(
        self, out: TicketOut, match: MatchRecord, placement: Placement, caller: Principal
    ) -> None:
        if caller.is_backend():
            out.assignments = {
                player: way
                for player in out.players
                if (way := self.ways.assignment(match, placement, PlayerId(player)))
            }
        elif way := self.ways.assignment(match, placement, PlayerId(caller.name)):
            out.assignment = way

    async def _own(self, ticket: TicketId, caller: Principal) -> tuple[QueueStore, TicketRecord]:
        queue = self.queues.get(queue_of(ticket))
        record = await queue.ticket(ticket) if queue else None
        mine = record and (record.owner == caller.owner() or _is_in(record, caller))
        if queue is None or record is None or not mine:
            raise NotFound("no such ticket, or not yours")
        return queue, record

    def _queue(self, name: str) -> QueueStore:
        queue = self.queues.get(QueueName(name))
        if queue is None:
            there = ", ".join(sorted(self.queues))
            raise Invalid(f"there is no queue {name!r}; there are: {there}", field="$.queue")
        return queue

    async def _check_party(self, asked: TicketIn, caller: Principal, *, size_max: int) -> None:
        if len(asked.players) > size_max:
            raise Invalid(
                f"a party of {len(asked.players)} is above the team size {size_max} of "
                f"queue {asked.queue!r}",
                field="$.players",
            )
        seen: set[str] = set()
        for n, member in enumerate(asked.players):
            if member.id in seen:
                raise Invalid(f"player {member.id!r} is listed twice", field=f"$.players[{n}].id")
            seen.add(member.id)
            await self._check_consent(member, caller, field=f"$.players[{n}].key")

    async def _check_consent(self, member: Member, caller: Principal, *, field: str) -> None:
        if caller.is_backend() or caller.is_player(member.id):
            return
        if member.key is None:
            raise Forbidden(
                f"{field}: player {member.id!r} must send their own key, or a back end must ask"
            )
        if not (await self.keys.principal(member.key)).is_player(member.id):
            raise Forbidden(f"{field}: this key is not {member.id!r}'s")


def told(record: TicketRecord) -> TicketOut:
    """A stored ticket as callers see it."""
    return TicketOut(
        id=record.id,
        queue=record.queue,
        status=record.status,
        ver=record.ver,
        players=list(record.players),
        enqueued_ms=record.enqueued_ms,
        reason=record.reason,
        why=record.why if record.status in (Status.QUEUED, Status.TIMED_OUT) else "",
        acceptance=asked_of(record.acceptance),
    )


def _is_in(record: TicketRecord, caller: Principal) -> bool:
    return caller.kind == "player" and PlayerId(caller.name) in record.players
