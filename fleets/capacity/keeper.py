"""Keeps one fleet's forecast up to date and says what size it should have: the shell of the plan.

All it holds can be read again from the store: after a restart it goes on with the last hour at
once, and with all of the past some minutes later: one where starts take a minute and a half, and
up to eight where they take a few seconds and two weeks are a million bins.
"""

import asyncio
import math
from dataclasses import replace

import numpy as np
from prometheus_client import CollectorRegistry

from core.buckets import quantile_s
from core.clock import Clock
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.course import Course
from fleets.capacity.decision import Inputs, record
from fleets.capacity.events import Event, announced
from fleets.capacity.ledger import Ledger
from fleets.capacity.settings import CapacitySettings
from fleets.capacity.sizer import Facts, Limits, lead_step_s
from fleets.capacity.starts import Starts
from fleets.capacity.survival import survival
from fleets.counted import count_decision
from fleets.metrics import FleetMetrics
from fleets.past import GONE
from fleets.ports import Decision, Demand, Wish
from fleets.spec import FleetSpec

LATE_S = 1.0
"""A second is counted when it has been over for so long; some clocks are behind."""

TIMES_EVERY_S = 10.0
SESSIONS_EVERY_S = 1.0
DECISION_EVERY_S = 5.0
"""A decision that changed nothing is stored so often."""

CATCH_UP_STEPS = 20
"""Of the past, at each look: a tenth to a third of a second of work, until all of it is known."""

STARTS_MIN = 10
"""Fewer starts than this say nothing of the lead time."""

LEAD_SHARE = 0.9
REFILL_SHARE = 0.95

OFF = CapacitySettings(mode="off")


class Keeper:
    """One fleet's. Without a table ``capacity`` it measures and says nothing."""

    def __init__(
        self, spec: FleetSpec, store: Store, clock: Clock, metrics: FleetMetrics | None = None
    ) -> None:
        self._metrics = metrics or FleetMetrics(CollectorRegistry())
        self._spec = spec
        self._settings = spec.capacity or OFF
        self._store = store
        self._clock = clock
        self._plan = f"{{f:{spec.name}}}:plan"
        self._ledger = Ledger(store, spec.name)
        self._announced = Announced(store, spec.name)
        self._starts = Starts()
        self._limits = limits_of(spec, self._settings)
        self._course: Course | None = None
        self._size: int | None = None
        self._lead_s = self._settings.lead_s(pods=spec.pod is not None)
        self._facts = Facts(size=0, in_use=0)
        self._since_ms = np.empty(0)
        self._events: list[Event] = []
        self._inputs: Inputs | None = None
        self._stored: tuple[object, ...] = ()
        self._last_s: dict[str, float] = {}

    async def look(self, demand: Demand, *, now_ms: int) -> Wish | None:
        """The size that the fleet should have; None where that is not asked for.

        Raises:
            StoreUnreachable: nobody knows now; the next look goes on.
        """
        await self._ledger.count()
        if self._settings.mode == "off":
            return None
        await self._read(now_ms=now_ms)
        course = await self._follow(now_ms=now_ms)
        if self._size is None:
            self._size = int(await self._store.call("HGET", self._plan, "replicas") or 0)
        facts = replace(
            self._facts,
            size=self._size,
            in_use=len(demand.in_use),
            waiting=demand.waiting,
            ages_s=self._ages_s(now_ms),
            event=announced(self._events, now_ms=now_ms, lead_s=self._lead_s),
        )
        sizer = course.sizer
        self._inputs = Inputs(sizer.target(facts), facts, self._lead_s, sizer.horizon_s)
        if self._settings.mode == "recommend":
            return None
        return Wish(self._inputs.target.replicas, self._inputs.sentence())

    async def saw(self, decision: Decision, *, now_ms: int) -> None:
        """Note what the look found, and keep the decision with what it came from.

        Raises:
            StoreUnreachable: what was not written is lost; the next look writes its own.
        """
        live = [one for one in decision.observed if one.state not in GONE]
        self._size = decision.replicas
        if took_s := self._starts.seen(live, now_ms=now_ms):
            await self._ledger.note("start", took_s, now_ms=now_ms)
        if self._inputs is None or self._settings.mode != "act":
            # The allocator's own settings say it, as if nobody had ever planned.
            await self._store.call("HDEL", self._plan, "reserve_target")
        if self._inputs is None:
            return
        reserve = self._inputs.target.reserve_rooms
        if self._settings.mode == "act":
            await self._store.call("HSET", self._plan, "reserve_target", reserve)
        changed = (decision.replicas, reserve) != self._stored
        if self._due("decision", DECISION_EVERY_S, at_once=changed):
            self._stored = (decision.replicas, reserve)
            mode = self._settings.mode
            told = record(self._inputs, decision, mode=mode, there=len(live), now_ms=now_ms)
            count_decision(self._metrics, self._spec.name, told)
            await self._ledger.decided(told)

    async def _read(self, *, now_ms: int) -> None:
        """What was measured and announced, as often as it matters."""
        if self._due("sessions", SESSIONS_EVERY_S):
            self._since_ms = await self._ledger.sessions()
            self._events = [*self._spec.events, *await self._announced.heeded(now_ms=now_ms)]
        if self._due("times", TIMES_EVERY_S):
            starts = await self._ledger.took("start", now_ms=now_ms)
            refills = await self._ledger.took("refill", now_ms=now_ms)
            ended = await self._ledger.took("session", now_ms=now_ms)
            if sum(starts.values()) >= STARTS_MIN:
                self._lead_s = quantile_s(starts, LEAD_SHARE) or self._lead_s
            self._facts = replace(
                self._facts,
                refill_s=quantile_s(refills, REFILL_SHARE) or self._facts.refill_s,
                survival=survival(ended, self._ages_s(now_ms).tolist()),
            )

    def _ages_s(self, now_ms: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        ages_s: np.ndarray[tuple[int], np.dtype[np.float64]] = (now_ms - self._since_ms) / 1000
        return np.maximum(ages_s, 0.0)

    def _due(self, what: str, every_s: float, *, at_once: bool = False) -> bool:
        now_s = self._clock.elapsed_s()
        if not at_once and now_s - self._last_s.get(what, -math.inf) < every_s:
            return False
        self._last_s[what] = now_s
        return True

    async def _follow(self, *, now_ms: int) -> Course:
        """Have the forecast know what has come up to now."""
        until_s = math.floor(now_ms / 1000 - LATE_S)
        lead_s = lead_step_s(self._lead_s, self._course.lead_s if self._course else 0.0)
        if self._course is None or self._course.lead_s != lead_s:
            past = await self._ledger.history(until_s=until_s)
            self._course = Course(self._limits, past, lead_s=lead_s)
        else:
            from_s = self._course.until_s()
            self._course.go_on(await self._ledger.seconds("claims", from_s, until_s))
        for _ in range(CATCH_UP_STEPS):
            if not self._course.catch_up():
                break
            await asyncio.sleep(0)  # whoever waits meanwhile has a turn
        return self._course


def limits_of(spec: FleetSpec, settings: CapacitySettings) -> Limits:
    """What the forecast may choose from."""
    return Limits(
        size_min=spec.size_min,
        size_max=spec.ceiling(),
        rooms=spec.rooms,
        free_min=max(1, spec.reserve + spec.buffer * spec.rooms),
        reserve_min=max(1, spec.reserve),
        cold_cost=settings.cold_cost,
    )
