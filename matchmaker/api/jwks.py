"""An issuer's public keys, fetched when they are needed and kept when the issuer is away."""

import asyncio
from typing import Any

import aiohttp
import jwt
import msgspec
import structlog

from core.clock import Clock
from core.errors import Unauthorized, Unreachable

FETCH_S = 2.0
SIZE_MAX = 64 * 1024
"""Bytes. Issuers have a handful of keys; a page that is larger is something else."""

FRESH_S = 300.0
"""Seconds for which keys are used without asking again: how long a revoked one still counts."""

PAUSE_S = 60.0
"""Seconds between two fetches, whatever is asked and whatever came of the last one."""

STALE_S = 24 * 3600.0
"""Seconds for which keys count while their issuer does not answer."""

log = structlog.get_logger("readyup.jwks")


class Jwks:
    """The keys at one URL, by ``kid``, of the algorithms that its issuer may use."""

    def __init__(self, url: str, algorithms: tuple[str, ...], clock: Clock) -> None:
        self._url = url
        self._algorithms = algorithms
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_s: float | None = None
        self._tried_s: float | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK:
        """The key of that id.

        A caller whose key is known never waits for others' fetches, and for one of its own
        at most once a minute.

        Raises:
            Unauthorized: the issuer has no such key.
            Unreachable: the issuer does not answer, and what it said last is too old.
        """
        known = self._known(kid)
        if known is not None and (self._age_s() < FRESH_S or self._lock.locked()):
            return known
        async with self._lock:
            if self._may_ask(kid):
                await self._refresh()
        known = self._known(kid)
        if known is not None:
            return known
        if self._fetched_s is None or self._fetched_s != self._tried_s:
            raise Unreachable("the issuer's keys cannot be read right now")
        raise Unauthorized("the token is signed with a key that its issuer does not list")

    def _known(self, kid: str) -> jwt.PyJWK | None:
        return self._keys.get(kid) if self._age_s() < STALE_S else None

    def _age_s(self) -> float:
        return (
            float("inf") if self._fetched_s is None else self._clock.elapsed_s() - self._fetched_s
        )

    def _may_ask(self, kid: str) -> bool:
        rested = self._tried_s is None or self._clock.elapsed_s() - self._tried_s >= PAUSE_S
        return rested and (kid not in self._keys or self._age_s() >= FRESH_S)

    async def _refresh(self) -> None:
        self._tried_s = self._clock.elapsed_s()
        try:
            async with asyncio.timeout(FETCH_S):
                keys = _read(await self._fetch(), self._algorithms)
        except (
            aiohttp.ClientError,
            OSError,
            TimeoutError,
            msgspec.DecodeError,
            ValueError,
        ) as lost:
            log.warning("jwks.unreachable", url=self._url, reason=str(lost) or type(lost).__name__)
            return
        self._keys, self._fetched_s = keys, self._tried_s

    async def _fetch(self) -> bytes:
        # A session of its own: this happens at most once a minute. Redirects would let the
        # issuer's server, or whoever took it over, point us elsewhere.
        async with (
            aiohttp.ClientSession(trust_env=False) as http,
            http.get(self._url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise ValueError(f"it answered {response.status}")
            body = b""
            while piece := await response.content.read(SIZE_MAX + 1 - len(body)):
                body += piece
                if len(body) > SIZE_MAX:
                    raise ValueError(f"it is larger than {SIZE_MAX} bytes")
            return body


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]  # each is as its issuer likes; what we cannot use is passed over


def _read(body: bytes, algorithms: tuple[str, ...]) -> dict[str, jwt.PyJWK]:
    """Usable keys by id. One that is of no use to us does not spoil the others."""
    keys: dict[str, jwt.PyJWK] = {}
    for raw in msgspec.json.decode(body, type=_KeySet).keys:
        kid = raw.get("kid")
        if not isinstance(kid, str) or raw.get("kty") == "oct" or raw.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(raw)
            weak = key.Algorithm.check_key_length(key.key)
        except (jwt.PyJWTError, ValueError, TypeError, ArithmeticError):
            continue
        if key.algorithm_name in algorithms and not weak:
            keys.setdefault(kid, key)
    return keys
