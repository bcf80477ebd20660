"""A noisy neighbour: a process that burns processor time in bursts and moves memory about.

Started by a benchmark as ``python -m readyup.bench.neighbours SEED``. It burns after a ``+``
on its standard input until the next byte, five minutes at most, and ends where the input does:
whatever becomes of the benchmark, the noise stops.
"""

import os
import random
import select
import sys
from typing import Final

from core import dice
from core.clock import SystemClock

BUSY_S: Final = (0.005, 0.060)
"""A burst: from less than a frame to several, so that a tick meets beginnings and middles."""

PAUSE_S: Final = (0.001, 0.010)
"""Who sleeps now and then is placed anew by the scheduler, and takes the core from others as
it wakes; an endless loop would be the kinder neighbour."""

MEMORY_BYTES: Final = 16 << 20
"""More than a core's own caches, so that every other burst empties them for who shares them."""

BURN_S_MAX: Final = 300.0
"""More than a round may last; a forgotten neighbour comes to rest."""

GO, REST, BURNING = b"+", b"-", b"!"

_CLOCK = SystemClock()


class Neighbour:
    """One process's noise."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._from = memoryview(bytearray(MEMORY_BYTES))
        self._to = memoryview(bytearray(MEMORY_BYTES))

    def burst(self, busy_s: float, *, memory: bool) -> None:
        """Keep one core busy for so long."""
        end_s = _CLOCK.elapsed_s() + busy_s
        step = self._copy if memory else _reckon
        while _CLOCK.elapsed_s() < end_s:
            step()

    def burn(self, fd: int) -> None:
        """Bursts with pauses until ``fd`` has something to read."""
        by_s, memory = _CLOCK.elapsed_s() + BURN_S_MAX, False
        while _CLOCK.elapsed_s() < by_s:
            self.burst(self._chance.uniform(*BUSY_S), memory=memory)
            memory = not memory
            if select.select([fd], [], [], self._chance.uniform(*PAUSE_S))[0]:
                return

    def _copy(self) -> None:
        piece = MEMORY_BYTES // 16
        at = self._chance.randrange(16) * piece
        self._to[at : at + piece] = self._from[at : at + piece]


def _reckon() -> None:
    sum(range(10_000))


def main() -> int:
    """Serve the benchmark until it closes our input."""
    neighbour = Neighbour(dice.stream(int(sys.argv[1]), "neighbour"))
    while word := os.read(0, 1):
        os.write(1, BURNING if word == GO else REST)
        if word == GO:
            neighbour.burn(0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
