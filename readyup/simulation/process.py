"""A virtual process: killed without a last word, stopped and continued, with a clock of its own.

``kill`` is kill -9: what it had sent to the store still arrives there, and nothing that runs
afterwards, ``finally`` blocks included, reaches anybody. ``freeze`` is SIGSTOP: not one of
its tasks and timers runs until ``thaw``, while its connections stay open and fill up.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from core.clock import LoopClock
from core.errors import ReadyUpError
from readyup.simulation.loop import TENANT, VirtualLoop

log = structlog.get_logger("readyup.simulation")

NEUTRAL = contextvars.Context()
"""What happens outside of every process: in the store, on the wire."""


class SkewedClock(LoopClock):
    """A machine's clock: it may be wrong, and be set; what it measures is right."""

    def __init__(self) -> None:
        super().__init__()
        self.skew_us = 0

    def wall_us(self) -> int:
        return super().wall_us() + self.skew_us


class Process:
    """One life of one process."""

    def __init__(self, name: str, clock: SkewedClock) -> None:
        self.name = name
        self.clock = clock
        self.frozen = False
        self.held: list[asyncio.Handle] = []
        self.frozen_s = 0.0
        """When it was frozen last; says nothing while it is not."""

        self.dead = False
        self.ended: asyncio.Future[BaseException | None] = _loop().create_future()
        """Done when it is over, with what it died of; None: it returned, or was killed."""

        self.context = contextvars.Context()
        self.context.run(TENANT.set, self)
        self._at_death: dict[Callable[[], object], None] = {}
        self._root: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._early: list[tuple[Coroutine[Any, Any, None], str]] = []

    def start(self, main: Coroutine[Any, Any, None]) -> None:
        """Run it; once."""
        self._root = _loop().create_task(self._live(main), name=self.name, context=self.context)
        self._root.add_done_callback(self._over, context=NEUTRAL)

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Another task of this process, started from outside, as a connection's is."""
        if self.dead:
            work.close()
        elif self._group is None:
            self._early.append((work, name))
        else:
            self._group.create_task(work, name=name, context=self.context)

    def at_death(self, told: Callable[[], object]) -> None:
        """Have somebody told when it ends, however."""
        self._at_death[told] = None

    def never_mind(self, told: Callable[[], object]) -> None:
        """Tell them no more; twice is fine."""
        self._at_death.pop(told, None)

    def kill(self) -> None:
        """End it at once; twice is fine."""
        if self.dead:
            return
        self._die()
        _loop().thaw(self)  # its tasks unwind unheard
        if self._root is not None:
            self._root.cancel()

    def freeze(self) -> None:
        """Stop it; it does not notice."""
        if not self.dead and not self.frozen:
            self.frozen, self.frozen_s = True, _loop().time()

    def thaw(self) -> None:
        """Let it go on."""
        if self.frozen:
            _loop().thaw(self)

    async def _live(self, main: Coroutine[Any, Any, None]) -> None:
        async with asyncio.TaskGroup() as self._group:
            for work, name in self._early:
                self._group.create_task(work, name=name, context=self.context)
            self._early.clear()
            await main

    def _over(self, root: asyncio.Task[None]) -> None:
        wrong = None if root.cancelled() else root.exception()
        if not self.dead:
            self._die(wrong)

    def _die(self, wrong: BaseException | None = None) -> None:
        self.dead = True
        for told in list(self._at_death):
            told()
        self._at_death.clear()
        self.ended.set_result(wrong)


class Role:
    """Keeps a process running: starts the next one a while after the last one ended."""

    AGAIN_S = 0.5

    def __init__(self, name: str, main: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
        self.name = name
        self.clock = SkewedClock()
        self.process: Process | None = None
        self.lives = 0
        self.away_s = self.AGAIN_S
        """How long it stays away after its next death."""

        self.broke: list[BaseException] = []
        """What its processes died of that no fault explains."""

        self._main = main

    async def run(self) -> None:
        """Until cancelled; the process ends with it."""
        try:
            while True:
                self.lives += 1
                process = self.process = Process(self.name, self.clock)
                process.start(self._main(process))
                await asyncio.wait([process.ended])  # which is not cancelled with us
                wrong = process.ended.result()
                if wrong is not None:
                    log.warning("process.died", process=self.name, reason=repr(wrong))
                    self.broke += unexplained(wrong)
                away_s, self.away_s = self.away_s, self.AGAIN_S
                await asyncio.sleep(away_s)
        finally:
            if self.process is not None:
                self.process.kill()


def unexplained(wrong: BaseException) -> list[BaseException]:
    """What no fault explains: whoever has no store may end, and is started again or dials again."""
    if isinstance(wrong, BaseExceptionGroup):
        return [one for inner in wrong.exceptions for one in unexplained(inner)]
    return [] if isinstance(wrong, ReadyUpError) else [wrong]


def _loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "a virtual process lives on a virtual loop"
    return loop
