"""Who has signed in with a browser: cookies, of which the store knows the hashes.

A sign-in carries no right of its own: it names the token it was made with, so whoever is
taken out of the settings, or gets another role, is out or in it at once, everywhere.
"""

import secrets
from collections.abc import Sequence

import msgspec

from core.clock import Clock
from core.lua import as_json
from core.redis import Store
from readyup.console.reading import pairs
from readyup.operators.settings import Operator
from readyup.operators.tokens import owner, sha256

LIFETIME_S = 12 * 3600
"""A working day; then the token is asked for again."""

DROPPED = "{operators}:dropped"


class SignIn(msgspec.Struct, frozen=True):
    """One browser's, as stored."""

    token_sha256: str
    began_ms: int


_decode = msgspec.json.Decoder(SignIn).decode


class SignIns:
    """The sign-ins of all operators, shared by all consoles of one store."""

    def __init__(self, store: Store, operators: Sequence[Operator], clock: Clock) -> None:
        self._store = store
        self._operators = tuple(operators)
        self._clock = clock

    async def begin(self, operator: Operator) -> str:
        """Sign somebody in; returns what their browser keeps."""
        cookie = secrets.token_urlsafe(32)
        held = SignIn(operator.token_sha256, self._clock.wall_ms())
        await self._store.call("SET", _key(cookie), as_json(held), "EX", LIFETIME_S)
        return cookie

    async def operator(self, cookie: str) -> Operator | None:
        """Whose browser it is; None for nobody's, or nobody's any more."""
        stored, dropped = await self._store.many(
            [("GET", _key(cookie)), ("HGETALL", DROPPED)],
        )
        if not stored:
            return None
        held = _decode(stored)
        found = owner(held.token_sha256, self._operators)
        if found is None or held.began_ms <= int(pairs(dropped).get(found.name, 0)):
            return None
        return found

    async def end(self, cookie: str) -> None:
        """Sign one browser out."""
        await self._store.call("DEL", _key(cookie))

    async def drop(self, name: str) -> None:
        """Sign an operator out everywhere; what begins later counts again."""
        await self._store.call("HSET", DROPPED, name, self._clock.wall_ms())


def _key(cookie: str) -> str:
    return f"{{operators}}:session:{sha256(cookie)}"
