"""How long a connection may take to say what it wants; aiohttp itself waits for ever.

A request's body has its own deadline where it is read (``core.web.body_of``).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import web

HEADERS_MAX_BYTES = 8 * 1024
"""All headers of one request. aiohttp bounds each of them, and how many there are."""

UNREAD_ANSWERS_MAX = 64 * 1024
"""Bytes of answers that a connection may leave unread while it asks on."""

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """Deadlines of one connection, in seconds."""

    request_s: float = 5.0
    """From the connection's start, or a later request's first byte, to the end of its headers."""

    idle_s: float = 30.0
    """Between two requests."""

    linger_s: float = 1.0
    """For the rest of a body that nobody wanted to read."""


class Refusal(NamedTuple):
    """What a request is told at the door."""

    answer: bytes
    """A whole response."""

    rest_s: float = 0.0
    """The connection is not read for so long: who asks again at once waits in line."""


Doorman = Callable[[bytes], Refusal | None]
"""Refuses a request that came whole, in one piece, before it is parsed; None lets it in."""


class PatientHandler(web.RequestHandler):
    """aiohttp's connection, with an end to its patience."""

    __slots__ = ("_deadline", "_doorman", "_patience", "_resting", "_unread")

    def __init__(
        self,
        server: web.Server,
        *,
        loop: asyncio.AbstractEventLoop,
        patience: Patience,
        doorman: Doorman | None = None,
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes None as "write none"
            keepalive_timeout=patience.idle_s,
            lingering_time=patience.linger_s,
        )
        self._patience = patience
        self._doorman = doorman
        self._deadline: asyncio.TimerHandle | None = None
        self._unread = 0
        self._resting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._deadline = self._loop.call_later(self._patience.request_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        # Between two requests aiohttp's task waits for the next one; during one it does not.
        between = self._waiter is not None and not self._waiter.done()
        if not (between or self._request_count == 0):
            super().data_received(data)
            return
        if self._doorman is not None and not self._unread and (refusal := self._doorman(data)):
            self._refuse(refusal)
            return
        if self._deadline is None:
            self._deadline = self._loop.call_later(self._patience.request_s, self._give_up)
        seen = self._request_count
        super().data_received(data)
        if self._request_count > seen:
            self._rest()
        else:
            self._unread += len(data)
            if self._unread > HEADERS_MAX_BYTES:
                self._end(TOO_LARGE)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._rest()
        if self._resting is not None:
            self._resting.cancel()
        super().connection_lost(exc)

    def _refuse(self, refusal: Refusal) -> None:
        if self.transport is not None and not (self._close or self._force_close):
            self._rest()
            self.transport.write(refusal.answer)
            # As after any other request: the next one may come, but not at leisure.
            self._next_keepalive_close_time = self._loop.time() + self._patience.idle_s
            if self.transport.get_write_buffer_size() > UNREAD_ANSWERS_MAX:
                self.transport.abort()  # a polite close would wait for the reader
                self.force_close()
            elif refusal.rest_s and self._resting is None:
                self.transport.pause_reading()
                self._resting = self._loop.call_later(refusal.rest_s, self._read_on)

    def _read_on(self) -> None:
        self._resting = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _rest(self) -> None:
        self._unread = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self._end(TOO_SLOW if self._unread else b"")  # who said nothing is told nothing

    def _end(self, farewell: bytes) -> None:
        if self.transport is not None:
            self.transport.write(farewell)
        self.force_close()
