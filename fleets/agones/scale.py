"""Keeps an Agones Fleet there and at its size: the plan's number, said to the API server.

A server is given up in two steps, the fleet made smaller first, since Agones replaces at
once what is missing.
"""

import asyncio

import structlog

from core.clock import Clock
from core.errors import Exhausted, Rejected, Unreachable
from fleets.agones.backend import AGONES, PodServers
from fleets.agones.kube import Kube, namespaced
from fleets.agones.manifests import apply
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.size import SizePlan, plan_size
from fleets.agones.view import PodFleet
from fleets.agones.watch import Informer
from fleets.backoff import Backoff
from fleets.past import Past
from fleets.ports import BackendAway, Decision, Demand
from fleets.spec import FleetSpec

PATIENCE_S = 2.0
"""A size that was asked for and is not to be seen by then is asked for again."""

log = structlog.get_logger("readyup.fleets")


class FleetSize:
    """Keeps one Fleet at its size, and there at all."""

    def __init__(
        self,
        spec: FleetSpec,
        kube: Kube,
        servers: PodServers,
        fleets: Informer[PodFleet],
        *,
        metrics: AgonesMetrics,
        clock: Clock,
        backoff: Backoff,
    ) -> None:
        self._spec = spec
        self._kube = kube
        self._servers = servers
        self._fleets = fleets
        self._metrics = metrics
        self._clock = clock
        self._backoff = backoff
        self._past = Past()
        self._demand: Demand | None = None
        self._applied_to = ""
        """Uid of the Fleet that has our manifest."""

        self._sent = (-1, float("-inf"))
        self._rest_until_s = float("-inf")
        self._failure = ""
        self._one_at_a_time = asyncio.Lock()

    async def step(self, demand: Demand | None, *, now_ms: int) -> Decision:
        """Plan, and act on it unless the API server asked for a pause."""
        async with self._one_at_a_time:
            self._demand = demand
            plan = self._plan(now_ms=now_ms)
            self._past = plan.past
            if self._clock.elapsed_s() >= self._rest_until_s:
                await self._try(plan)
        fleet = self._fleet()
        shown = {"fleet_replicas": fleet.replicas if fleet else 0, "last_failure": self._failure}
        return Decision(plan.replicas, {**plan.why, **shown}, self._servers.observe())

    async def shrink(self) -> None:
        """Make the fleet smaller by what is leaving and not to be replaced.

        Raises:
            BackendAway: asking again is safe.
        """
        async with self._one_at_a_time:
            plan = self._plan(now_ms=self._clock.wall_ms())
            fleet = self._fleet()
            if self._demand is not None and fleet and plan.replicas < self._asked_last(fleet):
                await self._scale(fleet, plan)

    async def changed(self, *, timeout_s: float) -> None:
        await self._servers.changed(timeout_s=timeout_s)

    def _plan(self, *, now_ms: int) -> SizePlan:
        fleet = self._fleet()
        return plan_size(
            self._spec,
            self._servers.observe(),
            self._servers.leaving,
            self._demand,
            self._past,
            size_now=fleet.replicas if fleet else None,
            now_ms=now_ms,
        )

    async def _try(self, plan: SizePlan) -> None:
        try:
            await self._bring(plan)
        except (Unreachable, Exhausted, Rejected) as failure:
            if str(failure) != self._failure:
                log.warning("fleet.not_sized", fleet=self._spec.name, reason=str(failure))
            self._failure = str(failure)
            asked_s = failure.retry_after_s if isinstance(failure, BackendAway) else 0.0
            pause_s = self._backoff.wait_s(at_least_s=asked_s)
            self._rest_until_s = self._clock.elapsed_s() + pause_s
            return
        self._failure = ""
        self._backoff.reset()

    async def _bring(self, plan: SizePlan) -> None:
        fleet = self._fleet()
        if fleet is None or fleet.uid != self._applied_to:
            # The manifest says nothing about the size, so a size that is there stays.
            self._applied_to = await apply(self._kube, self._spec)
        if fleet is None or plan.replicas != self._asked_last(fleet):
            await self._scale(fleet, plan)

    async def _scale(self, fleet: PodFleet | None, plan: SizePlan) -> None:
        before = self._asked_last(fleet) if fleet else 0
        namespace = self._kube.settings.namespace
        path = namespaced(AGONES, namespace, "fleets", self._spec.name, "scale")
        await self._kube.patch(path, {"spec": {"replicas": plan.replicas}})
        self._sent = (plan.replicas, self._clock.elapsed_s())
        direction = "up" if plan.replicas > before else "down"
        self._metrics.scales.labels(self._spec.name, direction).inc()
        log.info(
            "fleet.scaled",
            fleet=self._spec.name,
            replicas=plan.replicas,
            before=before,
            why=plan.why["sentence"],
        )

    def _fleet(self) -> PodFleet | None:
        return next((one for one in self._fleets.values() if one.name == self._spec.name), None)

    def _asked_last(self, fleet: PodFleet) -> int:
        """What the Fleet says, or what we said a moment ago and it does not show yet."""
        replicas, at_s = self._sent
        return replicas if self._clock.elapsed_s() - at_s < PATIENCE_S else fleet.replicas
