"""A game server without Agones beside it: it registers itself with its fleet's key.

Stands where the Agones SDK stands: to be ready is to register, to be healthy is to
register again, to shut down is to leave.
"""

import asyncio
import contextlib
import json as jsonlib
import logging
from typing import Final, Self

import aiohttp

from core.errors import Rejected, Unauthorized, Unreachable
from gameserver.environment import Environment

log = logging.getLogger("readyup.gameserver.own")

AGAIN_S: Final = 10.0
"""A third of what the allocator waits before it counts a server as gone."""

ANSWER_S: Final = 5.0
RETRY_S: Final = 0.5


class OwnRegistration:
    """One server's place in its fleet."""

    def __init__(
        self, environment: Environment, *, url: str, key: str, wait_s: float = 30.0
    ) -> None:
        """``url`` is the sessions API's, ``http://host:port``; ``key`` the fleet's.

        ``wait_s`` is how long ``ready`` waits for it to come up, as Agones' SDKs wait for theirs.
        """
        self._environment = environment
        self._wait_s = wait_s
        self._url = f"{url.rstrip('/')}/v1/servers"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._http: aiohttp.ClientSession | None = None
        self._heard: bool | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()

    async def ready(self) -> None:
        """Register.

        Raises:
            Unauthorized: it is not the fleet's key.
            Rejected: something we said is wrong; the message says what.
            Unreachable: nobody answered there for ``wait_s``.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                while not await self._is_heard():
                    await asyncio.sleep(RETRY_S)
                return
        await self._register()

    async def _is_heard(self) -> bool:
        """Register, and say so once when that begins to work or ceases to."""
        try:
            await self._register()
        except Unreachable as away:
            if self._heard is not False:
                log.warning("registration.waits", extra={"reason": str(away)})
            self._heard = False
            return False
        if not self._heard:
            told = self._environment
            log.info("registration.up", extra={"fleet": told.fleet, "server": told.uid})
        self._heard = True
        return True

    async def _register(self) -> None:
        told = self._environment
        body = {
            "fleet": told.fleet,
            "name": told.name,
            "uid": told.uid,
            "address": told.address,
            "port": told.port,
            "public_key": told.public_hex(),
            "rooms": told.rooms,
            "version": told.version,
        }
        await self._ask("POST", self._url, json=body)

    async def health(self, period_s: float, stop: asyncio.Event) -> None:
        """Register again and again until ``stop``; an allocator that is away is waited for."""
        del period_s  # the SDK's is for a sidecar beside us, not for a network
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await stop.wait()
                    return
            await self._is_heard()

    async def shutdown(self) -> None:
        """Leave the fleet."""
        told = self._environment
        await self._ask("DELETE", f"{self._url}/{told.fleet}/{told.uid}")

    async def set_annotation(self, key: str, value: str) -> None:
        """What would be published is part of the registration."""

    async def set_counter_count(self, key: str, count: int) -> None:
        """Nobody reads counters here."""

    async def set_label(self, key: str, value: str) -> None:
        """Nobody chooses servers that register themselves by labels."""

    async def _ask(self, method: str, url: str, *, json: object = None) -> None:
        assert self._http is not None, "use it as a context manager"
        try:
            async with self._http.request(method, url, json=json, headers=self._headers) as answer:
                status, said = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError) as lost:
            raise Unreachable(f"{url} does not answer: {lost}") from lost
        if status == 401:
            raise Unauthorized(f"{url} refused the key: {_detail(said)}")
        if 400 <= status < 500:
            raise Rejected(f"{url} refused the registration: {_detail(said)}")
        if status >= 500:
            raise Unreachable(f"{url} answered {status}")


def _detail(said: str) -> str:
    """The sentence in a problem document; whatever else was said, as it is."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(jsonlib.loads(said)["detail"])
    return said
