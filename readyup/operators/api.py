"""The operator API over HTTP: who asks, whether they may, the audit around each change."""

import datetime as dt
import secrets
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from core.clock import Clock
from core.errors import Conflict, Forbidden, Invalid, NotFound, Rejected, Unauthorized
from core.web import Handler, body_of, json_response
from fleets.capacity.events import Event
from readyup.operators import shapes
from readyup.operators.audit import PAGE_MAX, Audit, Record
from readyup.operators.deeds import Deeds, Done
from readyup.operators.door import COOKIE, Caller, Door, keep_cookie, may_change
from readyup.operators.openapi import PATH as OPENAPI, openapi
from readyup.operators.plans import Plans, told
from readyup.operators.reads import Reads
from readyup.operators.roles import Role
from readyup.operators.routes import BASE, ROUTES, Route

OPEN = ("/livez", "/login", f"{BASE}/login", OPENAPI)
"""What everybody may ask for, besides the page's own files."""

SIGNED = frozenset({"signIn", "signOut"})
"""What admins alone read of in the audit, besides addresses."""

ID = web.RequestKey("request_id", str)
CALLER = web.RequestKey("caller", Caller)


class OperatorApi:
    """Handlers of the routes in ``routes.py``; each is named for its route."""

    def __init__(
        self, door: Door, audit: Audit, deeds: Deeds, plans: Plans, reads: Reads, clock: Clock
    ) -> None:
        self._door = door
        self._audit = audit
        self._deeds = deeds
        self._plans = plans
        self._reads = reads
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """For the console's application."""
        return [
            *(web.route(route.method, route.path, self._serving(route)) for route in ROUTES),
            web.get(OPENAPI, self._openapi),
        ]

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody in who may not look; a browser is led to the login page."""
        request[ID] = secrets.token_hex(8)
        if request.path not in OPEN and not request.path.startswith("/static/"):
            try:
                request[CALLER] = await self._door.caller(request)
            except Unauthorized:
                if "text/html" in request.headers.get("Accept", ""):
                    raise web.HTTPFound("/login") from None
                raise
        return await handler(request)

    def _serving(self, route: Route) -> Handler:
        serve = getattr(self, route.handler())

        async def change(request: web.Request) -> web.StreamResponse:
            return await self._change(route, request, serve)

        async def read(request: web.Request) -> web.StreamResponse:
            if route.role is not None:
                self._check(route, request[CALLER])
            answer = await serve(request)
            return answer if isinstance(answer, web.StreamResponse) else json_response(answer)

        return change if route.is_change() else read

    def _check(self, route: Route, caller: Caller) -> None:
        if route.role is not None and not caller.role.covers(route.role):
            why = f"{route.name} needs the role {route.role}; {caller.name} is {caller.role}"
            if caller.how == "dev":
                why += " (at this machine's own address it would be admin)"
            raise Forbidden(why)

    async def _change(self, route: Route, request: web.Request, serve: "Serve") -> web.Response:
        """One change, with its word before and its word after."""
        caller = request[CALLER]
        target = "/".join(request.match_info.values())[:128]
        record = Record(
            id=request[ID],
            t_ms=self._clock.wall_ms(),
            who=caller.name,
            role=caller.role,
            what=route.name,
            target=target,
            ip=self._door.address(request),
            how=caller.how,
        )
        try:
            self._check(route, caller)
            may_change(request, caller)
            asked: shapes.ChangeIn = await body_of(request, route.body or shapes.ChangeIn)
        except Forbidden as wrong:
            await self._audit.outcome(_with(record, outcome="refused", detail=str(wrong)))
            raise
        record = _with(record, reason=asked.reason)
        await self._audit.intent(record)
        response = web.Response(content_type="application/json")
        try:
            done = await serve(request, caller, asked, response)
        except Rejected as wrong:
            await self._audit.outcome(_with(record, outcome="refused", detail=str(wrong)))
            raise
        except Exception as wrong:
            await self._audit.outcome(_with(record, outcome="failed", detail=str(wrong)[:500]))
            raise
        await self._audit.outcome(
            _with(record, outcome="done", before=done.before, after=done.after)
        )
        told = shapes.ChangeOut(record.id, route.name, target, done.before, done.after)
        response.body = msgspec.json.encode(told)
        return response

    # Signing in and out

    async def sign_in(self, request: web.Request) -> web.Response:
        may_change(request, None)
        asked = await body_of(request, shapes.LoginIn)
        if not self._door.settings.needs_login():
            raise Conflict("nobody signs in here: there are no operators in the settings")
        found = self._door.operator(asked.token, request)
        caller = Caller(found.name, found.role, "session")
        record = Record(
            id=request[ID],
            t_ms=self._clock.wall_ms(),
            who=caller.name,
            role=caller.role,
            what="signIn",
            target="",
            ip=self._door.address(request),
            how="token",
        )
        await self._audit.intent(record)
        cookie = await self._door.sign_ins.begin(found)
        await self._audit.outcome(_with(record, outcome="done"))
        response = json_response(self._me(caller))
        keep_cookie(request, response, cookie)
        return response

    async def sign_out(
        self, request: web.Request, caller: Caller, _: shapes.ChangeIn, response: web.Response
    ) -> Done:
        if caller.how != "session":
            raise Conflict("you came without a sign-in; there is nothing to end")
        await self._door.sign_ins.end(request.cookies[COOKIE])
        keep_cookie(request, response, "")
        return Done("signed in", "signed out")

    # Reads

    async def who_am_i(self, request: web.Request) -> shapes.MeOut:
        return self._me(request[CALLER])

    async def list_queues(self, _: web.Request) -> shapes.QueuesOut:
        return self._reads.queues()

    async def list_fleets(self, _: web.Request) -> shapes.FleetsOut:
        return self._reads.fleets()

    async def list_servers(self, _: web.Request) -> shapes.ServersOut:
        return self._reads.servers()

    async def read_server(self, request: web.Request) -> object:
        return await self._reads.answers.server(request.match_info["uid"])

    async def read_ticket(self, request: web.Request) -> object:
        return await self._reads.answers.ticket(request.match_info["ticket"])

    async def read_why(self, request: web.Request) -> object:
        return await self._deeds.why(request.match_info["ticket"])

    async def read_match(self, request: web.Request) -> object:
        return await self._reads.answers.match(request.match_info["match"])

    async def read_session(self, request: web.Request) -> object:
        return await self._deeds.session(request.match_info["match"])

    async def list_plans(self, request: web.Request) -> shapes.PlansOut:
        plans = await self._plans.of(request.match_info["fleet"])
        return shapes.PlansOut([told(name, event) for name, event in plans.items()])

    async def list_operators(self, _: web.Request) -> shapes.OperatorsOut:
        return shapes.OperatorsOut(
            [shapes.OperatorOut(one.name, one.role) for one in self._door.settings.operators]
        )

    async def read_audit(self, request: web.Request) -> shapes.AuditOut:
        limit, before = request.query.get("limit", "100"), request.query.get("before", "")
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= PAGE_MAX):
            raise Invalid(f"a number from 1 to {PAGE_MAX}", field="limit")
        if before and not _is_place(before):
            raise Invalid("write what the last page gave as next", field="before")
        records, after = await self._audit.read(limit=int(limit), before=before)
        if not request[CALLER].role.covers(Role.ADMIN):
            records = [_with(one, ip="") for one in records if one.what not in SIGNED]
        return shapes.AuditOut(records, after)

    # Changes

    async def cancel_ticket(self, request: web.Request, *_: object) -> Done:
        return await self._deeds.cancel_ticket(request.match_info["ticket"])

    async def end_match(self, request: web.Request, *_: object) -> Done:
        return await self._deeds.end_match(request.match_info["match"])

    async def pause_queue(
        self, request: web.Request, caller: Caller, asked: shapes.ChangeIn, _: web.Response
    ) -> Done:
        name = request.match_info["queue"]
        return await self._deeds.pause_queue(name, by=caller.name, reason=asked.reason)

    async def resume_queue(self, request: web.Request, *_: object) -> Done:
        return await self._deeds.resume_queue(request.match_info["queue"])

    async def pause_fleet(
        self, request: web.Request, caller: Caller, asked: shapes.ChangeIn, _: web.Response
    ) -> Done:
        name = request.match_info["fleet"]
        return await self._deeds.pause_fleet(name, by=caller.name, reason=asked.reason)

    async def resume_fleet(self, request: web.Request, *_: object) -> Done:
        return await self._deeds.resume_fleet(request.match_info["fleet"])

    async def plan_fleet(
        self, request: web.Request, _: Caller, asked: shapes.PlanIn, __: web.Response
    ) -> Done:
        at = asked.at or dt.datetime.fromtimestamp(self._clock.wall_ms() / 1000, dt.UTC)
        event = Event(at, asked.servers, asked.for_s, asked.every, asked.reason)
        fleet, plan = request.match_info["fleet"], request.match_info["plan"]
        return await self._plans.announce(fleet, plan, event)

    async def unplan_fleet(self, request: web.Request, *_: object) -> Done:
        return await self._plans.take_back(request.match_info["fleet"], request.match_info["plan"])

    async def retire_server(self, request: web.Request, *_: object) -> Done:
        return await self._deeds.retire_server(request.match_info["uid"])

    async def drop_sessions(self, request: web.Request, *_: object) -> Done:
        name = request.match_info["operator"]
        if all(one.name != name for one in self._door.settings.operators):
            raise NotFound(f"no operator {name!r} in the settings")
        await self._door.sign_ins.drop(name)
        return Done("", "signed out")

    def _me(self, caller: Caller) -> shapes.MeOut:
        may = [route.name for route in ROUTES if route.role and caller.role.covers(route.role)]
        return shapes.MeOut(caller.name, caller.role, self._door.settings.needs_login(), may)

    async def _openapi(self, _: web.Request) -> web.Response:
        return json_response(openapi())


Serve = Callable[[web.Request, Caller, shapes.ChangeIn, web.Response], Awaitable[Done]]


def _with(record: Record, **changes: str) -> Record:
    return msgspec.structs.replace(record, **changes)


def _is_place(text: str) -> bool:
    ms, dash, n = text.partition("-")
    return bool(dash) and all(p.isascii() and p.isdigit() and len(p) < 20 for p in (ms, n))
