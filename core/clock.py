"""Where the time comes from: the only file that reads the machine's clocks.

Pure functions take ``now_ms`` or ``now_s`` as an argument. The shell holds a
``Clock``. In simulation the event loop's own time is virtual, so ``LoopClock``
follows it and every timer, timeout and timestamp agrees.
"""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: one for stamping, one for measuring."""

    def wall_us(self) -> int:
        """Microseconds since 1970-01-01 UTC; may step when the machine's clock is set."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC; may step when the machine's clock is set."""
        ...

    def elapsed_s(self) -> float:
        """Seconds since an arbitrary start; never steps back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall_us(self) -> int:
        return time.time_ns() // 1_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def elapsed_s(self) -> float:
        return time.monotonic()


class LoopClock:
    """The running event loop's time, counted from a chosen epoch."""

    def __init__(self, epoch_ms: int = 1_700_000_000_000) -> None:
        self._epoch_ms = epoch_ms

    def wall_us(self) -> int:
        return self._epoch_ms * 1000 + round(self.elapsed_s() * 1_000_000)

    def wall_ms(self) -> int:
        return self.wall_us() // 1000

    def elapsed_s(self) -> float:
        return asyncio.get_running_loop().time()
