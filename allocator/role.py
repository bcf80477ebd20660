"""The role ``allocator``: its parts for some fleets, put together."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from allocator.desk import Desk
from allocator.handover import Handover
from allocator.herald import Herald
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
    for fleet in fleets:
        sessions = Sessions(Pool(store, fleet.settings.fleet))
        handover = Handover(sessions, fleet.matches, fleet.settings, metrics)
        reserve = Reserve(sessions.pool, fleet.servers, handover, fleet.settings, metrics)
        reaper = Reaper(sessions, handover, fleet.settings)
        herald = Herald(sessions, fleet.matches)
        name = fleet.settings.fleet
        services |= {
            f"reserve-{name}": partial(reserve.run, clock),
            f"reaper-{name}": partial(reaper.run, clock),
            f"herald-{name}": partial(herald.run, clock),
        }
        desks.append(Desk(sessions, fleet.servers, fleet.settings, metrics, spans))
    api = SessionsApi(desks, join_keys=join_keys, clock=clock, chance=chance)
    services["sessions-api"] = api.run
    return AllocatorRole(services, api)
