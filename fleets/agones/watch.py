"""A kind's objects as they are: listed once, then followed, whatever happens to the connection.

The API server may end a watch at any moment, forget the version we ask for, send what we
know, or fall silent. In the end the cache equals the truth: a watch is resumed after the
last version seen, a forgotten version leads to a new list, and what is missing from that
list was deleted. Listeners are called at once and must not wait; each keeps what it needs,
latest value only, so a burst of events waits in the connection and nowhere else.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from core.errors import Exhausted, Rejected, Unreachable
from fleets.agones.answers import Gone
from fleets.agones.kube import Kube, Object
from fleets.agones.metrics import AgonesMetrics
from fleets.backoff import Backoff
from fleets.ports import BackendAway

T = TypeVar("T")

PAGE = 500
"""Objects in one answer to a list."""

STEADY_S = 5.0
"""A watch that lasted this long went well: the next may begin at once."""

FAILURES_MAX = 3
"""Watches that broke in a row; then the version itself is doubted and all is listed anew."""

log = structlog.get_logger("readyup.fleets")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What is followed."""

    name: str
    """For metrics and logs, e.g. "gameservers"."""

    path: str
    read: Callable[[Object], T]
    """What is kept of an object; the rest of it is forgotten at once."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    version: str
    value: T


Listener = Callable[[T, bool], None]
"""Called with a value and whether it is gone; with the last value known when it is."""


class Informer(Generic[T]):
    """One kind of one namespace, shared by all who care. ``run`` must be running."""

    def __init__(
        self, kube: Kube, kind: Kind[T], *, chance: random.Random, metrics: AgonesMetrics
    ) -> None:
        self.synced = asyncio.Event()
        """Set once everything was listed for the first time."""

        self._kube = kube
        self._kind = kind
        self._chance = chance
        self._metrics = metrics
        self._backoff = Backoff(chance, first_s=0.05, most_s=10.0)
        self._objects: dict[str, _Kept[T]] = {}
        self._listeners: list[Listener[T]] = []
        self._version = ""
        self._cause = "start"
        self._failures = 0
        self._away = False

    def values(self) -> tuple[T, ...]:
        """Everything there is now, in no order."""
        return tuple(kept.value for kept in self._objects.values())

    def get(self, uid: str) -> T | None:
        """One object; None when it is not there."""
        kept = self._objects.get(uid)
        return kept.value if kept else None

    def listen(self, listener: Listener[T]) -> Callable[[], None]:
        """Call ``listener`` at each change from now on; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began_s = asyncio.get_running_loop().time()
            asked_s = 0.0
            try:
                if not self._version:
                    await self._list()
                await self._follow()
                self._ended("agreed")
            except Gone as gone:
                self._doubt("gone", str(gone))
            except (Unreachable, Exhausted, Rejected) as away:
                asked_s = away.retry_after_s if isinstance(away, BackendAway) else 0.0
                self._ended("broken")
                self._complain(away)
            if asyncio.get_running_loop().time() - began_s >= STEADY_S:
                self._backoff.reset()
            # A server that closes at once, politely or not, must not be asked a thousand times.
            await asyncio.sleep(self._backoff.wait_s(at_least_s=asked_s))

    async def _list(self) -> None:
        """Everything anew; what is there no more was deleted while we did not look."""
        query: dict[str, str | int] = {"limit": PAGE}
        found: dict[str, Object] = {}
        while True:
            page = await self._kube.get(self._kind.path, **query)
            found |= {one["metadata"]["uid"]: one for one in page.get("items") or ()}
            about = page.get("metadata") or {}
            if not about.get("continue"):
                break
            query["continue"] = about["continue"]
        for uid in self._objects.keys() - found.keys():
            self._drop(uid)
        for one in found.values():
            self._keep(one)
        self._version = str(about.get("resourceVersion") or "0")
        self._metrics.relists.labels(self._kind.name, self._cause).inc()
        self._heal()
        self.synced.set()

    async def _follow(self) -> None:
        # Not all at once: a restarted API server would be asked by everybody together for ever.
        timeout_s = self._kube.settings.watch_s * self._chance.uniform(0.75, 1.25)
        events = self._kube.watch(self._kind.path, self._version, timeout_s=timeout_s)
        async with contextlib.aclosing(events):
            async for event in events:
                self._heal()
                self._apply(str(event.get("type")), event["object"])

    def _apply(self, what: str, one: Object) -> None:
        about = one.get("metadata") or {}
        version = str(about.get("resourceVersion") or "")
        if not _newer(version, self._version):
            # What we know already, sent twice or late. A watch only ever moves forward.
            self._metrics.watch_events.labels(self._kind.name, "stale").inc()
            return
        self._version = version
        if what == "BOOKMARK":
            return
        self._metrics.watch_events.labels(self._kind.name, "applied").inc()
        if what == "DELETED":
            self._drop(str(about.get("uid")), last=one)
        elif what in ("ADDED", "MODIFIED"):
            self._keep(one)

    def _keep(self, one: Object) -> None:
        about = one["metadata"]
        uid = str(about["uid"])
        known = self._objects.get(uid)
        if known is not None and known.version == about["resourceVersion"]:
            return
        value = self._kind.read(one)
        self._objects[uid] = _Kept(str(about["resourceVersion"]), value)
        if known is None or known.value != value:
            self._tell(value, gone=False)

    def _drop(self, uid: str, *, last: Object | None = None) -> None:
        kept = self._objects.pop(uid, None)
        if kept is None:
            return
        self._tell(kept.value if last is None else self._kind.read(last), gone=True)

    def _tell(self, value: T, *, gone: bool) -> None:
        for listener in tuple(self._listeners):
            listener(value, gone)

    def _ended(self, cause: str) -> None:
        self._metrics.watch_ends.labels(self._kind.name, cause).inc()
        self._failures = self._failures + 1 if cause == "broken" else 0
        if self._failures >= FAILURES_MAX:
            self._version, self._cause = "", "trouble"

    def _doubt(self, cause: str, why: str) -> None:
        log.info("watch.relists", kind=self._kind.name, reason=why)
        self._metrics.watch_ends.labels(self._kind.name, cause).inc()
        self._version, self._cause = "", cause

    def _complain(self, away: Exception) -> None:
        if not self._away:
            log.warning("watch.lost", kind=self._kind.name, reason=str(away))
        self._away = True

    def _heal(self) -> None:
        self._failures = 0
        if self._away:
            log.info("watch.back", kind=self._kind.name)
        self._away = False


def _newer(version: str, than: str) -> bool:
    """Whether a resource version is the later one; versions that are no numbers always are.

    >>> _newer("12", "9"), _newer("9", "12"), _newer("b", "a")
    (True, False, True)
    """
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != ""
