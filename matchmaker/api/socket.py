"""A player's socket: one connection to enqueue, to stay present, and to be told.

Frames are JSON objects with a ``type``; docs/player-api.md lists them. Reader and writer
are two tasks. The writer takes from a mailbox and has a deadline for each frame, so a
player who stops reading is dropped and holds nobody up.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from core.errors import Conflict, Forbidden, ReadyUpError
from core.ids import PlayerId, TicketId
from core.web import parse, problem_of
from matchmaker.api.admission import Admission
from matchmaker.api.desk import Desk
from matchmaker.api.keys import Principal, bearer
from matchmaker.api.limits import Gate
from matchmaker.api.outbox import Mailbox, Outbox, Push
from matchmaker.api.presence import Presence
from matchmaker.api.settings import Limits
from matchmaker.api.shapes import (
    Answer,
    AnswerIn,
    Cancel,
    Enqueue,
    Frame,
    Heartbeat,
    Member,
    TicketIn,
    TicketOut,
)
from matchmaker.tickets import Status

PING_S = 10.0
"""A socket that answers no ping for half of this again is gone."""

SEND_S = 5.0
"""A frame that cannot be sent within this closes the socket."""

FRAME_MAX_BYTES = 4096

LOOK_AGAIN_S = 60.0
"""A key's end is by the wall's clock, which may be set while we sleep."""

HELD_MAX = 256
"""Answers that may wait for a player who asks and does not read; one more closes the socket."""

_frame: Any = Frame
_encode = msgspec.json.Encoder().encode


@dataclass
class _Visit:
    """One open socket."""

    ws: web.WebSocketResponse
    transport: asyncio.Transport | None
    caller: Principal
    mailbox: Mailbox
    address: str
    """Whose limits its tickets count against; "" for none."""

    present: set[TicketId] = field(default_factory=set)
    answers: int = 0

    def answer(self, message: dict[str, Any]) -> None:
        """Queue an answer to a frame; answers never replace one another."""
        self.answers += 1
        self.mailbox.put(f"answer:{self.answers}", Push(message))

    def cut(self) -> None:
        """End it at once: the peer does not read, and a polite close would wait for it."""
        if self.transport is not None:
            self.transport.abort()


class PlayerSockets:
    """Accepts players' sockets."""

    def __init__(
        self,
        desk: Desk,
        outbox: Outbox,
        presence: Presence,
        draining: asyncio.Event,
        gate: Gate | None = None,
        *,
        admission: Admission | None = None,
    ) -> None:
        self._desk = desk
        self._outbox = outbox
        self._presence = presence
        self._draining = draining
        self._gate = gate or Gate(Limits(), desk.clock)
        self._admission = admission

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one player until they leave, fall silent, or this process drains."""
        caller = await self._desk.keys.principal(bearer(request.headers.get("Authorization")))
        if caller.is_backend():
            raise Forbidden("a socket is one player's; back ends use POST /v1/tickets")
        address = self._gate.address_of(request)
        with self._gate.connection(caller, address):
            ws = web.WebSocketResponse(
                heartbeat=PING_S,
                max_msg_size=FRAME_MAX_BYTES,
                compress=False,
                protocols=["readyup.v1"],
            )
            await ws.prepare(request)
            await self.converse(ws, request.transport, caller, address)
            return ws

    async def converse(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        caller: Principal,
        address: str = "",
    ) -> None:
        """Serve a player's open socket until it ends."""
        player = PlayerId(caller.name)
        visit = _Visit(ws, transport, caller, Mailbox(player), address)
        self._outbox.listen(visit.mailbox)
        self._desk.metrics.sockets.inc()
        try:
            await self._greet(visit, player)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._write(visit), name=f"{player}.write"),
                    group.create_task(self._close_on_drain(visit), name=f"{player}.drain"),
                    group.create_task(self._close_on_expiry(visit), name=f"{player}.expiry"),
                ]
                await self._read(visit)
                for task in tasks:
                    task.cancel()
        finally:
            self._outbox.leave(visit.mailbox)
            self._desk.metrics.sockets.dec()
            for ticket in visit.present:
                self._presence.went(ticket)

    async def _greet(self, visit: _Visit, player: PlayerId) -> None:
        """What the player should know first: the ticket they wait with, the match they are in."""
        record = await self._desk.waiting_ticket_of(player)
        ticket = await self._desk.shown(record) if record else None
        if ticket is not None:
            self._stay(visit, ticket)
        session = None
        with contextlib.suppress(ReadyUpError):
            session = await self._desk.ways.match_of(player)
        hello = {"type": "hello", "player": player, "ticket": ticket, "session": session}
        visit.mailbox.put_first("hello", Push(hello))  # before what came while we looked

    def _stay(self, visit: _Visit, ticket: TicketOut) -> None:
        if TicketId(ticket.id) not in visit.present:
            visit.present.add(TicketId(ticket.id))
            self._presence.came(ticket, visit.caller)

    async def _read(self, visit: _Visit) -> None:
        frames = self._gate.frames()
        async for message in visit.ws:
            while wait_s := frames.wait_s():
                await asyncio.sleep(wait_s)  # what comes meanwhile fills the sender's buffers
            if message.type is not WSMsgType.TEXT:
                await visit.ws.close(code=1003, message=b"frames are JSON text")
                return
            try:
                await self._handle(visit, parse(message.data, _frame))
            except ReadyUpError as wrong:
                visit.answer({"type": "problem", "problem": problem_of(wrong)})
            if len(visit.mailbox) > HELD_MAX:
                visit.cut()

    async def _handle(self, visit: _Visit, frame: Frame) -> None:
        match frame:
            case Enqueue():
                self._gate.create(visit.caller, visit.address)
                me = Member(
                    id=visit.caller.name,
                    rating=frame.rating,
                    rating_sigma=frame.rating_sigma,
                    attributes=frame.attributes,
                    latency_ms=frame.latency_ms,
                )
                asked = TicketIn(frame.queue, [me, *frame.party], frame.wait_s)
                with self._admission.create() if self._admission else contextlib.nullcontext():
                    ticket, _ = await self._desk.create(
                        asked,
                        visit.caller,
                        key=frame.idempotency_key or "",
                        traceparent=frame.traceparent,
                    )
                self._stay(visit, ticket)
                visit.answer({"type": "ticket", "ticket": ticket})
            case Heartbeat():
                visit.answer({"type": "heartbeat"})
            case Cancel():
                await self._cancel(visit)
            case Answer():
                await self._answer(visit, frame)

    async def _cancel(self, visit: _Visit) -> None:
        record = await self._desk.waiting_ticket_of(PlayerId(visit.caller.name))
        # A ticket that has just become a match is answered with what it became.
        tickets = [record.id] if record else sorted(visit.present)
        for ticket in tickets:
            answer = await self._desk.cancel(ticket, visit.caller)
            visit.answer({"type": "ticket", "ticket": answer})
        if not tickets:
            visit.answer({"type": "ticket", "ticket": None})

    async def _answer(self, visit: _Visit, said: Answer) -> None:
        """Answered with the ticket as it is then, also when the match asked no more."""
        ticket, answer = TicketId(said.ticket), AnswerIn(said.match, said.accept)
        try:
            now = await self._desk.answer(ticket, answer, visit.caller)
        except Conflict:
            now = await self._desk.read(ticket, visit.caller)
        visit.answer({"type": "ticket", "ticket": now})

    async def _write(self, visit: _Visit) -> None:
        try:
            while True:
                for push in await visit.mailbox.take():
                    async with asyncio.timeout(SEND_S):
                        await visit.ws.send_frame(_encode(push.message), WSMsgType.TEXT)
                    self._outbox.sent(push, visit.mailbox)
                    self._forget_ended(visit, push)
        except (TimeoutError, ConnectionError):
            visit.cut()

    def _forget_ended(self, visit: _Visit, push: Push) -> None:
        ticket = push.message.get("ticket")
        if isinstance(ticket, TicketOut) and Status(ticket.status).is_final():
            held = TicketId(ticket.id)
            if held in visit.present:
                visit.present.discard(held)
                self._presence.went(held)

    async def _close_on_drain(self, visit: _Visit) -> None:
        await self._draining.wait()
        await visit.ws.close(code=1012, message=b"this server is going away; connect again")

    async def _close_on_expiry(self, visit: _Visit) -> None:
        """A key opens the door for as long as it counts, not for ever after."""
        ends_ms = visit.caller.expires_ms
        if ends_ms:
            while (left_ms := ends_ms - self._desk.clock.wall_ms()) > 0:
                await asyncio.sleep(min(left_ms / 1000, LOOK_AGAIN_S))
            await visit.ws.close(
                code=4401, message=b"your token has expired; connect with a new one"
            )
