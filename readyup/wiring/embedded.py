"""Each role of the embedded mode, wired: what runs in one process and what it is given."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

from core.clock import SystemClock
from core.dice import unguessable
from core.errors import Invalid
from core.eventfile import EventFile
from core.join_token import Minter
from core.preflight import preflight
from core.redis import Store
from core.supervise import serve_all
from core.web import serve_app
from fleets.spec import FleetSpec
from readyup.logs import LOG_JSON
from readyup.settings import Config
from readyup.wiring.doors import Doors
from readyup.wiring.house import House
from readyup.wiring.store_vitals import StoreMetrics
from readyup.wiring.traces import open_traces
from readyup.wiring.vitals import ProcessMetrics

SURPLUS_PATIENCE_MS = 60_000
JOIN_KEY, JOIN_KEY_PUBLIC = "READYUP_JOIN_KEY", "READYUP_JOIN_KEY_PUBLIC"


async def serve(
    roles: Iterable[str], config: Config, *, doors: Doors, name: str, stop: asyncio.Event
) -> None:
    """Run roles in this process until ``stop``, behind doors that are open.

    Raises:
        Invalid: a key is wrong, or the store is none to build on.
        StoreUnreachable: nobody answers at the store's address.
    """
    run_dir, roles = Path(config.run_dir), tuple(roles)
    called = roles[0] if len(roles) == 1 else "all"
    async with contextlib.AsyncExitStack() as stack:
        traces = open_traces(config.telemetry, role=called, name=name)
        stack.push_async_callback(asyncio.to_thread, traces.close)
        store = await Store.connect(
            config.store.address(),
            durability=config.store.durability,
            alone_after_s=config.store.alone_after_s,
        )
        stack.push_async_callback(store.aclose)
        clock, chance = SystemClock(), unguessable()
        house = House(config, store, run_dir, name, clock, chance, doors, traces=traces)
        await preflight(store, house.clock)
        figures = ProcessMetrics(house.counted.registry)
        state = StoreMetrics(house.counted.registry, store, clock)
        await stack.enter_async_context(_admin_port(house))
        async with asyncio.TaskGroup() as group:
            group.create_task(figures.run(stop), name="process-metrics")
            group.create_task(state.run(stop), name="store-metrics")
            for role in roles:
                group.create_task(ROLES[role](house, stop), name=role)


def _admin_port(house: House) -> contextlib.AbstractAsyncContextManager[str]:
    from readyup.wiring.admin import Admin, admin_port

    listen, admin = house.config.admin, Admin(house.store, house.counted.registry, house.health)
    return admin_port(
        admin, host=listen.host, port=listen.port, run_dir=house.run_dir, name=house.name
    )


async def run_api(house: House, stop: asyncio.Event) -> None:
    """The player API."""
    from matchmaker.api.limits import Gate
    from matchmaker.api.service import PlayerService
    from readyup.wiring.adapters import PlayersSessions, pools_of
    from readyup.wiring.keys import players_keys

    listen = house.config.api
    pools = pools_of(house.store, house.config)
    events = house.events_dir()
    witness = EventFile(events / f"{house.name}.jsonl", f"api/{house.name}") if events else None
    service = PlayerService(
        house.queues(),
        PlayersSessions(house.store, pools),
        house.store,
        keys=players_keys(listen, house.clock, environ=os.environ),
        gate=Gate(listen.limits, house.clock, proxies=listen.proxies),
        minter=Minter.from_hex(_secret(JOIN_KEY)),
        clock=house.clock,
        chance=house.chance,
        witness=witness,
        metrics=house.counted.matchmaker,
        traces=house.traces,
    )
    house.health.add("api", service.condition)
    await service.run(stop, host=listen.host, port=listen.port, door=house.doors.get("api"))


async def run_director(house: House, stop: asyncio.Event) -> None:
    """A director for each queue."""
    from matchmaker.director import Director
    from readyup.wiring.adapters import PoolRooms, pools_of

    pools = pools_of(house.store, house.config)
    async with asyncio.TaskGroup() as group:
        for name, queue in house.queues().items():
            director = Director(
                queue,
                PoolRooms(
                    [pools[fleet] for fleet in queue.settings.fleets()],
                    regions=house.config.regions(),
                ),
                holder=f"{house.name}.{house.chance.getrandbits(32):08x}",
                clock=house.clock,
                chance=house.chance,
                metrics=house.counted.matchmaker,
                traces=house.traces,
            )
            house.health.add(f"director {name}", director.condition)
            group.create_task(director.run(stop), name=f"director-{name}")


async def run_allocator(house: House, stop: asyncio.Event) -> None:
    """The warm pool's keepers and the sessions API."""
    from allocator.role import FleetParts, allocator_role
    from allocator.servers_api import sessions_app
    from allocator.settings import AllocatorSettings
    from fleets.own import PATH as OWN_PATH, OwnServers, own_routes
    from readyup.wiring.adapters import QueueMatches
    from readyup.wiring.mirrored_servers import MirroredServers

    matches = QueueMatches(house.queues())
    own = {
        fleet.name: OwnServers(house.store, fleet, house.clock) for fleet in house.config.own_fleets
    }
    role = allocator_role(
        house.store,
        [
            # Servers that register themselves are taken from the first: no reserve to keep.
            *(
                FleetParts(
                    AllocatorSettings(name, reserve_rooms=0, surplus_patience_ms=0),
                    servers,
                    matches,
                )
                for name, servers in own.items()
            ),
            *(
                FleetParts(
                    AllocatorSettings(
                        fleet.name,
                        ack=fleet.ack,
                        reserve_rooms=fleet.reserve,
                        # A surplus costs nothing on one machine, and a server given back starts
                        # anew. Of a cluster it keeps nodes.
                        surplus_patience_ms=SURPLUS_PATIENCE_MS
                        if fleet.pod or fleet.capacity
                        else 0,
                        on_lost=fleet.on_lost,
                        finish_s=fleet.finish_s,
                        rejoin_s=fleet.rejoin_s,
                        retire_after_matches=fleet.retire_after_matches,
                    ),
                    MirroredServers(house.store, fleet.name),
                    matches,
                )
                for fleet in house.config.fleets
            ),
        ],
        join_keys=[_secret(JOIN_KEY_PUBLIC)],
        clock=house.clock,
        chance=house.chance,
        metrics=house.counted.allocator,
        traces=house.traces,
    )
    house.health.add("sessions API", role.api.condition)
    listen, app = house.config.sessions, sessions_app(role.api)
    if own:
        app.add_subapp(OWN_PATH, own_routes(own))
    door = house.doors.get("sessions")
    async with serve_app(app, host=listen.host, port=listen.port, door=door, drain_s=0.5):
        await serve_all(role.services, stop=stop, drain_s=2.0)


async def run_fleets(house: House, stop: asyncio.Event) -> None:
    """Each fleet where it runs: as processes of this machine, or as pods of a cluster."""
    from readyup.wiring.kubernetes import run_agones_fleets

    pods = [fleet for fleet in house.config.fleets if fleet.pod]
    local = [fleet for fleet in house.config.fleets if not fleet.pod]
    async with asyncio.TaskGroup() as group:
        if pods:
            group.create_task(run_agones_fleets(house, pods, stop), name="agones-fleets")
        if local or not pods:
            group.create_task(_run_local_fleets(house, local, stop), name="local-fleets")


async def _run_local_fleets(house: House, specs: Sequence[FleetSpec], stop: asyncio.Event) -> None:
    """Local fleets, and the SDK servers beside their game servers."""
    from fleets.local.recipe import LocalSettings
    from fleets.service import LocalFleets
    from gameserver.sidecar.servers import SdkServers

    listen = house.config.sessions
    settings = LocalSettings(
        run_dir=house.run_dir / "fleets",
        sessions_url=f"ws://{listen.host}:{listen.port}/v1/servers/connect",
        events_dir=house.events_dir(),
        log_json=os.environ.get(LOG_JSON) == "1",
    )
    async with SdkServers(house.clock) as states, asyncio.TaskGroup() as group:
        group.create_task(states.run(stop), name="sdk-health")
        fleets = LocalFleets(
            specs,
            house.store,
            states,
            settings,
            clock=house.clock,
            chance=house.chance,
            metrics=house.counted.fleets,
        )
        house.health.add("fleets", fleets.condition)
        await fleets.run(stop)


async def run_console(house: House, stop: asyncio.Event) -> None:
    """The operators' page."""
    from readyup.console.feed import Feed
    from readyup.console.lookup import Lookup
    from readyup.console.promises import LiveCheck
    from readyup.console.server import console_app
    from readyup.wiring.operators import operator_api

    config = house.config
    lifetimes_ms = {
        name: int(queue.ticket_lifetime_s * 1000) for name, queue in config.queues.items()
    }
    feed = Feed(
        house.store,
        queues={name: queue.group or queue.name for name, queue in config.queues.items()},
        fleets=config.fleet_names(),
        check=LiveCheck(lifetimes_ms),
        clock=house.clock,
    )
    lookup = Lookup(feed, house.store, run_dir=house.run_dir)
    app = console_app(feed, lookup, operator_api(house, feed, lookup))
    house.health.add("console", feed.condition)
    listen, door = config.console, house.doors.get("console")
    async with asyncio.TaskGroup() as group:
        group.create_task(feed.run(stop), name="console-feed")
        async with serve_app(app, host=listen.host, port=listen.port, door=door, drain_s=0.5):
            await stop.wait()


ROLES: dict[str, Callable[[House, asyncio.Event], Coroutine[Any, Any, None]]] = {
    "api": run_api,
    "director": run_director,
    "allocator": run_allocator,
    "fleets": run_fleets,
    "console": run_console,
}


def _secret(variable: str) -> str:
    value = os.environ.get(variable, "")
    if len(value) != 64:
        raise Invalid(
            f"{variable} must hold 64 hex digits; `readyup keys` prints a new pair", field=variable
        )
    return value
