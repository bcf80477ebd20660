"""The players of the overload benchmark: they ask at a rate, whether answers come or not."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import cast

from core.clock import SystemClock

GOOD_S = 1.0
"""An acceptance that comes later than this is nobody's good."""

TICK_S = 0.002

_CLOCK = SystemClock()


@dataclass(slots=True)
class Phase:
    """What became of one phase's requests."""

    rate_per_s: float
    began_s: float
    asked: int = 0
    unsent: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    accepted_s: list[tuple[float, float]] = field(default_factory=list)
    """When a good acceptance came, and how long it took."""

    late: int = 0
    lost: int = 0
    """Connections that ended under a request."""

    cpu_s: dict[str, float] = field(default_factory=dict)
    """Processor time of each process in it."""


class Line(asyncio.Protocol):
    """One client's connection; one request at a time."""

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd = crowd
        self._phase: Phase | None = None
        self._sent_s = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._crowd.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The API ends what asks nothing for too long."""
        self._transport = None
        self._crowd.ended += 1
        phase, self._phase = self._phase, None
        if phase is not None:
            phase.lost += 1
        elif self in self._crowd.idle:
            self._crowd.idle.remove(self)

    @property
    def ends(self) -> bool:
        """Whether nothing can be asked here any more."""
        return self._transport is None or self._transport.is_closing()

    def ask(self, request: bytes, phase: Phase) -> None:
        """Send one; the answer is noted in the phase that it belongs to."""
        assert self._transport is not None
        self._phase, self._sent_s = phase, _CLOCK.elapsed_s()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        phase, self._phase = self._phase, None
        if phase is None:
            return  # the rest of an answer that came in two pieces
        now_s = _CLOCK.elapsed_s()
        status, took_s = int(data[9:12]), now_s - self._sent_s
        phase.answers[status] = phase.answers.get(status, 0) + 1
        if status == 201 and took_s <= GOOD_S:
            phase.accepted_s.append((now_s, took_s))
        elif status == 201:
            phase.late += 1
        self._crowd.idle.append(self)


class Crowd:
    """Players who each ask once."""

    def __init__(self, name: bytes) -> None:
        self.idle: deque[Line] = deque()
        self.ended = 0
        """Connections that are to be opened again."""

        self._name = name
        self._players = 0
        self._where = ("", 0)

    async def connect(self, host: str, port: int, lines: int) -> None:
        """Open so many connections."""
        self._where = (host, port)
        await self._open(lines)

    async def _open(self, lines: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(lines):
            await loop.create_connection(lambda: Line(self), *self._where)

    def ask(self, phase: Phase) -> None:
        """One more player asks, if a line is free."""
        phase.asked += 1
        while self.idle and self.idle[0].ends:
            self.idle.popleft()
        if not self.idle:
            phase.unsent += 1
            return
        self._players += 1
        player = b"%b-%d" % (self._name, self._players)
        body = b'{"queue":"duel","players":[{"id":"%b"}]}' % player
        request = (
            b"POST /v1/tickets HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer dev-player:%b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (player, len(body), body)
        )
        self.idle.popleft().ask(request, phase)

    async def open_loop(self, rate_per_s: float, seconds: float) -> Phase:
        """Ask at a fixed rate for so long; who lost the connection opens another."""
        phase = Phase(rate_per_s, _CLOCK.elapsed_s())
        async with asyncio.TaskGroup() as group:
            while (since_s := _CLOCK.elapsed_s() - phase.began_s) < seconds:
                self._ask_what_is_due(phase, int(since_s * rate_per_s) - phase.asked)
                if self.ended:
                    group.create_task(self._open(self.ended), name="lines")
                    self.ended = 0
                await asyncio.sleep(TICK_S)
        return phase

    def _ask_what_is_due(self, phase: Phase, due: int) -> None:
        if due > len(self.idle):  # who finds no line is counted without being made up
            phase.unsent += due - len(self.idle)
            phase.asked += due - len(self.idle)
            due = len(self.idle)
        for _ in range(due):
            self.ask(phase)

    async def closed_loop(self, seconds: float) -> Phase:
        """Ask again as soon as answered, for so long."""
        phase = Phase(0.0, _CLOCK.elapsed_s())
        while _CLOCK.elapsed_s() - phase.began_s < seconds:
            while self.idle:
                self.ask(phase)
            await asyncio.sleep(0)
        return phase
