"""Sizes that operators announce for a fleet: listed, announced and taken back.

The operator API and ``readyup fleet plan`` both come here, so both refuse the same.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import replace

from core.clock import Clock
from core.errors import Conflict, Invalid, NotFound
from core.ids import FleetName
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.decision import event_words
from fleets.capacity.events import Event
from fleets.spec import FleetSpec
from readyup.operators import shapes
from readyup.operators.deeds import Done

NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")

PLANS_MAX = 100
"""Of one fleet; each look of its planner goes through all of them."""

AWAY_S_MAX = 2 * 366 * 86_400
"""Two years. A time further away than that is a slip of the pen."""


class Plans:
    """Those of every fleet of the settings."""

    def __init__(self, store: Store, specs: Iterable[FleetSpec], clock: Clock) -> None:
        self._store = store
        self._specs = {spec.name: spec for spec in specs}
        self._clock = clock

    async def of(self, fleet: str) -> dict[str, Event]:
        """What is announced for a fleet, by name, the earliest first; the settings' own come last.

        Raises:
            NotFound: there is no such fleet.
        """
        spec = self._spec(fleet)
        own = {f"settings[{n}]": event for n, event in enumerate(spec.events)}
        return {**await Announced(self._store, spec.name).all(), **own}

    async def announce(self, fleet: str, name: str, event: Event) -> Done:
        """Announce a size; one of the same name is replaced.

        Raises:
            NotFound: there is no such fleet.
            Conflict: nobody would heed it, or there are too many.
            Invalid: the fleet cannot be so large, or the time is none that can be meant.
        """
        spec = self._spec(fleet)
        if spec.capacity is None or spec.capacity.mode != "act":
            raise Conflict(
                f"fleet {fleet!r} is sized by its settings alone; add [fleets.{fleet}.capacity]"
            )
        self._refuse(spec, name, event)
        announced = Announced(self._store, spec.name)
        there = await announced.all()
        if name not in there and len(there) >= PLANS_MAX:
            raise Conflict(f"fleet {fleet!r} has {PLANS_MAX} announced sizes; take one back first")
        event = replace(event, at=event.at.astimezone(dt.UTC))
        await announced.add(name, event)
        return Done(_words(there.get(name)), event_words(event))

    async def take_back(self, fleet: str, name: str) -> Done:
        """Take an announced size back.

        Raises:
            NotFound: there is no such fleet, or nothing of that name is announced for it.
            Conflict: it stands in the settings.
        """
        spec = self._spec(fleet)
        if name in await self.of(fleet) and not NAME.fullmatch(name):
            raise Conflict(f"{name} of fleet {fleet!r} stands in the settings; change it there")
        announced = Announced(self._store, spec.name)
        event = (await announced.all()).get(name)
        if event is None:
            raise NotFound(f"fleet {fleet!r} has no announced size {name!r}; list what it has")
        await announced.remove(name)
        return Done(event_words(event), "taken back")

    def _refuse(self, spec: FleetSpec, name: str, event: Event) -> None:
        if not NAME.fullmatch(name):
            raise Invalid(
                f"{name[:80]!r} is no name; write 1 to 40 letters, digits, dashes or underscores",
                field="plan",
            )
        if event.servers > spec.ceiling():
            raise Invalid(
                f"fleet {spec.name!r} has at most {spec.ceiling()} servers: its size_max, or its "
                "ports; ask for fewer, or raise them in the settings",
                field="$.servers",
            )
        now_ms = self._clock.wall_ms()
        if event.over(now_ms):
            raise Invalid(
                "that is over already; write a later time, or every day or week", field="$.at"
            )
        if abs(event.at.timestamp() - now_ms / 1000) > AWAY_S_MAX:
            raise Invalid("that is more than two years away", field="$.at")

    def _spec(self, fleet: str) -> FleetSpec:
        if (spec := self._specs.get(FleetName(fleet))) is None:
            raise NotFound(f"no fleet {fleet!r}; there are: {', '.join(self._specs)}")
        return spec


def told(name: str, event: Event) -> shapes.PlanOut:
    """An announced size as the API tells it; what stands in the settings has a name of its own."""
    return shapes.PlanOut(
        name,
        event.at,
        event.servers,
        event.for_s,
        event.every,
        event.note,
        fixed=not NAME.fullmatch(name),
    )


def _words(event: Event | None) -> str:
    return event_words(event) if event else ""
