"""Fleets of pods, wired: the role ``fleets`` as it runs beside a cluster or in one."""

import asyncio
from collections.abc import Sequence

from fleets.agones.settings import KubernetesSettings
from fleets.spec import FleetSpec
from readyup.wiring.house import House


async def run_agones_fleets(house: House, specs: Sequence[FleetSpec], stop: asyncio.Event) -> None:
    """Look after fleets of pods until ``stop``, each in its cluster.

    Any number of processes may; one leads each fleet. A cluster that does not answer keeps
    nobody from the others.

    Raises:
        Invalid: there are no credentials for an API server, or wrong ones.
    """
    by_cluster: dict[str, list[FleetSpec]] = {}
    for spec in specs:
        by_cluster.setdefault(spec.cluster, []).append(spec)
    async with asyncio.TaskGroup() as group:
        for cluster, there in by_cluster.items():
            settings = house.config.cluster_of(there[0])
            keeping = run_in_cluster(house, cluster, settings, there, stop)
            group.create_task(keeping, name=f"agones-fleets-{cluster}")


async def run_in_cluster(
    house: House,
    cluster: str,
    settings: KubernetesSettings,
    specs: Sequence[FleetSpec],
    stop: asyncio.Event,
) -> None:
    """Look after the fleets of one cluster until ``stop``.

    Raises:
        Invalid: there are no credentials for the API server, or wrong ones.
    """
    from fleets.agones.service import AgonesFleets

    fleets = AgonesFleets(
        specs,
        house.store,
        settings,
        holder=f"{house.name}.{house.chance.getrandbits(32):08x}",
        clock=house.clock,
        chance=house.chance,
        metrics=house.counted.agones,
    )
    house.health.add(f"pod fleets {cluster}".rstrip(), fleets.condition)
    await fleets.run(stop)
