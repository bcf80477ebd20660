"""A fleet of local processes brought to its size: single servers started and ended."""

import structlog

from core.clock import Clock
from core.errors import Exhausted, Invalid, Unreachable
from core.game_server import State
from fleets.past import Past
from fleets.plan import plan_fleet
from fleets.ports import Backend, Decision, Demand, Reason
from fleets.spec import FleetSpec

log = structlog.get_logger("readyup.fleets")


class SingleServers:
    """One fleet. It remembers little, and all of that may be lost."""

    def __init__(self, spec: FleetSpec, backend: Backend, clock: Clock) -> None:
        self._spec = spec
        self._backend = backend
        self._clock = clock
        self._past = Past()
        self._failure = ""

    async def step(self, demand: Demand | None, *, now_ms: int) -> Decision:
        # From here to the last stop there is no await, so what was seen still holds.
        observed = self._backend.observe(self._spec.name)
        in_use = demand.in_use if demand else None
        plan = plan_fleet(
            self._spec,
            observed,
            in_use,
            self._past,
            now_ms=now_ms,
            wish=demand.wish if demand else None,
        )
        self._past = plan.past.forget(plan.stop)
        for uid in plan.stop:
            self._backend.stop(uid, Reason.SCALE)
        shut_down = {one.uid for one in observed if one.state is State.SHUTDOWN}
        for uid in plan.end:
            self._backend.stop(uid, Reason.SHUTDOWN if uid in shut_down else Reason.UNHEALTHY)
        drained = demand is not None and self._spec.address in demand.drained
        start = 0 if drained else plan.start
        await self._start(start)
        why = {
            "sentence": plan.why + ("; this machine is drained, so none starts" if drained else ""),
            "last_failure": self._failure,
            "start": start,
            "stop": plan.stop,
            "end": plan.end,
        }
        return Decision(plan.replicas, why, observed)

    async def changed(self, *, timeout_s: float) -> None:
        await self._backend.changed(self._spec.name, timeout_s=timeout_s)

    async def _start(self, count: int) -> None:
        for _ in range(count):
            try:
                server = await self._backend.start(self._spec)
            except (Invalid, Exhausted, Unreachable) as failure:
                self._past = self._past.failed(now_ms=self._clock.wall_ms())
                if str(failure) != self._failure:
                    log.warning("server.not_started", fleet=self._spec.name, reason=str(failure))
                self._failure = str(failure)
                return
            self._past = self._past.began(server.uid, now_ms=self._clock.wall_ms())
            self._failure = ""
