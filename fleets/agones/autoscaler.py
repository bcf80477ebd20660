"""Agones' FleetAutoscaler asks for a fleet's size; the answer is the plan that we stored.

Absolute and idempotent: the same plan is the same answer, however often it is asked for.
Where there is no fresh plan the call fails, and Agones' Chain goes on to its Buffer.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from core.clock import Clock
from core.errors import NotFound, Unreachable
from core.ids import FleetName
from core.redis import Store
from fleets.spec import FleetSpec

FRESH_MS: Final = 60_000
"""A plan older than this is nobody's: the fleets role writes one at least every few seconds."""


class AutoscaleRequest(msgspec.Struct):
    """What we read of Agones' question."""

    uid: str
    name: str
    namespace: str = ""


class FleetAutoscaleReview(msgspec.Struct):
    """The question as Agones sends it."""

    request: AutoscaleRequest


class AutoscaleResponse(msgspec.Struct):
    """The fleet's size, absolute."""

    uid: str
    scale: bool
    replicas: int


class AutoscaleAnswer(msgspec.Struct):
    """The answer as Agones reads it; without ``response`` older ones fell over."""

    request: AutoscaleRequest
    response: AutoscaleResponse


class StoredPlans:
    """The sizes that the fleets role wrote to ``{f:F}:plan``, kept within each fleet's limits."""

    def __init__(
        self, specs: Sequence[FleetSpec], store: Store, clock: Clock, *, namespace: str = ""
    ) -> None:
        self._specs = {spec.name: spec for spec in specs if spec.pod is not None}
        self._store = store
        self._clock = clock
        self._namespace = namespace

    async def answer(self, review: FleetAutoscaleReview) -> AutoscaleAnswer:
        """What Agones is told.

        Raises:
            NotFound: no fleet of ours.
            Unreachable: there is no plan, or none that is fresh.
        """
        asked = review.request
        if self._namespace and asked.namespace not in ("", self._namespace):
            raise NotFound(
                f"fleets of namespace {asked.namespace!r} are not ours; we keep those of "
                f"{self._namespace!r}"
            )
        replicas = await self.size(FleetName(asked.name))
        return AutoscaleAnswer(asked, AutoscaleResponse(asked.uid, scale=True, replicas=replicas))

    async def size(self, fleet: FleetName) -> int:
        """Servers that this fleet should have now; see ``answer`` for what is raised."""
        spec = self._specs.get(fleet)
        if spec is None:
            raise NotFound(f"no fleet {fleet!r} of pods; there are: {', '.join(self._specs)}")
        replicas, written, in_use = await self._store.call(
            "HMGET", f"{{f:{fleet}}}:plan", "replicas", "t", "in_use"
        )
        if not _number(replicas) or not _number(written):
            raise Unreachable(f"fleet {fleet!r} has no plan yet; is the role fleets running?")
        age_ms = self._clock.wall_ms() - int(written)
        if age_ms > FRESH_MS:
            raise Unreachable(
                f"the plan of fleet {fleet!r} is {age_ms // 1000} s old; "
                "is the role fleets running?"
            )
        # As the plan does: nobody takes servers in use for too many, also where the limit is new.
        ceiling = max(spec.ceiling(), int(in_use) if _number(in_use) else 0)
        return min(max(int(replicas), spec.size_min), ceiling)


def _number(text: str | None) -> bool:
    return bool(text) and str(text).isascii() and str(text).isdigit()
