"""One connection to one server: many callers, one pipeline per loop turn.

redis-py spends most of a call's time on a call's own ceremony (facts: 50 to 100
microseconds of CPU). Calls made while a pipeline is under way wait for the next one
and travel together, so a busy process pays that ceremony once for many.

Nothing is ever sent twice by itself: redis-py's retries are set to 0, and a call
whose answer was lost raises ``StoreUnreachable``. Sent again is only what a server
says it did not run: a script it does not know, a key that another server has.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import redis.asyncio as aioredis
import structlog
from redis.exceptions import (
    AskError,
    DataError,
    NoScriptError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from core import clients
from core.errors import Invalid, StoreUnreachable
from core.lua import LuaScript
from core.reasons import Peer, as_ours, why

PIPELINE_MAX = 512
"""Calls in one pipeline. Bounds what one late reply can hold up."""

BARRIER_MS = 1000
"""How long an answer that must last waits for a replica; the connection waits with it."""

KEPT_S = 60
"""How long the key lives that a durable pipeline writes last."""

Durability = Literal["none", "replica", "aof"]

log = structlog.get_logger("readyup.store")


@dataclass(slots=True)
class Call:
    """A command on its way, and where its answer is waited for."""

    command: tuple[str | float, ...]
    answer: asyncio.Future[Any]
    script: LuaScript | None = None
    tag: str = ""
    """Of a call whose answer must last: what its keys have in common, braces included."""

    hops: int = 0
    """Servers that had sent it on."""

    since_s: float = 0.0
    """When a server said first that the keys are on their way to another one."""


class Line:
    """The connection to one server."""

    def __init__(
        self,
        client: aioredis.Redis,
        peer: Peer,
        durability: Durability,
        *,
        own_key: Callable[[str], str],
        elsewhere: Callable[[Call, AskError | TryAgainError], None],
        trouble: Callable[[], None],
    ) -> None:
        """``own_key`` names a key that this server has, or else one with the tag of a call.
        ``elsewhere`` takes a call whose keys another server has, or is about to have;
        ``trouble`` is told when this server may be the primary no more.
        """
        self.alone = False
        """Whether what must last lasts once this server itself has it."""

        self.doubted = False
        """Whether this server is about to be deposed, so that what it keeps may not last."""

        self.pending: deque[Call] = deque()
        self._client = client
        self._peer = peer
        self._own_key = own_key
        self._durability = durability
        self._elsewhere = elsewhere
        self._trouble = trouble
        self._wake = asyncio.Event()
        self._closing = False
        self._told: set[str] = set()
        """Refusals that are in our log."""

        self._batch: list[Call] = []
        """Under way."""

        # The line is the task's parent: close() ends it and waits for it.
        self._pump = asyncio.get_running_loop().create_task(self._serve(), name="store")

    def put(self, call: Call) -> None:
        """Send it with the next pipeline.

        Raises:
            StoreUnreachable: the line is closed.
            Exception: a mistake of ours has ended it, and ends whoever calls too.
        """
        if self._pump.done():
            mistake = None if self._pump.cancelled() else self._pump.exception()
            raise mistake or StoreUnreachable("the store is closed")
        self.pending.append(call)
        self._wake.set()

    async def close(self) -> None:
        """Close; calls still waiting are told so. Twice is fine."""
        self._closing = True
        self._wake.set()
        # At once: redis-py may hold the task up for as long as it connects.
        self._tell_all()
        self._pump.cancel()
        await asyncio.wait([self._pump])
        await clients.close(self._client)

    async def _serve(self) -> None:
        try:
            # redis-py swallows a cancellation that comes while it connects, so it is asked twice.
            while not self._closing:
                await self._wake.wait()
                self._wake.clear()
                while self.pending and not self._closing:
                    many = min(len(self.pending), PIPELINE_MAX)
                    self._batch = [self.pending.popleft() for _ in range(many)]
                    await self._send(self._batch)
        finally:  # closed, or a mistake of ours: whichever, nobody is left waiting
            self._tell_all()

    def _tell_all(self) -> None:
        fail(self._batch, StoreUnreachable("the store was closed; the outcome is unknown"))
        fail(self.pending, StoreUnreachable("the store was closed"))

    async def _send(self, batch: list[Call]) -> None:
        pipe = self._client.pipeline(transaction=False)
        for call in batch:
            pipe.execute_command(*call.command)
        barrier = next((call.tag for call in batch if call.tag), "")
        if barrier and self._durability != "none":
            self._wait_in(pipe, barrier)
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
            fail(batch, StoreUnreachable(why(lost, self._peer)))
            self._trouble()
            return
        forgettable = self._not_kept(replies[len(batch) :])
        for call, reply in zip(batch, replies, strict=False):
            self._settle(call, reply, forgettable if call.tag else None)

    def _wait_in(self, pipe: aioredis.client.Pipeline, tag: str) -> None:
        """End a pipeline with a wait until a replica has all of it.

        ``WAIT`` speaks for what its own connection wrote, and a new connection has written
        nothing: it would be told that all is well. So something is written first, and
        replicas, who read in order, have everything before it when they have that. It is
        written beside the calls' own slots: those may be on their way to another server.
        """
        if self.alone and self._durability == "replica":
            return
        pipe.execute_command("SET", self._own_key(f"{tag}:kept"), 1, "EX", KEPT_S)
        if self._durability == "replica":
            pipe.execute_command("WAIT", 1, BARRIER_MS)
        else:
            pipe.execute_command("WAITAOF", 1, int(not self.alone), BARRIER_MS)

    def _settle(self, call: Call, reply: Any, forgettable: Exception | None) -> None:  # noqa: ANN401
        if call.answer.done():  # its caller has gone; what was done stays done
            return
        if isinstance(reply, NoScriptError) and call.script is not None:
            # NOSCRIPT means that nothing ran, so sending the source is no repeat.
            _, _, *rest = call.command
            call.command = ("EVAL", call.script.source, *rest)
            self.pending.append(call)
        elif isinstance(reply, (AskError, TryAgainError)):
            self._elsewhere(call, reply)
        elif isinstance(reply, Exception):
            call.answer.set_exception(wrong := as_ours(reply, self._peer))
            if isinstance(wrong, StoreUnreachable):
                self._refused(wrong)
        elif forgettable is not None:
            call.answer.set_exception(forgettable)
        else:
            call.answer.set_result(reply)

    def _refused(self, wrong: StoreUnreachable) -> None:
        """Tell it once: whoever asked us over HTTP hears neither the place nor the cure."""
        self._trouble()
        if (reason := str(wrong)) not in self._told:
            self._told.add(reason)
            log.warning("store.refuses", reason=reason)

    def _not_kept(self, replies: list[Any]) -> Exception | None:
        """Why the answers of a pipeline may be forgotten, by what stood at its end."""
        if not replies:
            return None
        written, reached = replies
        if isinstance(written, Exception):
            self._trouble()  # mostly the key's slot has moved
            return as_ours(written, self._peer)
        if isinstance(reached, ResponseError) and "appendonly" in str(reached):
            return Invalid(f"durability aof needs appendonly yes: {reached}")
        if isinstance(reached, Exception):
            return as_ours(reached, self._peer)
        files, replicas = reached if isinstance(reached, list) else (1, reached)
        if self.doubted:
            return StoreUnreachable("its primary is being deposed; a new one may not have it")
        if not (int(replicas) or self.alone):
            return StoreUnreachable(f"no replica has it after {BARRIER_MS} ms")
        if not int(files):
            return StoreUnreachable(f"no file of the primary has it after {BARRIER_MS} ms")
        return None


def fail(calls: Iterable[Call], why: Invalid | StoreUnreachable) -> None:
    """Tell whoever still waits for these."""
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(why)


def _refusal(unsayable: DataError | UnicodeEncodeError) -> Exception:
    if isinstance(unsayable, UnicodeEncodeError):  # from a caller's own caller, mostly
        return Invalid(f"not Unicode text: {unsayable}")
    return TypeError(str(unsayable))
