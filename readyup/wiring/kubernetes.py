"""Fleets of pods, wired: the role ``fleets`` as it runs beside a cluster or in one."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fleets.spec import FleetSpec

if TYPE_CHECKING:
    from readyup.wiring.embedded import House


async def run_agones_fleets(
    house: "House", specs: Sequence[FleetSpec], stop: asyncio.Event
) -> None:
    """Look after fleets of pods until ``stop``; any number of processes may, one leads each.

    Raises:
        Invalid: there are no credentials for the API server, or wrong ones.
    """
    from fleets.agones.service import AgonesFleets

    fleets = AgonesFleets(
        specs,
        house.store,
        house.config.kubernetes,
        holder=f"{house.name}.{house.chance.getrandbits(32):08x}",
        clock=house.clock,
        chance=house.chance,
        metrics=house.counted.agones,
    )
    house.health.add("pod fleets", fleets.condition)
    await fleets.run(stop)
