"""Who is asking, and whether their browser means it: bearer tokens, cookies, and this machine."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from aiohttp import web

from core.clock import Clock
from core.errors import Forbidden, Invalid, Unauthorized
from core.redis import Store
from matchmaker.api.keys import bearer, is_loopback
from readyup.operators.roles import Role
from readyup.operators.settings import ConsoleSettings, Operator
from readyup.operators.sign_ins import LIFETIME_S, SignIns
from readyup.operators.tokens import owner, sha256
from readyup.operators.tries import Tries

COOKIE = "readyup_operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who came in."""

    name: str
    role: Role
    how: str
    """``token``, ``session``, or ``dev``: on this machine, where nobody asks."""


class Door:
    """Lets operators in, by the settings."""

    def __init__(self, settings: ConsoleSettings, store: Store, clock: Clock) -> None:
        self.settings = settings
        self.sign_ins = SignIns(store, settings.operators, clock)
        self._tries = Tries(clock)

    async def caller(self, request: web.Request) -> Caller:
        """Who sent a request.

        Raises:
            Unauthorized: nobody we know.
            Limited: this address was wrong too often.
        """
        if not self.settings.needs_login():
            role = Role.ADMIN if _is_from_here(request) else Role.VIEWER
            return Caller("dev", role, "dev")
        if header := request.headers.get("Authorization"):
            found = self.operator(bearer(header), request)
            return Caller(found.name, found.role, "token")
        if cookie := request.cookies.get(COOKIE):
            known = await self.sign_ins.operator(cookie)
            if known is not None:
                return Caller(known.name, known.role, "session")
        raise Unauthorized("sign in at /login, or send 'Authorization: Bearer <your token>'")

    def operator(self, token: str, request: web.Request) -> Operator:
        """Whose token it is.

        Raises:
            Unauthorized: nobody's.
            Limited: this address was wrong too often.
        """
        address = self.address(request)
        self._tries.may_try(address)
        found = owner(sha256(token), self.settings.operators)
        if found is None:
            self._tries.was_wrong(address)
            raise Unauthorized("unknown token")
        return found

    def address(self, request: web.Request) -> str:
        """Where a request comes from; IPv6 by /64, which one home has."""
        address = request.remote or ""
        if self.settings.proxies:
            said = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
            hops = [hop.strip() for hop in said if hop.strip()]
            if len(hops) >= self.settings.proxies:
                address = hops[-self.settings.proxies]
        try:
            parsed = ip_address(address)
        except ValueError:
            return address[:64]
        if isinstance(parsed, IPv6Address) and not parsed.is_loopback:
            mapped = parsed.ipv4_mapped
            return str(mapped or IPv6Address(int(parsed) >> 64 << 64))
        return str(parsed)


def may_change(request: web.Request, caller: Caller | None) -> None:
    """Refuse a change that another site's page could have had a browser send.

    Such a page can send no JSON without asking first, no bearer token, and no other Origin
    than its own.

    Raises:
        Invalid: the body is not declared as JSON.
        Forbidden: a page from elsewhere, or one that does not say where it is from.
    """
    if request.content_type != "application/json":
        raise Invalid("send a JSON body, as application/json", field="Content-Type")
    if caller is not None and caller.how == "token":
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if (site is not None and site != "same-origin") or (
        origin is not None and urlsplit(origin).netloc != request.host
    ):
        raise Forbidden("a page from elsewhere may not change anything here")
    if caller is not None and caller.how == "session" and origin is None:
        raise Forbidden("a browser says where a change comes from; programs send a bearer token")


def keep_cookie(request: web.Request, response: web.Response, cookie: str) -> None:
    """Have a browser keep a sign-in; an empty one ends it."""
    proto = request.headers.get("X-Forwarded-Proto", request.scheme)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=LIFETIME_S if cookie else 0,
        path="/",
        secure=proto == "https",
        httponly=True,
        samesite="Strict",
    )


def _is_from_here(request: web.Request) -> bool:
    """Sent by this machine to this machine's own name.

    A name that leads here from elsewhere is a page's trick (DNS rebinding) or a proxy, and
    neither is somebody at this machine.
    """
    host = urlsplit(f"//{request.host}").hostname or ""
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not forwarded and (host == "localhost" or is_loopback(host))
