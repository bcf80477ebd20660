"""A second rule set on a queue's live tickets: what it would do is counted, and never done.

It has a thread of its own and a tenth of one core: after a pass it rests for nine times as
long as that took, and passes that would have been due meanwhile are skipped. So a rule set
that turns out slow makes the comparison coarser, and nobody's match later.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from core.clock import Clock
from core.eventlog import Event
from core.lua import as_json
from matchmaker.comparison import Yardstick
from matchmaker.engine.search import Found
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.rules.asked import Asked
from matchmaker.shadow import Shadow, ShadowMatch
from matchmaker.shadow_figures import ShadowFigures, Side
from matchmaker.store import QueueStore
from matchmaker.tickets import WaitingTicket

TURN_S = 0.1
"""How often it looks, when it does not rest."""

SHARE = 0.1
"""Of one core, at most."""

WAITING_MAX = 20_000
"""Tickets it holds; of a larger crowd the newcomers are left out, and counted."""

WINDOW_MS = 600_000
"""Figures are of the last ten minutes."""

MATCHES_KEPT = 5_000
MEASURED_MAX = 64
"""Matches of one turn whose quality is measured, on each side."""

KEPT_S = 30
"""How long the figures outlive whoever writes them."""


class _Tally:
    """Matches of one side, as long as they count."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Sequence[float], float | None]] = deque(maxlen=MATCHES_KEPT)

    def add(self, at_ms: int, waits_s: Sequence[float], quality: float | None) -> None:
        self._kept.append((at_ms, waits_s, quality))

    def side(self, now_ms: int, since_ms: int) -> Side:
        while self._kept and self._kept[0][0] < now_ms - WINDOW_MS:
            self._kept.popleft()
        began_ms = max(since_ms, now_ms - WINDOW_MS)
        if len(self._kept) == MATCHES_KEPT:
            began_ms = self._kept[0][0]
        waits = sorted(wait for _, waits_s, _ in self._kept for wait in waits_s)
        qualities = sorted(one for _, _, one in self._kept if one is not None)
        minutes = max(1.0, now_ms - began_ms) / 60_000
        return Side(
            matches_per_min=round(len(self._kept) / minutes, 3),
            wait_s_p50=_quantile(waits, 0.5),
            wait_s_p90=_quantile(waits, 0.9),
            quality_p50=_quantile(qualities, 0.5),
        )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4)


class NoShadow:
    """Beside a queue that has none."""

    def begin(self, waiting: Iterable[WaitingTicket]) -> None:
        """Nobody starts."""

    def hear(self, event: Event) -> None:
        """Nobody listens."""

    def done(self, found: Iterable[Found], now_ms: int) -> None:
        """Nobody compares."""

    async def run(self, over: asyncio.Event) -> None:
        """Nobody looks on."""


def shadow_of(queue: QueueStore, clock: Clock, metrics: MatchmakerMetrics) -> NoShadow:
    """What stands beside the director of a queue, for one term."""
    rules = queue.settings.shadow_rules
    return NoShadow() if rules is None else Shadowing(queue, rules, clock=clock, metrics=metrics)


class Shadowing(NoShadow):
    """One queue's shadow during one term of its director."""

    def __init__(
        self, queue: QueueStore, rules: Asked, *, clock: Clock, metrics: MatchmakerMetrics
    ) -> None:
        settings = queue.settings
        self._queue, self._clock, self._metrics = queue, clock, metrics
        self._shadow = Shadow(
            rules,
            wait_s=settings.wait_for_quality_s,
            lifetime_s=settings.ticket_lifetime_s,
            waiting_max=WAITING_MAX,
        )
        self._yardstick = Yardstick(settings.rules)
        self._since_ms = clock.wall_ms()
        self._heard: deque[Event] = deque()
        self._made: deque[ShadowMatch] = deque()
        self._tallies = {"live": _Tally(), "shadow": _Tally()}
        self._skipped, self._pass_s_max = 0, 0.0

    def begin(self, waiting: Iterable[WaitingTicket]) -> None:
        """Start with those who wait."""
        for ticket in waiting:
            self._shadow.add(ticket)

    def hear(self, event: Event) -> None:
        """Something happened in the queue."""
        self._heard.append(event)

    def done(self, found: Iterable[Found], now_ms: int) -> None:
        """What the live rules found, to be compared with; newcomers make no match of their own."""
        self._made.extend(ShadowMatch(now_ms, one) for one in found if one.of is None)

    async def run(self, over: asyncio.Event) -> None:
        """Look on until ``over``."""
        resting_s, told_s = 0.0, 0.0
        thread = ThreadPoolExecutor(1, f"{self._queue.settings.name}.shadow")
        try:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TURN_S):
                        await over.wait()
                while self._heard:
                    self._shadow.apply(self._heard.popleft())
                resting_s, told_s = resting_s - TURN_S, told_s - TURN_S
                if resting_s > 0:
                    self._skipped += 1
                    continue
                began_s = self._clock.elapsed_s()
                await asyncio.get_running_loop().run_in_executor(thread, self._turn)
                took_s = self._clock.elapsed_s() - began_s
                self._pass_s_max = max(self._pass_s_max, took_s)
                resting_s = took_s / SHARE - took_s
                if told_s <= 0:
                    told_s = 1.0
                    await self._tell()
        finally:
            thread.shutdown(wait=False, cancel_futures=True)

    def _turn(self) -> None:
        now_ms = self._clock.wall_ms()
        for side, matches in (("live", self._taken()), ("shadow", self._shadow.run(now_ms))):
            for n, one in enumerate(matches):
                measured = n < MEASURED_MAX
                quality = self._yardstick.of(one.found.teams, one.at_ms) if measured else None
                self._tallies[side].add(one.at_ms, one.waits_s(), quality)

    def _taken(self) -> list[ShadowMatch]:
        return [self._made.popleft() for _ in range(len(self._made))]

    def figures(self) -> ShadowFigures:
        """The two sides as they stand."""
        now_ms, shadow = self._clock.wall_ms(), self._shadow
        live, other = (one.side(now_ms, self._since_ms) for one in self._tallies.values())
        return ShadowFigures(
            version=shadow.rules.version(),
            name=getattr(shadow.rules, "name", ""),
            since_ms=self._since_ms,
            live=live,
            shadow=other,
            waiting=len(shadow),
            rejected=shadow.rejected,
            left_out=shadow.left_out,
            pass_ms_max=round(self._pass_s_max * 1000, 1),
            skipped=self._skipped,
            t=now_ms,
        )

    async def _tell(self) -> None:
        figures, queue = self.figures(), self._queue.settings.name
        for name, side in (("live", figures.live), ("shadow", figures.shadow)):
            self._metrics.shadow_matches.labels(queue, name).set(side.matches_per_min)
            self._metrics.shadow_wait.labels(queue, name).set(side.wait_s_p50 or 0.0)
            self._metrics.shadow_quality.labels(queue, name).set(side.quality_p50 or 0.0)
        key = f"{self._queue.base}:shadow"
        await self._queue.store.call("SET", key, as_json(figures), "EX", KEPT_S)
