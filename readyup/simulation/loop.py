"""An asyncio event loop whose clock moves only when every task is waiting.

One seed fixes the order in which ready tasks and due timers run, and the clock jumps
straight to the next timer, so a run is a function of (program, seed): a failure replays
from its seed, and a simulated hour takes seconds. There is no I/O here; a program that
waits with no timer set has deadlocked, and ``SleepForever`` says so at once.

``asyncio.TaskGroup`` keeps its children in a set, and a set of tasks iterates in address
order, so the ready queue is first put in birth order and only then shuffled.

What runs on behalf of a tenant carries it in its context, and so do its children and
timers. A frozen tenant's share of the loop is put aside until it thaws: SIGSTOP.
"""

import asyncio
import contextvars
import heapq
import itertools
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


RESOLUTION_S = 1e-9
"""Timers that are due this soon are due now."""


class SleepForever(RuntimeError):
    """Every task is waiting and no timer is set."""


class Tenant(Protocol):
    """Somebody whose share of the loop can be put aside."""

    frozen: bool
    held: list[asyncio.Handle]
    """What would have run while it was frozen, in order."""


TENANT: contextvars.ContextVar[Tenant | None] = contextvars.ContextVar("tenant", default=None)
"""On whose behalf the code at hand runs; None for the world itself."""


class _SimTask(asyncio.Task[Any]):
    birth: int


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop itself; start it through :func:`run`."""

    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._now_s = 0.0
        self._births = itertools.count()
        self._order = random.Random(seed)
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self.set_task_factory(self._spawn)

    def time(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Somebody was busy for so long: time passed, and nobody else had a turn."""
        assert seconds >= 0.0
        self._now_s += seconds

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Its time comes all the same, and nothing happens."""

    def _run_once(self) -> None:
        """One turn, as asyncio's own, except that to wait is to move the clock."""
        if not self._ready and not self._stopping:
            self._jump()
        until_s = self._now_s + RESOLUTION_S
        while self._timers and self._timers[0][0] < until_s:
            self._ready.append(heapq.heappop(self._timers)[2])
        self._reorder_ready()
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 - as asyncio does

    def _jump(self) -> None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise SleepForever("all tasks wait and no timer is set")
        self._now_s = max(self._now_s, self._timers[0][0])

    def _reorder_ready(self) -> None:
        """Put aside what is frozen; the rest in birth order, then in the order the seed chose."""
        ready: list[asyncio.Handle] = []
        for handle in self._ready:
            tenant = handle._context.get(TENANT)  # type: ignore[attr-defined]  # noqa: SLF001 - no other way to ask
            (tenant.held if tenant is not None and tenant.frozen else ready).append(handle)
        if len(ready) == len(self._ready) == 1:
            return
        if len(ready) > 1:
            ready.sort(key=_birth)
            self._order.shuffle(ready)
        self._ready.clear()
        self._ready.extend(ready)

    def thaw(self, tenant: Tenant) -> None:
        """Run what was put aside; nothing happens when the tenant is not frozen."""
        tenant.frozen = False
        self._ready.extend(tenant.held)
        tenant.held.clear()

    def run_in_executor(
        self, executor: object, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """A thread's work is done at once: there is one thread, and it takes no virtual time."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as wrong:  # noqa: BLE001 - handed to whoever waits, as a thread's is
            future.set_exception(wrong)
        return future

    def _spawn(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **kwargs: Any,  # noqa: ANN401 - whatever asyncio hands to a task factory
    ) -> _SimTask:
        task = _SimTask(coro, loop=loop, **kwargs)
        task.birth = next(self._births)
        return task

    def _asyncgen_finalizer_hook(self, agen: AsyncGenerator[Any, Any]) -> None:
        # asyncio would start a task here, and when the collector comes is no function of the seed.
        self._asyncgens.discard(agen)  # type: ignore[attr-defined]

    def _write_to_self(self) -> None:
        """Another thread would wake a real loop here; a simulation has one thread."""


def _birth(handle: asyncio.Handle) -> int:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    birth = getattr(owner, "birth", -1)
    return birth if isinstance(birth, int) else -1


def run(main: Coroutine[Any, Any, T], *, seed: int) -> T:
    """Run ``main`` to its end under virtual time and return what it returned."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed)) as runner:
        return runner.run(main)
