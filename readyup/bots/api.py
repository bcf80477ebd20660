"""The player API over HTTP and WebSocket, as the bots' ``Api``."""

import asyncio
from typing import Self

import aiohttp
import msgspec

from core.errors import Unauthorized, Unreachable
from readyup.bots.messages import Assignment, Push, decode_push, decode_session
from readyup.bots.ports import Garbled

DIAL_S_MAX = 5.0
SILENCE_S_MAX = 15.0
"""Heartbeats are answered every 5 s; three missing answers mean that nobody is there."""

_AWAY = (aiohttp.ClientError, OSError, TimeoutError)
_FRAMES = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


class WebSocketLine:
    """One WebSocket with a connector of its own, so that it alone can be cut."""

    def __init__(
        self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._http = http
        self._socket = socket

    async def send(self, frame: bytes) -> None:
        try:
            await self._socket.send_frame(frame, aiohttp.WSMsgType.TEXT)
        except _AWAY as lost:
            raise Unreachable(f"the player API went away: {lost}") from lost

    async def receive(self) -> Push:
        try:
            frame = await self._socket.receive()
        except _AWAY as lost:
            raise Unreachable(f"the player API went away: {lost}") from lost
        if frame.type not in _FRAMES:
            raise Unreachable(f"the player API closed the line: {frame.data}")
        try:
            push: Push = decode_push(frame.data)
            return push
        except msgspec.DecodeError as wrong:
            raise Garbled(f"the player API said {frame.data!r}: {wrong}") from wrong

    async def close(self) -> None:
        await self._socket.close()
        await self._http.close()

    async def vanish(self) -> None:
        # The session closes the transport under the WebSocket: no close frame is sent.
        await self._http.close()


class HttpApi:
    """One player API. Close it by ``async with``."""

    def __init__(self, url: str, *, key: str) -> None:
        """``url`` is the base, e.g. http://127.0.0.1:8080; ``key`` has a ``{player}`` in it."""
        self._url = url.rstrip("/")
        self._key = key
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DIAL_S_MAX))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def dial(self, player: str) -> WebSocketLine:
        http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        try:
            async with asyncio.timeout(DIAL_S_MAX):
                socket = await http.ws_connect(
                    f"{self._url}/v1/connect",
                    headers=self._headers(player),
                    protocols=("readyup.v1",),
                    compress=0,
                    timeout=aiohttp.ClientWSTimeout(ws_receive=SILENCE_S_MAX, ws_close=1.0),
                )
        except BaseException as wrong:
            await http.close()
            if isinstance(wrong, aiohttp.WSServerHandshakeError) and wrong.status in (401, 403):
                raise Unauthorized(f"the player API refuses the key of {player}") from wrong
            if isinstance(wrong, _AWAY):
                raise Unreachable(self._missing(wrong)) from wrong
            raise
        return WebSocketLine(http, socket)

    async def session(self, player: str) -> Assignment | None:
        url = f"{self._url}/v1/players/{player}/session"
        try:
            async with self._http.get(url, headers=self._headers(player)) as answer:
                body = await answer.read()
        except _AWAY as lost:
            raise Unreachable(self._missing(lost)) from lost
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Unreachable(f"the player API answered {answer.status} for the session")
        try:
            return decode_session(body).assignment
        except msgspec.DecodeError as wrong:
            raise Garbled(f"the player API said {body!r}: {wrong}") from wrong

    def _missing(self, lost: BaseException) -> str:
        status = getattr(lost, "status", 0)
        what = f"HTTP {status}" if status else "nobody answers"
        return f"no player API at {self._url}: {what}; start one, or name another with --url"

    def _headers(self, player: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key.format(player=player)}"}
