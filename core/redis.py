"""The one way to Redis: a line to each primary, whichever those are at the moment.

``core.line`` says how many callers share a line, ``core.primaries`` who tells where the
primaries are. A primary that changes is left at once: what was not sent yet goes to its
successor, what was sent is ``StoreUnreachable``. Whether to ask again is the caller's
decision, who knows what the script guards against.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Self

from core import clients
from core.address import Address, Endpoint, parse_address
from core.company import Company
from core.detours import Detours
from core.errors import Exhausted, StoreUnreachable
from core.line import Call, Durability, Line, fail
from core.lua import LuaScript
from core.primaries import Primaries, primaries_of
from core.readers import Entry, Readers
from core.reasons import Peer, doubt
from core.slots import Owners, Ranges, key_of, tag_of
from core.watch import Watch

__all__ = ["Durably", "Entry", "Store"]

PENDING_MAX = 20_000
"""Calls waiting in this process; beyond it callers are told at once."""


class Store:
    """What callers share. Replies are ``str``, ``int``, ``None`` or lists of them."""

    reign = 0
    """Rises with every connection and every primary that is new: what was read before may
    have been forgotten since."""

    one_line = True
    """Whether all calls travel on one line, and so arrive in the order of their turn."""

    def __init__(
        self,
        address: Address,
        primaries: Primaries,
        *,
        timeout_s: float,
        durability: Durability,
        alone_after_s: float = 0.0,
    ) -> None:
        self._address = address
        self._primaries = primaries
        self._timeout_s = timeout_s
        self._durability = durability
        self._lines: dict[Endpoint, Line] = {}
        self.one_line = address.kind != "cluster"
        self._owners = Owners(many=not self.one_line)
        self._company = Company(alone_after_s if durability != "none" else 0.0)
        self._look = Watch(primaries, patience_s=timeout_s)
        self._readers = Readers(address, connect_s=timeout_s, trouble=self._look.trouble)
        self._detours = Detours(
            self._owners, self._put, trouble=self._look.trouble, patience_s=timeout_s
        )
        self._closed = False
        self._watch: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @classmethod
    async def connect(
        cls,
        where: str | Address,
        *,
        timeout_s: float = 5.0,
        durability: Durability = "none",
        alone_after_s: float = 0.0,
    ) -> Self:
        """Connect to what ``core.address`` describes.

        ``durability`` is what ``durably`` waits for: nothing, one replica's memory, or the
        append-only files of the primary and one replica. A primary of a Cluster that has had
        no replica for ``alone_after_s`` is enough by itself; 0 is never.

        Raises:
            Invalid: that is no such address.
            StoreUnreachable: nobody answers there.
        """
        address = parse_address(where) if isinstance(where, str) else where
        primaries = primaries_of(address)
        store = cls(
            address,
            primaries,
            timeout_s=timeout_s,
            durability=durability,
            alone_after_s=alone_after_s,
        )
        try:
            store._go_to(await store._look.first())
            if not primaries.fixed:
                # The store is the task's parent: aclose() ends it and waits for it.
                watch = store._look.run(store._go_to, store._look_at_lines)
                store._watch = asyncio.get_running_loop().create_task(watch, name="primaries")
            await store.everywhere("PING")
        except StoreUnreachable as lost:
            await store.aclose()
            raise StoreUnreachable(f"{lost}{doubt(str(lost), address)}") from lost
        except BaseException:
            await store.aclose()
            raise
        return store

    async def aclose(self) -> None:
        """Close; calls still waiting are told that the store is gone. Twice is fine."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        for line in list(self._lines.values()):
            await line.close()
        self._detours.close()
        for closing in self._readers.leave({}):
            await closing
        if self._leaving:
            await asyncio.wait(self._leaving)
        await self._primaries.aclose()

    @property
    def durably(self) -> "Durably | Store":
        """The same calls, answered once what they did is as durable as this store promises."""
        return Durably(self)

    async def call(self, *command: str | float) -> Any:  # noqa: ANN401 - as redis-py parses it
        """Send one command and return its reply.

        Raises:
            StoreUnreachable: no answer; whether it was executed is not known.
            Exhausted: too many calls wait already, or Redis is out of memory.
            Invalid: a word of it is not Unicode text.
        """
        return await self._submit(_call(command))

    async def many(self, commands: Sequence[tuple[str | float, ...]]) -> list[Any]:
        """Send commands together and return their replies in order; errors as ``call``.

        Those for one server go in one pipeline.
        """
        return await self._all([_call(command) for command in commands], self._route)

    async def everywhere(self, *command: str | float) -> list[Any]:
        """Send one command to every primary and return their replies; errors as ``call``."""
        calls = [_call(command) for _ in self._owners.ranges]
        to = dict(zip(map(id, calls), self._owners.ranges, strict=True))
        return await self._all(calls, lambda call: to[id(call)])

    async def run(self, script: LuaScript, keys: list[str], args: list[str | int]) -> Any:  # noqa: ANN401
        """Run a script by its SHA, sending its source when the server does not know it."""
        return await self._submit(_script(script, keys, args))

    async def submit_durably(self, call: Call) -> Any:  # noqa: ANN401
        """For ``durably``."""
        return await self._submit(self._lasting(call))

    async def submit_all_durably(self, calls: list[Call]) -> list[Any]:
        """For ``durably``."""
        return await self._all([self._lasting(call) for call in calls], self._route)

    def _lasting(self, call: Call) -> Call:
        if self._durability != "none":
            call.tag = tag_of(key_of(call.command) or "{any}")
        return call

    def alone(self) -> int:
        """How many primaries keep promises by themselves."""
        return len(self._company.alone)

    def pending(self) -> int:
        """Calls that wait to be sent; those that wait for their answers are not counted."""
        return sum(len(line.pending) for line in self._lines.values()) + len(self._detours)

    async def read_stream(
        self, key: str, after: str, *, block_ms: int, count: int = 500
    ) -> list[Entry]:
        """Entries of a stream after an id, waiting up to ``block_ms`` for the first.

        Runs on a connection of its own, so that nobody waits behind it.
        """
        owner = self._owners.of_key(key)
        return await self._readers.read(owner, key, after, block_ms=block_ms, count=count)

    async def _submit(self, call: Call) -> Any:  # noqa: ANN401
        self._admit([call], self._route)
        return await call.answer

    async def _all(self, calls: list[Call], where: Callable[[Call], Endpoint]) -> list[Any]:
        self._admit(calls, where)
        try:
            if calls:
                await asyncio.wait([call.answer for call in calls])
        finally:
            for call in calls:  # whoever leaves early is told nothing more
                call.answer.cancel()
        failed = [wrong for call in calls if (wrong := call.answer.exception())]
        if failed:
            raise failed[0]
        return [call.answer.result() for call in calls]

    def _admit(self, calls: list[Call], where: Callable[[Call], Endpoint]) -> None:
        if self._closed:
            raise StoreUnreachable("the store is closed")
        if self.pending() + len(calls) > PENDING_MAX:
            raise Exhausted(f"{PENDING_MAX} calls to Redis are waiting in this process")
        for call in calls:
            self._line(where(call)).put(call)

    def _route(self, call: Call) -> Endpoint:
        return self._owners.of(call.command)

    def _put(self, call: Call) -> None:
        try:
            self._line(self._route(call)).put(call)
        except StoreUnreachable as closed:
            fail([call], closed)

    def _line(self, endpoint: Endpoint) -> Line:
        if (line := self._lines.get(endpoint)) is None:
            client = clients.client(
                self._address,
                endpoint,
                connections=1,
                patience_s=self._timeout_s,
                connect_s=self._timeout_s,
                greeted=self._count,
            )
            line = self._lines[endpoint] = Line(
                client,
                Peer.server(self._address, endpoint),
                self._durability,
                own_key=partial(self._owners.own_key, endpoint),
                elsewhere=partial(self._detours.take, endpoint),
                trouble=self._look.trouble,
            )
        return line

    def _count(self) -> None:
        self.reign += 1

    async def _look_at_lines(self) -> None:
        for line in self._lines.values():
            line.doubted = self._primaries.in_doubt
        if self._company.matters:
            await self._company.look({one: self._line(one) for one in self._owners.ranges})

    def _go_to(self, found: Ranges) -> None:
        """These are the primaries now."""
        if found == self._owners.ranges:
            return
        # Slots that move from one of them to another take along all that was read.
        self.reign += found.keys() != self._owners.ranges.keys()
        self._owners.become(found)
        for endpoint in self._lines.keys() - found.keys():
            self._leave(self._lines.pop(endpoint))
        for closing in self._readers.leave(found):
            self._close_beside(closing)

    def _leave(self, line: Line) -> None:
        unsent = list(line.pending)
        line.pending.clear()
        for call in unsent:
            self._put(call)
        self._close_beside(line.close())

    def _close_beside(self, closing: Coroutine[Any, Any, None]) -> None:
        """Who was cut off is seconds in closing, and the next look does not wait for that."""
        # The store is the task's parent: aclose() waits for it.
        leaving = asyncio.get_running_loop().create_task(closing, name="leaving")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


class Durably:
    """A store's calls whose answers a failover does not forget.

    Raises, besides what those raise: StoreUnreachable, when too few replicas have it yet; it
    may still get there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def call(self, *command: str | float) -> Any:  # noqa: ANN401
        """As ``Store.call``."""
        return await self._store.submit_durably(_call(command))

    async def many(self, commands: Sequence[tuple[str | float, ...]]) -> list[Any]:
        """As ``Store.many``."""
        return await self._store.submit_all_durably([_call(command) for command in commands])

    async def run(self, script: LuaScript, keys: list[str], args: list[str | int]) -> Any:  # noqa: ANN401
        """As ``Store.run``."""
        return await self._store.submit_durably(_script(script, keys, args))


def _call(command: tuple[str | float, ...]) -> Call:
    return Call(command, asyncio.get_running_loop().create_future())


def _script(script: LuaScript, keys: list[str], args: list[str | int]) -> Call:
    command = ("EVALSHA", script.sha, len(keys), *keys, *args)
    return Call(command, asyncio.get_running_loop().create_future(), script)
