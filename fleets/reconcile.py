"""The loop that brings a fleet to its size: observe, plan, execute; again on every change."""

import structlog

from core.clock import Clock
from core.errors import Exhausted, Invalid, Unreachable
from core.game_server import State
from core.ids import ServerUid
from core.lua import as_json
from core.redis import Store
from fleets.in_use import servers_in_use
from fleets.past import Past
from fleets.plan import Plan, plan_fleet
from fleets.ports import Backend, Reason
from fleets.spec import FleetSpec

PERIOD_S = 0.5
"""Between two looks when nothing happens; what happens wakes the loop at once."""

log = structlog.get_logger("readyup.fleets")


class Reconciler:
    """Looks after one fleet. It remembers little, and all of that may be lost."""

    def __init__(self, spec: FleetSpec, backend: Backend, store: Store, clock: Clock) -> None:
        self._spec = spec
        self._backend = backend
        self._store = store
        self._clock = clock
        self._past = Past()
        self._failure = ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.tick()
            await self._backend.changed(self._spec.name, timeout_s=PERIOD_S)

    async def tick(self) -> Plan:
        """One look at the world, and what follows from it."""
        in_use = await self._in_use()
        # From here to the last stop there is no await, so what was seen still holds.
        observed = self._backend.observe(self._spec.name)
        now_ms = self._clock.wall_ms()
        plan = plan_fleet(self._spec, observed, in_use, self._past, now_ms=now_ms)
        self._past = plan.past.forget(plan.stop)
        for uid in plan.stop:
            self._backend.stop(uid, Reason.SCALE)
        shut_down = {one.uid for one in observed if one.state is State.SHUTDOWN}
        for uid in plan.end:
            self._backend.stop(uid, Reason.SHUTDOWN if uid in shut_down else Reason.UNHEALTHY)
        await self._start(plan.start)
        await self._tell(plan, in_use)
        return plan

    async def _start(self, count: int) -> None:
        for _ in range(count):
            try:
                server = await self._backend.start(self._spec)
            except (Invalid, Exhausted, Unreachable) as failure:
                self._past = self._past.failed(now_ms=self._clock.wall_ms())
                if str(failure) != self._failure:
                    log.warning("server.not-started", fleet=self._spec.name, reason=str(failure))
                self._failure = str(failure)
                return
            self._past = self._past.began(server.uid, now_ms=self._clock.wall_ms())
            self._failure = ""

    async def _in_use(self) -> frozenset[ServerUid] | None:
        try:
            return await servers_in_use(self._store, self._spec.name)
        except (Unreachable, Exhausted):
            return None

    async def _tell(self, plan: Plan, in_use: frozenset[ServerUid] | None) -> None:
        if in_use is None:
            return
        why = {
            "sentence": plan.why,
            "last_failure": self._failure,
            "start": plan.start,
            "stop": plan.stop,
            "end": plan.end,
        }
        try:
            await self._store.call(
                "HSET",
                f"{{f:{self._spec.name}}}:plan",
                *("replicas", plan.replicas),
                *("in_use", len(in_use)),
                *("why", as_json(why)),
                *("t", self._clock.wall_ms()),
            )
        except (Unreachable, Exhausted):
            return  # the next look tells again
