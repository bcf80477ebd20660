"""The role ``allocator``: its parts for some fleets, put together."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from allocator.desk import Desk
from allocator.farewells import Farewells
from allocator.filling import Filling
from allocator.handover import Handover
from allocator.herald import Herald
from allocator.leaving import Leaving
from allocator.letters import Letters
from allocator.link import Link
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.ports import Matches, Servers
from allocator.reaper import Reaper
from allocator.reserve import Reserve
from allocator.servers_api import SessionsApi
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from allocator.spans import ServerSpans
from core.clock import Clock
from core.ids import ServerUid
from core.redis import Store
from core.supervise import Service
from core.telemetry import OFF, Traces


@dataclass(frozen=True, slots=True)
class FleetParts:
    """One fleet and what the allocator needs for it."""

    settings: AllocatorSettings
    servers: Servers
    matches: Matches


@dataclass(frozen=True, slots=True)
class AllocatorRole:
    """What ``serve_all`` runs, and the API whose application is to be served beside it."""

    services: dict[str, Service]
    api: SessionsApi


def allocator_role(
    store: Store,
    fleets: Sequence[FleetParts],
    *,
    join_keys: Sequence[str],
    clock: Clock,
    chance: random.Random,
    metrics: AllocatorMetrics,
    traces: Traces = OFF,
) -> AllocatorRole:
    """Put the role together; nothing runs yet. ``join_keys`` are what ``welcome`` hands out."""
    services: dict[str, Service] = {}
    desks, spans = [], ServerSpans(traces, clock)
    links: dict[ServerUid, Link] = {}
    for fleet in fleets:
        name, ack = fleet.settings.fleet, fleet.settings.ack
        sessions = Sessions(
            Pool(store, name, ack_ms=fleet.settings.ack_ms),
            retire_after=fleet.settings.retire_after_matches,
        )
        farewells = None if ack == "sessions" else Farewells(sessions.pool, fleet.servers)
        handover = Handover(sessions, fleet.matches, fleet.settings, metrics, farewells)
        reserve = Reserve(sessions.pool, fleet.servers, handover, fleet.settings, metrics, links)
        reaper = Reaper(sessions, handover, fleet.settings)
        herald = Herald(sessions, fleet.matches)
        services |= {
            f"reserve-{name}": partial(reserve.run, clock),
            f"reaper-{name}": partial(reaper.run, clock),
            f"herald-{name}": partial(herald.run, clock),
        }
        if ack != "sessions":
            letters = Letters(sessions, fleet.servers, fleet.settings, metrics, join_keys=join_keys)
            services[f"letters-{name}"] = partial(letters.run, clock)
        filling = Filling(sessions, fleet.matches)
        leaving = Leaving(sessions, handover, fleet.settings, reserve.look_soon)
        desks.append(
            Desk(sessions, fleet.servers, filling, leaving, fleet.settings, metrics, spans)
        )
    api = SessionsApi(desks, join_keys=join_keys, clock=clock, chance=chance, links=links)
    services["sessions-api"] = api.run
    return AllocatorRole(services, api)
