"""The loop that brings a fleet to its size: ask for the demand, have it met, tell why."""

from dataclasses import replace

import structlog

from core.clock import Clock
from core.errors import Exhausted, Unreachable
from core.ids import FleetName
from core.lua import as_json
from core.redis import Store
from fleets.capacity.keeper import Keeper
from fleets.in_use import servers_in_use
from fleets.ports import Decision, Demand, Sizing

PERIOD_S = 0.5
"""Between two looks when nothing happens; what happens wakes the loop at once."""

log = structlog.get_logger("readyup.fleets")


class Reconciler:
    """Looks after one fleet, whoever runs its servers.

    ``keeper`` measures the fleet's demand, and says its size where that is asked for.
    """

    def __init__(
        self,
        fleet: FleetName,
        sizing: Sizing,
        store: Store,
        clock: Clock,
        keeper: Keeper | None = None,
    ) -> None:
        self._fleet = fleet
        self._sizing = sizing
        self._store = store
        self._clock = clock
        self._keeper = keeper

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.tick()
            await self._sizing.changed(timeout_s=PERIOD_S)

    async def tick(self) -> Decision:
        """One look at the world, and what follows from it."""
        demand = await self._demand()
        decision = await self._sizing.step(demand, now_ms=self._clock.wall_ms())
        if demand is not None:
            await self._tell(decision, demand)
        return decision

    async def _demand(self) -> Demand | None:
        try:
            demand = Demand(
                await servers_in_use(self._store, self._fleet),
                int(await self._store.call("ZCARD", f"{{f:{self._fleet}}}:waiting")),
                drained=frozenset(await self._store.call("HKEYS", f"{{f:{self._fleet}}}:drains")),
            )
            if self._keeper is None:
                return demand
            wish = await self._keeper.look(demand, now_ms=self._clock.wall_ms())
        except (Unreachable, Exhausted):
            return None
        return replace(demand, wish=wish)

    async def _tell(self, decision: Decision, demand: Demand) -> None:
        try:
            await self._store.call(
                "HSET",
                f"{{f:{self._fleet}}}:plan",
                *("replicas", decision.replicas),
                *("in_use", len(demand.in_use)),
                *("why", as_json(decision.why)),
                *("t", self._clock.wall_ms()),
            )
            if self._keeper is not None:
                await self._keeper.saw(decision, now_ms=self._clock.wall_ms())
        except (Unreachable, Exhausted):
            return  # the next look tells again
