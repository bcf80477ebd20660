"""What each virtual process runs: the roles' own parts, on virtual connections."""

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from aiohttp import web
from prometheus_client import CollectorRegistry

from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.role import FleetParts, allocator_role
from allocator.settings import AllocatorSettings
from core.errors import ReadyUpError
from core.ids import QueueName
from core.join_token import Minter
from core.supervise import serve_all
from fleets.capacity.keeper import Keeper
from fleets.local.size import SingleServers
from fleets.mirror import RedisMirror
from fleets.orders import Orders
from fleets.reconcile import Reconciler
from matchmaker.api.desk import Desk
from matchmaker.api.keys import DevKeys, Principal
from matchmaker.api.outbox import Outbox
from matchmaker.api.presence import Presence
from matchmaker.api.socket import PlayerSockets
from matchmaker.metrics import MatchmakerMetrics
from readyup.settings import Config
from readyup.simulation.backend import VirtualBackend
from readyup.simulation.process import Process
from readyup.simulation.servers import Ground, Notebook, pinged
from readyup.simulation.store import Road, VirtualStore
from readyup.simulation.wire import End
from readyup.wiring.adapters import PlayersSessions, QueueMatches
from readyup.wiring.embedded import run_director
from readyup.wiring.house import House
from readyup.wiring.mirrored_servers import MirroredServers

CONNECT_AGAIN_S = 0.2


@dataclass(slots=True)
class Town:
    """What the processes of one simulated installation share."""

    config: Config
    road: Road
    ground: Ground
    dice: random.Random
    minter: Minter
    desks: dict[Process, Desk] = field(default_factory=dict)
    """Of the API processes alive."""

    async def house(self, process: Process) -> House:
        """A process's own connection, clock and dice, once the store answers."""
        store = VirtualStore(self.road, process)
        chance = random.Random(self.dice.getrandbits(64))
        while True:
            try:
                await store.call("PING")
            except ReadyUpError:
                await asyncio.sleep(CONNECT_AGAIN_S)
            else:
                return House(self.config, store, Path(), process.name, process.clock, chance)

    async def director(self, process: Process) -> None:
        """A director for each queue."""
        await run_director(await self.house(process), asyncio.Event())

    async def api(self, process: Process) -> None:
        """The player API."""
        house = await self.house(process)
        queues = house.queues()
        pools = {fleet.name: Pool(house.store, fleet.name) for fleet in self.config.fleets}
        desk = Desk(
            queues,
            PlayersSessions(house.store, pools),
            keys=DevKeys("localhost"),
            minter=self.minter,
            clock=house.clock,
            chance=house.chance,
            metrics=MatchmakerMetrics(CollectorRegistry()),
        )
        notebook = Notebook(process, f"api/{process.name}", self.ground.write)
        outbox = Outbox(desk, clock=house.clock, witness=notebook)
        presence = Presence(queues, house.clock)
        sockets = PlayerSockets(desk, outbox, presence, asyncio.Event())

        async def serve(end: End) -> None:
            # An End offers what the room uses of aiohttp's socket and of its transport.
            ws, wire = cast("web.WebSocketResponse", end), cast("asyncio.Transport", end)
            async with asyncio.TaskGroup() as group:
                pings = group.create_task(pinged(end, 10.0), name=f"pings {end.name}")
                await sockets.converse(ws, wire, Principal("player", end.name))
                pings.cancel()

        self.desks[process] = desk
        process.at_death(lambda: self.desks.pop(process, None))
        never = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for queue in queues:
                following = outbox.follow(QueueName(queue), never)
                group.create_task(following, name=f"follow-{queue}")
            group.create_task(presence.run(never), name="presence")
            self.ground.network.listen("api", process, serve)

    async def allocator(self, process: Process) -> None:
        """The warm pool's keepers and the sessions API."""
        house = await self.house(process)
        matches = QueueMatches(house.queues())
        role = allocator_role(
            house.store,
            [
                FleetParts(
                    AllocatorSettings(
                        fleet.name,
                        reserve_rooms=fleet.reserve,
                        surplus_patience_ms=20_000,
                        rejoin_s=fleet.rejoin_s,
                    ),
                    MirroredServers(house.store, fleet.name),
                    matches,
                )
                for fleet in self.config.fleets
            ],
            join_keys=[self.minter.public_hex()],
            clock=house.clock,
            chance=house.chance,
            metrics=AllocatorMetrics(CollectorRegistry()),
        )

        async def serve(end: End) -> None:
            await role.api.converse(cast("web.WebSocketResponse", end), end.cut)

        self.ground.network.listen("sessions", process, serve)
        await serve_all(role.services, stop=asyncio.Event(), drain_s=2.0)

    async def fleets(self, process: Process) -> None:
        """The planner, the orders, the mirror; its servers die with it."""
        house = await self.house(process)
        mirror = RedisMirror(house.store, house.clock)
        for fleet in self.config.fleets:
            await mirror.clear(fleet.name)
        backend = VirtualBackend(process, mirror, self.ground)
        async with asyncio.TaskGroup() as group:
            group.create_task(mirror.run(asyncio.Event()), name="mirror")
            for fleet in self.config.fleets:
                sizing = SingleServers(fleet, backend, house.clock)
                keeper = Keeper(fleet, house.store, house.clock)
                reconciler = Reconciler(fleet.name, sizing, house.store, house.clock, keeper)
                group.create_task(reconciler.run(), name=f"reconcile-{fleet.name}")
                orders = Orders(fleet.name, backend, house.store, chance=house.chance)
                group.create_task(orders.run(), name=f"orders-{fleet.name}")
