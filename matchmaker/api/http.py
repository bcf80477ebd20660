"""The player API over HTTP: tickets, their events, sessions, and what machines ask."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, generate_latest

from core.errors import Forbidden, Invalid, ReadyUpError, Unreachable
from core.ids import PlayerId, TicketId
from core.redis import Store
from core.web import body_of, json_response, parse, problem_of, problems
from matchmaker.api.admission import Admission
from matchmaker.api.backfilling import Backfills
from matchmaker.api.desk import Desk
from matchmaker.api.keys import Principal, bearer
from matchmaker.api.limits import Gate
from matchmaker.api.openapi import openapi
from matchmaker.api.outbox import Mailbox, Outbox, Push
from matchmaker.api.presence import Presence
from matchmaker.api.punishing import Penalties
from matchmaker.api.shapes import AnswerIn, BatchIn, BatchOut, TicketIn, TicketOut
from matchmaker.api.socket import PlayerSockets
from matchmaker.tickets import Status

BATCH_MAX_BYTES = 1024 * 1024
IDEMPOTENCY_KEY_MAX = 255
SSE_KEEPALIVE_S = 10.0
"""Seconds between comments on a quiet event stream; proxies drop silent ones after 30."""


class PlayerApi:
    """Handlers of the routes in ``openapi.py``."""

    def __init__(  # noqa: PLR0913 - what all of its handlers share
        self,
        desk: Desk,
        outbox: Outbox,
        presence: Presence,
        store: Store,
        registry: CollectorRegistry,
        *,
        draining: asyncio.Event,
        gate: Gate,
        admission: Admission,
    ) -> None:
        self._desk = desk
        self._outbox = outbox
        self._presence = presence
        self._store = store
        self._registry = registry
        self._draining = draining
        self._gate = gate
        self._admission = admission

    def app(self) -> web.Application:
        """The application; serve it with ``core.web.serve_app``."""
        app = web.Application(middlewares=[problems])
        sockets = PlayerSockets(
            self._desk,
            self._outbox,
            self._presence,
            self._draining,
            self._gate,
            admission=self._admission,
        )
        app.add_routes(
            [
                web.post("/v1/tickets", self._create),
                web.post("/v1/tickets/batch", self._create_many),
                web.route(hdrs.METH_ANY, "/v1/tickets/batch", _post_only),  # it is no ticket's id
                web.get("/v1/tickets/{ticket}", self._read),
                web.delete("/v1/tickets/{ticket}", self._cancel),
                web.post("/v1/tickets/{ticket}/acceptance", self._answer),
                web.get("/v1/tickets/{ticket}/why", self._why),
                web.get("/v1/tickets/{ticket}/events", self._events),
                web.get("/v1/players/{player}/session", self._session),
                web.get("/v1/connect", sockets.connect),
                web.get("/openapi.json", self._openapi),
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        penalties = Penalties(self._desk.queues, self._desk.keys, self._desk.clock)
        backfills = Backfills(self._desk.queues, self._desk.keys, self._desk.clock)
        app.add_routes([*penalties.routes(), *backfills.routes()])
        return app

    async def _caller(self, request: web.Request) -> Principal:
        return await self._desk.keys.principal(bearer(request.headers.get("Authorization")))

    async def _create(self, request: web.Request) -> web.Response:
        with self._admission.create():
            return await self._created(request)

    async def _created(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > IDEMPOTENCY_KEY_MAX:
            raise Invalid(
                f"at most {IDEMPOTENCY_KEY_MAX} characters, not {len(key)}", field="Idempotency-Key"
            )
        self._gate.create(caller, self._gate.address_of(request))
        asked = await body_of(request, TicketIn, within_s=self._gate.limits.body_s)
        ticket, is_new = await self._desk.create(
            asked, caller, key=key, traceparent=request.headers.get("traceparent", "")
        )
        response = json_response(ticket, status=201 if is_new else 200)
        response.headers["Location"] = f"/v1/tickets/{ticket.id}"
        return response

    async def _create_many(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        if not caller.is_backend():
            raise Forbidden("batches are for game back ends; a player sends one ticket")
        batch = await body_of(
            request, BatchIn, max_bytes=BATCH_MAX_BYTES, within_s=self._gate.limits.body_s
        )
        results: list[object] = [None] * len(batch.tickets)
        traceparent = request.headers.get("traceparent", "")

        async def one(n: int, raw: msgspec.Raw) -> None:
            try:
                results[n], _ = await self._desk.create(
                    parse(bytes(raw), TicketIn), caller, traceparent=traceparent
                )
            except ReadyUpError as wrong:
                results[n] = problem_of(wrong)

        with self._admission.create(len(batch.tickets)):
            async with asyncio.TaskGroup() as group:
                for n, raw in enumerate(batch.tickets):
                    group.create_task(one(n, raw))
        return json_response(BatchOut(results))

    async def _read(self, request: web.Request) -> web.Response:
        ticket, caller = TicketId(request.match_info["ticket"]), await self._caller(request)
        self._gate.poll(caller)
        return json_response(await self._desk.read(ticket, caller))

    async def _why(self, request: web.Request) -> web.Response:
        ticket, caller = TicketId(request.match_info["ticket"]), await self._caller(request)
        self._gate.poll(caller)
        return json_response(await self._desk.why(ticket, caller))

    async def _cancel(self, request: web.Request) -> web.Response:
        ticket, caller = TicketId(request.match_info["ticket"]), await self._caller(request)
        self._gate.cancel(caller)
        return json_response(await self._desk.cancel(ticket, caller))

    async def _answer(self, request: web.Request) -> web.Response:
        ticket, caller = TicketId(request.match_info["ticket"]), await self._caller(request)
        self._gate.cancel(caller)
        said = await body_of(request, AnswerIn, within_s=self._gate.limits.body_s)
        return json_response(await self._desk.answer(ticket, said, caller))

    async def _session(self, request: web.Request) -> web.Response:
        player, caller = PlayerId(request.match_info["player"]), await self._caller(request)
        self._gate.poll(caller)
        return json_response(await self._desk.ways.session(player, caller))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events of one ticket, from its state now to its end."""
        caller, ticket = await self._caller(request), TicketId(request.match_info["ticket"])
        self._gate.poll(caller)
        with self._gate.connection(caller, self._gate.address_of(request)):
            return await self._watch(request, ticket, caller)

    async def _watch(
        self, request: web.Request, ticket: TicketId, caller: Principal
    ) -> web.StreamResponse:
        mailbox = Mailbox(None if caller.is_backend() else PlayerId(caller.name))
        self._outbox.listen(mailbox, ticket=ticket)
        try:
            now = await self._desk.read(ticket, caller)  # listening first, so nothing is missed
            response = web.StreamResponse(
                headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
            )
            await response.prepare(request)
            await response.write(_sse(now))
            if Status(now.status).is_final():
                return response
            with self._presence.of(now, caller):
                async for push in self._pushes(mailbox, response, caller):
                    out = push.message.get("ticket")
                    # The player may have other tickets, in queues of other groups.
                    if out is not None and out.id == ticket and push.ver > now.ver:
                        await response.write(_sse(_with_assignment(push)))
                        self._outbox.sent(push, mailbox)
                        if Status(out.status).is_final():
                            break
            return response
        finally:
            self._outbox.leave(mailbox, ticket=ticket)

    async def _pushes(
        self, mailbox: Mailbox, response: web.StreamResponse, caller: Principal
    ) -> AsyncIterator[Push]:
        while not (self._draining.is_set() or caller.has_ended(self._desk.clock.wall_ms())):
            try:
                async with asyncio.timeout(SSE_KEEPALIVE_S):
                    pushes = await mailbox.take()
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            for push in pushes:
                yield push

    async def _openapi(self, _: web.Request) -> web.Response:
        return json_response(
            openapi(
                {
                    name: queue.settings.rules.party_max()
                    for name, queue in self._desk.queues.items()
                }
            )
        )

    async def _livez(self, _: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def _readyz(self, _: web.Request) -> web.Response:
        checks = {"store": "ok", "draining": "no"}
        with contextlib.suppress(Unreachable):
            await self._store.call("PING")
            if not self._draining.is_set():
                return json_response({"status": "ok", "checks": checks})
            checks["draining"] = "yes"
            return json_response({"status": "draining", "checks": checks}, status=503)
        checks["store"] = "unreachable"
        return json_response({"status": "not ready", "checks": checks}, status=503)

    async def _metrics(self, _: web.Request) -> web.Response:
        body = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})


async def _post_only(request: web.Request) -> web.Response:
    raise web.HTTPMethodNotAllowed(request.method, ["POST"])


def _with_assignment(push: Push) -> TicketOut:
    """The ticket with its way in, in one object, as GET answers it."""
    out: TicketOut = push.message["ticket"]
    changes = {
        key: push.message[key] for key in ("assignment", "assignments") if key in push.message
    }
    return msgspec.structs.replace(out, **changes)


def _sse(ticket: TicketOut) -> bytes:
    data = msgspec.json.encode(ticket)
    return b"event: ticket\nid: %d\ndata: %s\n\n" % (ticket.ver, data)
