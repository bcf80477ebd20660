"""Game servers as supervised processes of this machine, one SDK endpoint for each.

The life of a server here: a port, a key and an SDK endpoint are made, the process is
started on its cores, says Ready through the SDK, and is watched until it has ended.
However it ends, its endpoint, its port and its place in the mirror go with it.
"""

import asyncio
import contextlib
import os
import random
from collections import defaultdict
from dataclasses import dataclass, field, replace

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.clock import Clock
from core.game_server import MATCH_ANNOTATION, ServerView, State
from core.ids import FleetName, ServerUid
from fleets.local.orphans import Registry
from fleets.local.output import keep_newest, last_line
from fleets.local.process import Child
from fleets.local.recipe import LocalSettings, launch_of
from fleets.local.udp_ports import UdpPorts
from fleets.past import GONE
from fleets.placement import Cores, choose_cores, pinned_sentence
from fleets.ports import Mirror, Reason, ServerStates
from fleets.spec import FleetSpec

CAN_PIN = hasattr(os, "sched_setaffinity")
CLAIM_LABEL = "readyup/claim"
NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""As Kubernetes makes names: without vowels there are no words, and nothing looks alike."""

log = structlog.get_logger("readyup.fleets")


@dataclass(slots=True)
class _Server:
    spec: FleetSpec
    view: ServerView
    """As it was started; how it is now, the SDK server knows."""

    child: Child | None = None
    leaving: asyncio.Future[Reason] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class LocalBackend:
    """Runs the servers of all fleets of this machine. ``run`` must be running."""

    def __init__(
        self,
        states: ServerStates,
        mirror: Mirror,
        registry: Registry,
        settings: LocalSettings,
        *,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._states = states
        self._mirror = mirror
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._machine = tuple(sorted(os.sched_getaffinity(0))) if CAN_PIN else ()
        self._servers: dict[ServerUid, _Server] = {}
        self._ports: dict[FleetName, UdpPorts] = {}
        self._changed: defaultdict[FleetName, asyncio.Event] = defaultdict(asyncio.Event)
        self._group: asyncio.TaskGroup | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the servers until ``stop``, then end them all, each within its grace."""
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow(), name="server-states")
            async with asyncio.TaskGroup() as self._group:
                await stop.wait()
                for uid in list(self._servers):
                    self.stop(uid, Reason.STOP)
            following.cancel()

    def observe(self, fleet: FleetName) -> tuple[ServerView, ...]:
        return tuple(self._seen(one) for one in self._servers.values() if one.view.fleet == fleet)

    async def start(self, spec: FleetSpec) -> ServerView:
        assert self._group is not None, "run() is running"
        group = self._group
        ports = self._ports.get(spec.name)
        if ports is None:
            begin = self._chance.randrange(len(spec.ports))
            ports = self._ports[spec.name] = UdpPorts(spec.address, spec.ports, begin=begin)
        port = ports.take()
        key = Ed25519PrivateKey.generate()
        view = ServerView(
            name=self._new_name(spec.name),
            uid=ServerUid(f"{self._chance.getrandbits(128):032x}"),
            fleet=spec.name,
            state=State.STARTING,
            address=spec.address,
            port=port,
            rooms=spec.rooms,
            version=spec.version,
            cores=choose_cores(spec.cpus, self._machine, self._cores_taken()),
            created_ms=self._clock.wall_ms(),
            public_key=key.public_key().public_bytes_raw().hex(),
        )
        server = self._servers[view.uid] = _Server(spec, view)
        try:
            sdk = await self._states.create(view, health=spec.health.as_tuple())
            server.child = Child.spawn(
                launch_of(
                    spec,
                    view,
                    self._settings,
                    sdk=sdk,
                    seed=key.private_bytes_raw(),
                )
            )
        except BaseException:
            await self._clear_away(server)
            raise
        self._registry.add(view.name, view.uid, server.child.pid)
        self._tell_cores()
        group.create_task(self._live(server, server.child), name=f"server-{view.name}")
        log.info(
            "server.started",
            server=view.uid,
            server_name=view.name,
            fleet=spec.name,
            pid=server.child.pid,
            port=port,
        )
        return self._seen(server)

    def stop(self, uid: ServerUid, reason: Reason) -> None:
        server = self._servers.get(uid)
        if server is not None and not server.leaving.done():
            server.leaving.set_result(reason)
            self._show(server)

    async def give_up(self, uid: ServerUid) -> None:
        self.stop(uid, Reason.SCALE)

    async def take(self, uid: ServerUid, claim: str) -> bool:
        server = self._servers.get(uid)
        if server is None or server.leaving.done():
            return False
        if await self._states.allocate(uid, labels={CLAIM_LABEL: claim}):
            return True
        now = self._states.get(uid)
        return (
            now is not None
            and now.state is State.ALLOCATED
            and now.labels.get(CLAIM_LABEL) == claim
        )

    async def tell(self, uid: ServerUid, letter: str) -> None:
        await self._states.annotate(uid, annotations={MATCH_ANNOTATION: letter})

    async def changed(self, fleet: FleetName, *, timeout_s: float) -> None:
        news = self._changed[fleet]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await news.wait()
        news.clear()

    async def _follow(self) -> None:
        async for view in self._states.changes():
            if server := self._servers.get(view.uid):
                self._show(server)

    async def _live(self, server: _Server, child: Child) -> None:
        either: list[asyncio.Future[int] | asyncio.Future[Reason]] = [child.exited, server.leaving]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        code = await child.end(server.spec.grace_s)
        if server.leaving.done():
            reason = server.leaving.result()
        else:
            asked = self._seen(server).state
            reason = Reason.SHUTDOWN if asked is State.SHUTDOWN else Reason.EXITED
            server.leaving.set_result(reason)
        self._tell_end(server.view.name, reason, code)
        await self._clear_away(server)
        keep_newest(self._settings.log_of(server.view.name).parent)

    def _tell_end(self, name: str, reason: Reason, code: int) -> None:
        """Once; one that ended of itself is told with its last words, which say why."""
        path = self._settings.log_of(name)
        told = log.bind(server=name, reason=reason, exit_code=code, log=str(path))
        if reason is Reason.EXITED:
            told.warning("server.ended", said=last_line(path))
        else:
            told.info("server.ended")

    async def _clear_away(self, server: _Server) -> None:
        """Its process is gone, or never was: so is all that stood for it."""
        last = self._seen(server)
        reason = server.leaving.result() if server.leaving.done() else Reason.EXITED
        self._servers.pop(last.uid, None)
        self._registry.remove(last.name)
        self._ports[last.fleet].give_back(last.port)
        self._mirror.remove(last, reason)
        self._tell_cores()
        self._changed[last.fleet].set()
        await self._states.delete(last.uid)

    def _seen(self, server: _Server) -> ServerView:
        """As it is now. One that is being ended is Shutdown, unless it failed before."""
        now = self._states.get(server.view.uid) or server.view
        if server.leaving.done() and now.state not in GONE:
            return replace(now, state=State.SHUTDOWN)
        return now

    def _show(self, server: _Server) -> None:
        self._mirror.put(self._seen(server))
        self._changed[server.view.fleet].set()

    def _tell_cores(self) -> None:
        """Who shares a core with whom changes for everybody when one comes or goes."""
        for uid, server in self._servers.items():
            now = self._states.get(uid)
            if server.child is None or now is None:
                continue
            others = self._cores_taken(but=uid)
            pinned = pinned_sentence(server.view.cores, others, asked=server.spec.cpus)
            if (now.pid, now.pinned) != (server.child.pid, pinned):
                self._states.set_process(
                    uid, pid=server.child.pid, cores=server.view.cores, pinned=pinned
                )

    def _cores_taken(self, but: ServerUid | None = None) -> list[Cores]:
        return [server.view.cores for uid, server in self._servers.items() if uid != but]

    def _new_name(self, fleet: FleetName) -> str:
        taken = {server.view.name for server in self._servers.values()}
        while True:
            name = f"{fleet}-{''.join(self._chance.choices(NAME_LETTERS, k=5))}"
            if name not in taken:
                return name
