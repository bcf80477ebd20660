"""The game servers of one fleet of pods: seen, taken and ended through the API server.

A server cannot be named when one is taken: Agones chooses. What is named is the claim, a
label that the chosen server carries from the very write that makes it Allocated. A claim
asked for again finds its server by that label, so a lost answer costs a look and no server.
"""

import asyncio
import contextlib

import structlog

from core.clock import Clock
from core.errors import Conflict, NotFound, Unreachable
from core.game_server import MATCH_ANNOTATION, PINNED_LABEL, Pinned, ServerView, State
from core.ids import ServerUid
from fleets.agones.kube import Kube, Object, namespaced
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.pods import merged
from fleets.agones.view import CLAIM_LABEL, FLEET_LABEL, VERSION_LABEL, PodServer, server_view
from fleets.agones.watch import Informer
from fleets.ports import BackendAway, Reason
from fleets.spec import FleetSpec

AGONES = "agones.dev/v1"
ALLOCATION = "allocation.agones.dev/v1"

DOUBT_S = 30.0
"""For so long after the start any order may have been obeyed by whoever led before."""

GATHER_S = 0.1
"""What happens within this time is looked at together."""

log = structlog.get_logger("readyup.fleets")


class PodServers:
    """One fleet, for one term of leadership."""

    def __init__(
        self,
        spec: FleetSpec,
        kube: Kube,
        servers: Informer[PodServer],
        *,
        metrics: AgonesMetrics,
        clock: Clock,
    ) -> None:
        self.leaving: dict[ServerUid, Reason] = {}
        """Servers that we decided to end, until they are gone."""

        self._spec = spec
        self._kube = kube
        self._servers = servers
        self._metrics = metrics
        self._clock = clock
        self._began_s = clock.elapsed_s()
        self._doubtful: set[str] = set()
        self._news = asyncio.Event()

    def observe(self) -> tuple[ServerView, ...]:
        """The fleet's servers there are; those that we end, as Shutdown until they are gone."""
        return tuple(
            one.view for one in self._servers.values() if one.view.fleet == self._spec.name
        )

    def get(self, uid: ServerUid) -> ServerView | None:
        """One of them; None when it is gone."""
        found = self._servers.get(uid)
        return found.view if found and found.view.fleet == self._spec.name else None

    def heard(self, server: PodServer, gone: bool) -> None:
        """The informer's word on a server of any fleet."""
        if server.view.fleet != self._spec.name:
            return
        if gone:
            self.leaving.pop(server.view.uid, None)
        claim = server.view.labels.get(CLAIM_LABEL)
        if claim is not None:
            self._doubtful.discard(claim)
        self.wake()

    def wake(self) -> None:
        """Something happened that may change the fleet's size."""
        self._news.set()

    async def changed(self, *, timeout_s: float) -> None:
        """Return soon after something happened, at the latest after ``timeout_s``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
                await asyncio.sleep(GATHER_S)
        self._news.clear()

    async def take(self, uid: ServerUid, claim: str) -> bool:
        """Have a Ready server of the fleet Allocated under a claim, whichever Agones chooses."""
        del uid  # the name of a server that the claim is called after, no more
        if self._carried(claim):
            self._count("already")
            return True
        if self._doubted(claim) and await self._carried_at_the_source(claim):
            self._count("already")
            return True
        began_s = self._clock.elapsed_s()
        # From here on the answer may be lost, and the server taken all the same.
        self._doubtful.add(claim)
        try:
            outcome = await self._allocate(claim)
        except Unreachable:
            self._count("lost")
            raise
        self._metrics.take_seconds.labels(self._spec.name).observe(
            self._clock.elapsed_s() - began_s
        )
        if outcome == "Contention":
            self._count("lost")
            raise BackendAway("Agones: too many allocations at once", retry_after_s=0.1)
        self._doubtful.discard(claim)
        self._count("taken" if outcome == "Allocated" else "none")
        return outcome == "Allocated"

    async def tell(self, uid: ServerUid, letter: str) -> None:
        """Have a server carry its match as an annotation: one patch, in this life of it.

        Raises:
            BackendAway: it may have happened or not; asking again is safe.
        """
        view = self.get(uid)
        if view is None or view.annotations.get(MATCH_ANNOTATION) == letter:
            return
        path = namespaced(AGONES, self._kube.settings.namespace, "gameservers", view.name)
        about = {"uid": uid, "annotations": {MATCH_ANNOTATION: letter}}
        with contextlib.suppress(NotFound, Conflict):
            await self._kube.patch(path, {"metadata": about})

    async def end(self, view: ServerView) -> None:
        """Delete a server in this life of it; one that is gone, or has a new life, is fine.

        Raises:
            BackendAway: it may have happened or not; asking again is safe.
        """
        path = namespaced(AGONES, self._kube.settings.namespace, "gameservers", view.name)
        with contextlib.suppress(NotFound, Conflict):
            await self._kube.delete(path, uid=view.uid)
        log.info("server.given_up", fleet=self._spec.name, server=view.uid, server_name=view.name)

    async def _allocate(self, claim: str) -> str:
        path = namespaced(ALLOCATION, self._kube.settings.namespace, "gameserverallocations")
        try:
            answer = await self._kube.post(path, allocation(self._spec, claim))
        except Conflict as race:  # with another writer, within Agones; not with us
            raise BackendAway(str(race)) from race
        return str((answer.get("status") or {}).get("state"))

    def _carried(self, claim: str) -> bool:
        return any(_carries(view, claim) for view in self.observe())

    def _doubted(self, claim: str) -> bool:
        return claim in self._doubtful or self._clock.elapsed_s() - self._began_s < DOUBT_S

    async def _carried_at_the_source(self, claim: str) -> bool:
        """Agones' replicas have a memory each, and so have we: the API server has the truth."""
        path = namespaced(AGONES, self._kube.settings.namespace, "gameservers")
        found = await self._kube.get(path, labelSelector=f"{CLAIM_LABEL}={claim}")
        return any(_carries(server_view(one), claim) for one in found.get("items") or ())

    def _count(self, outcome: str) -> None:
        self._metrics.takes.labels(self._spec.name, outcome).inc()


def allocation(spec: FleetSpec, claim: str) -> Object:
    """What Agones is asked for: the server that has the claim already, else a Ready one.

    The fleet's current version is preferred, so that a rollout moves the reserve along; then
    a server that proved its cores to be its own. What else counts, the fleet's pod says in
    Agones' words.
    """
    assert spec.pod is not None, "only servers in pods are allocated"
    fleet = {FLEET_LABEL: spec.name}
    selectors: list[Object] = [
        {"matchLabels": {**fleet, CLAIM_LABEL: claim}, "gameServerState": "Allocated"}
    ]
    versions = [{VERSION_LABEL: spec.version}, {}] if spec.version else [{}]
    selectors += [
        merged({"matchLabels": {**fleet, **version, **pinned}}, spec.pod.extra_selector)
        for version in versions
        for pinned in ({PINNED_LABEL: Pinned.PROVEN.value}, {})
    ]
    return {
        "apiVersion": ALLOCATION,
        "kind": "GameServerAllocation",
        "spec": merged(
            {
                "selectors": selectors,
                "scheduling": "Packed",
                "metadata": {"labels": {CLAIM_LABEL: claim}},
            },
            spec.pod.extra_allocation,
        ),
    }


def _carries(view: ServerView, claim: str) -> bool:
    return view.state is State.ALLOCATED and view.labels.get(CLAIM_LABEL) == claim
