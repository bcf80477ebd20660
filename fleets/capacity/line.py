"""When the matches in line can expect a room: by what is Ready, what starts, and what ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleets.capacity.survival import Survival

STEPS = 40
"""Instants at which a session is looked for that will have ended, evenly over a lead time."""


@dataclass(frozen=True, slots=True)
class Coming:
    """Where rooms may come from."""

    ready: int
    """Servers that are Ready and not in the reserve yet."""

    starting_s: Sequence[float]
    """For how long each server that starts has been starting."""

    ages_s: Sequence[float]
    """Of the sessions that run."""

    curve: Survival
    """How long sessions last."""

    lead_s: float
    """From creation to Ready."""

    refill_s: float
    """From Ready to the reserve."""

    rooms: int = 1
    """Of one server."""

    starting_max: int = 10_000
    """Servers that start at the same time."""


def expected_waits_s(waiting: int, world: Coming) -> list[float]:
    """For each of so many matches in line, in order, seconds until a room can be expected."""
    lead_s, refill_s, rooms = world.lead_s, world.refill_s, world.rooms
    new = [refill_s] * (world.ready * rooms)
    for age_s in world.starting_s:
        new += [max(0.0, lead_s - age_s) + refill_s] * rooms
    looks_s = np.linspace(0.0, lead_s + refill_s, STEPS)
    ages = np.array(world.ages_s, dtype=float)
    ended = [len(ages) - world.curve.still_running(ages, float(after_s))[0] for after_s in looks_s]
    freed = [float(looks_s[int(np.searchsorted(ended, n))]) for n in range(1, int(ended[-1]) + 1)]
    coming = sorted(new + freed)
    # For whoever is left the planner has ordered servers that nobody sees yet: they begin when
    # those before them are Ready.
    server = len(world.starting_s)
    while len(coming) < waiting:
        wave = server // world.starting_max
        coming += [lead_s * (1 + wave) + refill_s] * rooms
        server += 1
    return sorted(coming)[:waiting]
