"""The one way to Redis: many callers, one connection, one pipeline per loop turn.

redis-py spends most of a call's time on a call's own ceremony (facts: 50 to 100
microseconds of CPU). Calls made while a pipeline is under way wait for the next one
and travel together, so a busy process pays that ceremony once for many, and ``WAIT``
speaks for the very connection that wrote.

Nothing is ever sent twice by itself: redis-py's retries are set to 0, and a call
whose answer was lost raises ``StoreUnreachable``. Whether to ask again is the
caller's decision, who knows what the script guards against.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    ConnectionError as RedisConnectionError,
    DataError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
    TryAgainError,
)

from core.errors import Exhausted, Invalid, StoreUnreachable
from core.lua import LuaScript

PIPELINE_MAX = 512
"""Calls in one pipeline. Bounds what one late reply can hold up."""

PENDING_MAX = 20_000
"""Calls waiting in this process; beyond it callers are told at once."""


BARRIER_MS = 1000
"""How long a director waits for a replica before it leaves a match unannounced for now."""

AWAY = (
    *(RedisConnectionError, RedisTimeoutError, OSError),
    *(ReadOnlyError, ClusterDownError, TryAgainError),
)
"""No answer, or none that this server can give now: it starts, or is no primary."""

REFUSALS = ("NOREPLICAS", "MISCONF", "BUSY ", "UNBLOCKED")
"""How answers begin that mean the same and have no class of their own."""

Durability = Literal["none", "replica", "aof"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream."""

    id: str
    fields: dict[str, str]


@dataclass(slots=True)
class _Call:
    command: tuple[str | float, ...]
    answer: asyncio.Future[Any]
    script: LuaScript | None = None


class Store:
    """A connection that callers share. Replies are ``str``, ``int``, ``None`` or lists of them."""

    def __init__(
        self, shared: aioredis.Redis, blocking: aioredis.Redis, durability: Durability
    ) -> None:
        self._shared = shared
        self._durability = durability
        self._blocking = blocking
        self._pending: deque[_Call] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        # The store is the task's parent: aclose() ends it and waits for it.
        self._pump = asyncio.get_running_loop().create_task(self._serve(), name="store")

    @classmethod
    async def connect(
        cls, url: str, *, timeout_s: float = 5.0, durability: Durability = "none"
    ) -> Self:
        """Connect to ``unix:///path`` or ``redis://host:port/db``.

        ``durability`` is what ``barrier`` waits for: nothing, one replica's memory, or the
        append-only files of the primary and one replica.

        Raises:
            Invalid: that is no such address.
            StoreUnreachable: nobody answers there.
        """
        if not url.startswith(("unix://", "redis://", "rediss://")):
            raise Invalid(f"{url!r} is no address of a store; write redis://host:port/0")

        def client(connections: int, patience_s: float) -> aioredis.Redis:
            pool = aioredis.BlockingConnectionPool.from_url(
                url,
                max_connections=connections,
                timeout=None,
                decode_responses=True,
                protocol=2,
                socket_timeout=patience_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
            )
            return aioredis.Redis.from_pool(pool)

        # A blocking read ends by itself within its block_ms; half a minute means a dead peer.
        store = cls(client(1, timeout_s), client(64, 30.0), durability)
        try:
            await store.call("PING")
        except BaseException:
            await store.aclose()
            raise
        return store

    async def aclose(self) -> None:
        """Close; calls still waiting are told that the store is gone. Twice is fine."""
        self._closing = True
        self._wake.set()
        self._pump.cancel()
        await asyncio.wait([self._pump])
        await self._shared.aclose(close_connection_pool=True)
        await self._blocking.aclose(close_connection_pool=True)

    async def call(self, *command: str | float) -> Any:  # noqa: ANN401 - as redis-py parses it
        """Send one command and return its reply.

        Raises:
            StoreUnreachable: no answer; whether it was executed is not known.
            Exhausted: too many calls wait already, or Redis is out of memory.
            Invalid: a word of it is not Unicode text.
        """
        return await self._submit(_Call(command, asyncio.get_running_loop().create_future()))

    async def many(self, commands: Sequence[tuple[str | float, ...]]) -> list[Any]:
        """Send commands together and return their replies in order; errors as ``call``."""
        loop = asyncio.get_running_loop()
        calls = [_Call(command, loop.create_future()) for command in commands]
        self._admit(*calls)
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

    async def run(self, script: LuaScript, keys: list[str], args: list[str | int]) -> Any:  # noqa: ANN401
        """Run a script by its SHA, sending its source when the server does not know it."""
        command = ("EVALSHA", script.sha, len(keys), *keys, *args)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        return await self._submit(_Call(command, future, script))

    def pending(self) -> int:
        """Calls that wait to be sent; those that wait for their answers are not counted."""
        return len(self._pending)

    async def barrier(self) -> None:
        """Return once everything written here so far is as durable as this store promises.

        Raises:
            StoreUnreachable: too few replicas have it; it may still get there.
            Invalid: "aof" was asked of a server that keeps no append-only file.
        """
        if self._durability == "none":
            return
        if self._durability == "replica":
            reached = int(await self.call("WAIT", 1, BARRIER_MS))
        else:
            try:
                reached = min(int(n) for n in await self.call("WAITAOF", 1, 1, BARRIER_MS))
            except ResponseError as refused:
                raise Invalid(f"durability aof needs appendonly yes: {refused}") from refused
        if reached < 1:
            raise StoreUnreachable(f"no replica has it after {BARRIER_MS} ms")

    async def read_stream(
        self, key: str, after: str, *, block_ms: int, count: int = 500
    ) -> list[Entry]:
        """Entries of a stream after an id, waiting up to ``block_ms`` for the first.

        Runs on a connection of its own, so that nobody waits behind it.
        """
        try:
            reply = await self._blocking.execute_command(  # type: ignore[no-untyped-call]
                "XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", key, after
            )
        except (RedisError, OSError) as lost:
            raise _as_ours(lost) from lost
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # redis-py swallows one that comes while it connects
        if not reply:
            return []
        return [Entry(entry_id, fields or {}) for entry_id, fields in reply[0][1]]

    async def _submit(self, call: _Call) -> Any:  # noqa: ANN401
        self._admit(call)
        return await call.answer

    def _admit(self, *calls: _Call) -> None:
        if self._pump.done():
            raise StoreUnreachable("the store is closed")
        if len(self._pending) + len(calls) > PENDING_MAX:
            raise Exhausted(f"{PENDING_MAX} calls to Redis are waiting in this process")
        self._pending.extend(calls)
        self._wake.set()

    async def _serve(self) -> None:
        batch: list[_Call] = []
        try:
            # redis-py swallows a cancellation that comes while it connects, so it is asked twice.
            while not self._closing:
                await self._wake.wait()
                self._wake.clear()
                while self._pending and not self._closing:
                    many = min(len(self._pending), PIPELINE_MAX)
                    batch = [self._pending.popleft() for _ in range(many)]
                    await self._send(batch)
        finally:  # closed, or a mistake of ours: whichever, nobody is left waiting
            _fail(batch, StoreUnreachable("the store was closed; the outcome is unknown"))
            _fail(self._pending, StoreUnreachable("the store was closed"))

    async def _send(self, batch: list[_Call]) -> None:
        pipe = self._shared.pipeline(transaction=False)
        for call in batch:
            pipe.execute_command(*call.command)
        try:
            replies = await pipe.execute(raise_on_error=False)
        except (DataError, UnicodeEncodeError) as unsayable:
            # A pipeline is packed before any of it is sent, so sending the rest is no repeat.
            if len(batch) > 1:
                for call in batch:
                    await self._send([call])
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(_refusal(unsayable))
            return
        except (RedisError, OSError, UnicodeDecodeError) as lost:
            _fail(batch, StoreUnreachable(f"Redis did not answer: {lost}"))
            return
        for call, reply in zip(batch, replies, strict=True):
            self._settle(call, reply)

    def _settle(self, call: _Call, reply: Any) -> None:  # noqa: ANN401
        if call.answer.done():  # its caller has gone; what was done stays done
            return
        if isinstance(reply, NoScriptError) and call.script is not None:
            # NOSCRIPT means that nothing ran, so sending the source is no repeat.
            _, _, *rest = call.command
            again = ("EVAL", call.script.source, *rest)
            self._pending.append(_Call(again, call.answer))
        elif isinstance(reply, Exception):
            call.answer.set_exception(_as_ours(reply))
        else:
            call.answer.set_result(reply)


def _as_ours(wrong: Exception) -> Exception:
    """What callers are told: load and machines in our words, a wrong command in Redis' own."""
    if isinstance(wrong, OutOfMemoryError):
        return Exhausted("Redis is out of memory")
    if isinstance(wrong, AWAY) or str(wrong).startswith(REFUSALS):
        return StoreUnreachable(f"Redis did not answer: {wrong}")
    return wrong


def _refusal(unsayable: DataError | UnicodeEncodeError) -> Exception:
    if isinstance(unsayable, UnicodeEncodeError):  # from a caller's own caller, mostly
        return Invalid(f"not Unicode text: {unsayable}")
    return TypeError(str(unsayable))


def _fail(calls: "list[_Call] | deque[_Call]", why: StoreUnreachable) -> None:
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(why)
