"""Connections between virtual processes, shaped like the WebSockets that they stand for."""

import asyncio
import contextlib
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, NamedTuple, Self, TypeVar

import structlog
from aiohttp import WSMsgType

from core.errors import Unreachable
from readyup.simulation.process import NEUTRAL, Process, unexplained

T = TypeVar("T")
Serve = Callable[["End"], Coroutine[Any, Any, None]]

WAY_S = (0.0002, 0.003)
WINDOW = 64
"""Frames that fit between a writer and a reader who does not read."""

log = structlog.get_logger("readyup.simulation")


class Message(NamedTuple):
    """A frame, with the names that aiohttp gives its parts."""

    type: WSMsgType
    data: Any = None
    extra: str | None = None


_CLOSED = Message(WSMsgType.CLOSED)


class End:
    """One end of a connection. What it offers is what our rooms use of aiohttp's sockets."""

    def __init__(self, name: str, dice: random.Random, *, receive_s: float | None) -> None:
        self.name = name
        """Who dialled."""

        self.peer: End
        self.owner: Process | None = None
        self.closed = False
        self.stalled_until_s = 0.0
        """A slow reader does not read before this."""

        self.on_closed: Callable[[], object] = lambda: None
        self._dice = dice
        self._receive_s = receive_s
        self._inbox: deque[Message] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._hung_up = asyncio.Event()
        self._under_way = 0
        self._last_s = 0.0

    async def send_str(self, text: str) -> None:
        """Send a frame; waits while the other end does not read.

        Raises:
            ConnectionResetError: the connection is gone.
        """
        while not self.closed and self.peer.is_full():
            await self.peer.room()
        if self.closed:
            raise ConnectionResetError("the connection is closed")
        self._send(Message(WSMsgType.TEXT, text))

    async def send_frame(self, frame: bytes, _: WSMsgType) -> None:
        await self.send_str(frame.decode())

    async def receive(self) -> Message:
        """The next frame, or that the connection is closed; whoever closed it hears no more.

        Raises:
            TimeoutError: nothing came for as long as this end waits.
        """
        await self._until_it_reads()
        async with asyncio.timeout(self._receive_s):
            while not self._inbox and not self.closed:
                self._news.clear()
                await self._news.wait()
        await self._until_it_reads()  # it may have been stopped while it waited
        if self._hung_up.is_set() or not self._inbox:
            return _CLOSED
        self._room.set()
        return self._inbox.popleft()

    async def _until_it_reads(self) -> None:
        loop = asyncio.get_running_loop()
        while (late_s := self.stalled_until_s - loop.time()) > 0.0 and not self._hung_up.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(late_s):
                    await self._hung_up.wait()

    async def close(self, *, code: int = 1000, message: bytes = b"") -> bool:
        """Say goodbye; twice is fine."""
        if not self.closed:
            self._send(Message(WSMsgType.CLOSE, code, message.decode()))
            self._hang_up()
        return True

    def cut(self) -> None:
        """Break the connection, as the death of a machine does."""
        if not self.closed:
            loop = asyncio.get_running_loop()
            loop.call_later(self._dice.uniform(*WAY_S), self.peer.break_off, context=NEUTRAL)
            self._hang_up()

    abort = cut  # aiohttp's transport calls it so

    def break_off(self) -> None:
        """The other end is gone."""
        if not self.closed:
            self._shut()

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        message = await self.receive()
        if message.type is not WSMsgType.TEXT:
            self.break_off()
            raise StopAsyncIteration
        return message

    def is_full(self) -> bool:
        return len(self._inbox) + self._under_way >= WINDOW

    async def room(self) -> None:
        """Until it may be less full."""
        self._room.clear()
        await self._room.wait()

    def look_again(self) -> None:
        """Whoever waits for room need not."""
        self._room.set()

    def belongs_to(self, owner: Process | None) -> Self:
        """The end breaks when its owner dies."""
        self.owner = owner
        if owner is not None:
            owner.at_death(self.cut)
        return self

    def _send(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        # Frames of one connection never overtake one another.
        self._last_s = max(loop.time() + self._dice.uniform(*WAY_S), self._last_s + 1e-6)
        self.peer.expect()
        loop.call_at(self._last_s, self.peer.deliver, message, context=NEUTRAL)

    def expect(self) -> None:
        """A frame is on its way here."""
        self._under_way += 1

    def deliver(self, message: Message) -> None:
        """It has come."""
        self._under_way -= 1
        if not self.closed:
            self._inbox.append(message)
            self._news.set()

    def _hang_up(self) -> None:
        self._hung_up.set()
        self._shut()

    def _shut(self) -> None:
        self.closed = True
        self._news.set()
        self._room.set()
        self.peer.look_again()
        if self.owner is not None:
            self.owner.never_mind(self.cut)
        self.on_closed()


class Network:
    """Who listens where, and who cannot be reached."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._listening: defaultdict[str, dict[Process, Serve]] = defaultdict(dict)
        self._unreachable: dict[str, float] = {}
        self._ends: defaultdict[str, dict[End, None]] = defaultdict(dict)
        self.broke: list[BaseException] = []
        """What connections died of that nothing explains."""

    def listen(self, service: str, process: Process, serve: Serve) -> None:
        """Serve connections to a service until the process dies."""
        self._listening[service][process] = serve
        process.at_death(lambda: self._listening[service].pop(process, None))

    def dialled(self) -> list[str]:
        """Who has a connection open."""
        return sorted(name for name, ends in self._ends.items() if ends)

    def cut_off(self, name: str, until_s: float) -> None:
        """Break this one's connections, and let it make none until then."""
        self._unreachable[name] = until_s
        for end in list(self._ends[name]):
            end.cut()

    def stall(self, name: str, until_s: float) -> None:
        """This one reads nothing until then."""
        for end in self._ends[name]:
            end.stalled_until_s = until_s

    def heal(self) -> None:
        """Everybody can be reached."""
        self._unreachable.clear()

    async def dial(
        self, service: str, name: str, *, owner: Process | None, receive_s: float | None = None
    ) -> End:
        """A connection to somebody who serves.

        Raises:
            Unreachable: nobody does, or we are cut off.
        """
        process, serve = await self._find(service, name)
        here = End(name, self._dice, receive_s=receive_s).belongs_to(owner)
        there = End(name, self._dice, receive_s=SERVER_WAITS_S.get(service)).belongs_to(process)
        here.peer, there.peer = there, here
        self._ends[name][here] = None
        here.on_closed = lambda: self._ends[name].pop(here, None)
        process.spawn(self._serve(serve, there), name=f"{service} {name}")
        return here

    async def ask(self, service: str, name: str, work: Callable[[Process], Awaitable[T]]) -> T:
        """Have one who serves do something, as a request over HTTP does.

        Raises:
            Unreachable: nobody there, or it died before it answered.
        """
        process, _ = await self._find(service, name)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def lost() -> None:
            if not answer.done():
                answer.set_exception(Unreachable(f"{process.name} died"))

        async def answering() -> None:
            try:
                result = await work(process)
                if not answer.done():
                    answer.set_result(result)
            except Exception as wrong:  # noqa: BLE001 - the answer, to whoever asked
                if not answer.done():
                    answer.set_exception(wrong)

        process.at_death(lost)
        process.spawn(answering(), name=f"{service} {name} asks")
        try:
            return await answer
        finally:
            process.never_mind(lost)

    async def _find(self, service: str, name: str) -> tuple[Process, Serve]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._dice.uniform(*WAY_S))
        there = list(self._listening[service].items())
        if not there or loop.time() < self._unreachable.get(name, 0.0):
            raise Unreachable(f"{service} cannot be reached from {name}")
        return self._dice.choice(there)

    async def _serve(self, serve: Serve, end: End) -> None:
        try:
            await serve(end)
        except Exception as wrong:
            # As aiohttp does: the connection ends, the process lives on; but we remember.
            log.exception("connection.broke", of=end.name)
            self.broke += unexplained(wrong)
        finally:
            end.cut()


SERVER_WAITS_S: dict[str, float] = {"sessions": 5.0}
"""How long a service waits for a silent client's next frame."""
