"""An asyncio event loop whose clock moves only when every task is waiting.

One seed fixes the order in which ready tasks run, and the clock jumps straight
to the next timer, so a run is a function of (program, seed): a failure replays
from its seed, and a simulated day takes seconds. There is no I/O here; a
program that waits with no timer set has deadlocked, and ``SleepForever`` says
so at once.

``asyncio.TaskGroup`` keeps its children in a set, and a set of tasks iterates
in address order, so the ready queue is first put in birth order and only then
shuffled (the remedy trio uses in ``_run.py``).
"""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SleepForever(RuntimeError):
    """Every task is waiting and no timer is set."""


class _SimTask(asyncio.Task[Any]):
    birth: int


class _TimeJump:
    """Stands where the loop keeps its selector: to wait is to move the clock."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise SleepForever("all tasks wait and no timer is set")
        self._loop.advance(timeout)
        self._loop.reorder_ready()
        return []

    def close(self) -> None:
        """Nothing is held open."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop itself; start it through :func:`run`."""

    _ready: deque[asyncio.Handle]

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._now_s = 0.0
        self._births = itertools.count()
        self._order = random.Random(seed)
        self._selector = _TimeJump(self)
        self._clock_resolution = 1e-9
        self.set_task_factory(self._spawn)

    def time(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        assert seconds >= 0.0
        self._now_s += seconds

    def reorder_ready(self) -> None:
        """Put the ready queue in birth order, then in the order the seed chose."""
        if len(self._ready) < 2:
            return
        ready = sorted(self._ready, key=_birth)
        self._order.shuffle(ready)
        self._ready.clear()
        self._ready.extend(ready)

    def _spawn(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any],
        **kwargs: Any,  # noqa: ANN401 - whatever asyncio hands to a task factory
    ) -> _SimTask:
        task = _SimTask(coro, loop=loop, **kwargs)
        task.birth = next(self._births)
        return task

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """Another thread would wake a real loop here; a simulation has one thread."""


def _birth(handle: asyncio.Handle) -> int:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    return getattr(owner, "birth", -1)


def run(main: Coroutine[Any, Any, T], *, seed: int) -> T:
    """Run ``main`` to its end under virtual time and return what it returned."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed)) as runner:
        return runner.run(main)
