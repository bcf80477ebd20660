"""The way to the store and back, on which things go wrong.

Every call has a number, counted over all processes, so that a fault can name it. A process
has one connection for its calls, as ``core.redis.Store`` has: they arrive in their order,
and a late reply holds up those behind it.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Self

from core.errors import StoreUnreachable
from core.lua import LuaScript
from core.redis import Entry, Store
from readyup.simulation.engine import Engine
from readyup.simulation.explained import Delay
from readyup.simulation.faults import Fault
from readyup.simulation.process import NEUTRAL, Process

PATIENCE_S = 5.0
"""As long as ``Store`` waits for a reply."""

WAY_S = (0.0001, 0.0006)
"""To the store and back: half a millisecond, as within one data centre."""


class Road:
    """What lies between all processes and the store."""

    def __init__(
        self,
        engine: Engine,
        dice: random.Random,
        faults: Sequence[Fault],
        crash: Callable[[Process, Fault], None],
    ) -> None:
        """``crash`` kills a process; who is started again, and when, is not the road's."""
        self.engine = engine
        self.calls = 0
        self.struck: Counter[str] = Counter()
        """Faults that found their call, by kind."""

        self.delays: list[Delay] = []
        """Whose calls they were."""

        self.away_until_s = 0.0
        self.slow_until_s = 0.0
        self.slow_by_s = 0.0
        self.crash = crash
        self._dice = dice
        self._by_number = {fault.call: fault for fault in faults if fault.call is not None}
        timed = [fault for fault in faults if fault.call is None]
        self._armed = sorted(timed, key=lambda fault: fault.at_s or 0.0)

    def heal(self) -> None:
        """No more faults from here on."""
        self._by_number.clear()
        self._armed.clear()
        self.away_until_s = self.slow_until_s = 0.0

    def next_call(self, name: str, now_s: float) -> Fault | None:
        """Count a call; the fault that strikes it, if one does."""
        self.calls += 1
        fault = self._by_number.pop(self.calls, None) or self._due(name, now_s)
        if fault is not None:
            self.struck[fault.kind] += 1
            self.delays.append(Delay(name, now_s, now_s + min(fault.by_s, PATIENCE_S)))
        return fault

    def _due(self, name: str, now_s: float) -> Fault | None:
        for n, fault in enumerate(self._armed):
            if (fault.at_s or 0.0) > now_s:
                return None
            if fault.concerns(name):
                return self._armed.pop(n)
        return None

    def way_s(self) -> float:
        return self._dice.uniform(*WAY_S)

    def delay_s(self, now_s: float) -> float:
        """How long a reply takes beyond its way."""
        slow = now_s < self.slow_until_s
        return self._dice.uniform(0.0, 2 * self.slow_by_s) if slow else 0.0


class VirtualStore(Store):
    """One process's connection."""

    def __init__(self, road: Road, process: Process) -> None:
        # Not the parent's: there is no server to connect to.
        self._road = road
        self._process = process
        self._free_s = 0.0

    async def aclose(self) -> None:
        """Nothing is held open."""

    @property
    def durably(self) -> Self:
        """There are no replicas here."""
        return self

    async def call(self, *command: str | float) -> Any:  # noqa: ANN401 - as redis-py parses it
        return await self._ask(lambda: self._road.engine.command(*command))

    async def many(self, commands: Sequence[tuple[str | float, ...]]) -> list[Any]:
        engine = self._road.engine
        if not commands:
            return []
        # One pipeline: one fault strikes it whole, as a lost connection does.
        return list(await self._ask(lambda: [engine.command(*command) for command in commands]))

    async def run(self, script: LuaScript, keys: list[str], args: list[str | int]) -> Any:  # noqa: ANN401
        return await self._ask(lambda: self._road.engine.script(script, keys, args))

    async def read_stream(
        self, key: str, after: str, *, block_ms: int, count: int = 500
    ) -> list[Entry]:
        engine = self._road.engine

        def read_or_wait() -> list[Entry] | asyncio.Future[None]:
            return engine.read(key, after, count) or engine.grown(key)

        found = await self._ask(read_or_wait, in_turn=False)
        if isinstance(found, list):
            return found
        timer = asyncio.get_running_loop().call_later(block_ms / 1000, found.cancel)
        await asyncio.wait([found])  # which is not cancelled with us
        timer.cancel()
        if found.cancelled():
            return []
        if asyncio.get_running_loop().time() < self._road.away_until_s:
            raise StoreUnreachable("the store went away")
        return engine.read(key, after, count)

    async def _ask(self, work: Callable[[], Any], *, in_turn: bool = True) -> Any:  # noqa: ANN401
        loop = asyncio.get_running_loop()
        if self._process.dead:
            raise asyncio.CancelledError
        fault = self._road.next_call(self._process.name, loop.time())
        if fault is not None and fault.kind == "crash-before":
            self._road.crash(self._process, fault)
            raise asyncio.CancelledError
        answer: asyncio.Future[Any] = loop.create_future()
        arrives_s = loop.time() + self._road.way_s()
        if in_turn:  # behind the call before it
            arrives_s = self._free_s = max(arrives_s, self._free_s + 1e-6)
        loop.call_at(arrives_s, self._arrive, work, answer, fault, context=NEUTRAL)
        return await answer

    def _arrive(
        self, work: Callable[[], Any], answer: asyncio.Future[Any], fault: Fault | None
    ) -> None:
        """At the store. What a dead process had sent is carried out all the same."""
        now_s = asyncio.get_running_loop().time()
        kind = fault.kind if fault is not None else ""
        if kind == "refused" or now_s < self._road.away_until_s:
            _fail(answer, StoreUnreachable("the store refused"))
            return
        try:
            reply = work()
        except Exception as wrong:  # noqa: BLE001 - the reply is an error, and the caller's
            _fail(answer, wrong)
            return
        if kind == "crash-after":
            assert fault is not None
            self._road.crash(self._process, fault)
        elif kind == "reply-lost":
            _fail(answer, StoreUnreachable("the reply was lost"))
        else:
            late_s = fault.by_s if fault is not None else 0.0
            self._reply(answer, reply, late_s + self._road.delay_s(now_s), now_s)

    def _reply(
        self, answer: asyncio.Future[Any], reply: object, late_s: float, now_s: float
    ) -> None:
        if late_s <= 0.0:
            _settle(answer, reply)
            return
        loop = asyncio.get_running_loop()
        self._free_s = max(self._free_s, now_s + min(late_s, PATIENCE_S))
        if late_s < PATIENCE_S:
            loop.call_later(late_s, _settle, answer, reply, context=NEUTRAL)
        else:
            gone = StoreUnreachable(f"no reply within {PATIENCE_S:g} s")
            loop.call_later(PATIENCE_S, _fail, answer, gone, context=NEUTRAL)


def _settle(answer: asyncio.Future[Any], reply: object) -> None:
    if not answer.done():
        answer.set_result(reply)


def _fail(answer: asyncio.Future[Any], wrong: Exception) -> None:
    if not answer.done():
        answer.set_exception(wrong)
