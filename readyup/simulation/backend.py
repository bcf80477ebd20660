"""The backend that runs virtual game servers; it keeps the promises of the local one.

Its servers die with the role ``fleets``, as local processes do.
"""

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from allocator.ports import CLAIM_LABEL
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.past import GONE
from fleets.ports import Mirror, Reason
from fleets.spec import FleetSpec
from readyup.simulation.process import Process, unexplained
from readyup.simulation.servers import Ground, VirtualServer

UNHEALTHY_S = 6.0
"""Three health pings of two seconds that did not come."""


class VirtualBackend:
    """Runs the servers of one life of the role ``fleets``."""

    def __init__(self, process: Process, mirror: Mirror, ground: Ground) -> None:
        self._process = process
        self._mirror = mirror
        self._ground = ground
        self._views: dict[ServerUid, ServerView] = {}
        self._leaving: dict[ServerUid, Reason] = {}
        self._servers: dict[ServerUid, VirtualServer] = {}
        self._changed: defaultdict[FleetName, asyncio.Event] = defaultdict(asyncio.Event)
        process.at_death(self._die_too)

    def observe(self, fleet: FleetName) -> tuple[ServerView, ...]:
        return tuple(self._seen(uid) for uid, one in self._views.items() if one.fleet == fleet)

    async def start(self, spec: FleetSpec) -> ServerView:
        ground = self._ground
        ground.made += 1
        key = Ed25519PrivateKey.from_private_bytes(ground.dice.randbytes(32))
        view = ServerView(
            name=f"server-{ground.made}",
            uid=ServerUid(f"{ground.dice.getrandbits(128):032x}"),
            fleet=spec.name,
            state=State.STARTING,
            address=spec.address,
            port=self._port(spec),
            rooms=spec.rooms,
            version=spec.version,
            created_ms=self._process.clock.wall_ms(),
            public_key=key.public_key().public_bytes_raw().hex(),
        )
        self._views[view.uid] = view
        server = self._servers[view.uid] = VirtualServer(spec, view, key, ground)
        ground.servers[view.name] = server
        server.start(lambda: self._becomes(view.uid, State.READY))
        self._process.spawn(self._live(server), name=f"{view.name} lives")
        self._show(view.uid)
        return view

    def _port(self, spec: FleetSpec) -> int:
        """The next in turn that no server has."""
        taken = {view.port for view in self._views.values()}
        count = len(spec.ports)
        turns = (spec.ports.first + (self._ground.made - 1 + n) % count for n in range(count))
        return next(port for port in turns if port not in taken)

    def stop(self, uid: ServerUid, reason: Reason) -> None:
        server = self._servers.get(uid)
        if server is not None and uid not in self._leaving:
            self._leaving[uid] = reason
            self._show(uid)
            grace_s = self._ground.dice.uniform(0.0, 0.5)
            loop = asyncio.get_running_loop()
            loop.call_later(grace_s, server.process.kill)

    async def give_up(self, uid: ServerUid) -> None:
        self.stop(uid, Reason.SCALE)

    async def take(self, uid: ServerUid, claim: str) -> bool:
        view = self._views.get(uid)
        if view is None or uid in self._leaving:
            return False
        if view.state is State.READY:
            self._views[uid] = replace(view, labels={CLAIM_LABEL: claim})
            self._becomes(uid, State.ALLOCATED)
            return True
        return view.state is State.ALLOCATED and view.labels.get(CLAIM_LABEL) == claim

    async def tell(self, uid: ServerUid, letter: str) -> None:
        """Simulated servers speak the sessions API, so nobody writes to them."""
        raise AssertionError((uid, letter))

    async def changed(self, fleet: FleetName, *, timeout_s: float) -> None:
        news = self._changed[fleet]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await news.wait()
        news.clear()

    async def _live(self, server: VirtualServer) -> None:
        """Watch a server until it has ended, then clear away what stood for it."""
        uid, process = server.view.uid, server.process
        loop = asyncio.get_running_loop()
        while not process.ended.done():
            await asyncio.wait([process.ended], timeout=1.0)
            silent = process.frozen and loop.time() - process.frozen_s > UNHEALTHY_S
            if silent and self._views[uid].state is not State.UNHEALTHY:
                self._becomes(uid, State.UNHEALTHY)
        if (wrong := process.ended.result()) is not None:
            self._ground.network.broke += unexplained(wrong)
        left_by_itself = server.matches.retiring and uid not in self._leaving
        reason = self._leaving.get(uid, Reason.SHUTDOWN if left_by_itself else Reason.EXITED)
        last = self._seen(uid)
        del self._views[uid], self._servers[uid]
        self._leaving.pop(uid, None)
        self._forget(server)
        self._mirror.remove(last, reason)
        self._changed[last.fleet].set()

    def _forget(self, server: VirtualServer) -> None:
        self._ground.servers.pop(server.view.name, None)
        self._ground.doors.shut(server.view.port, server.game)

    def _becomes(self, uid: ServerUid, state: State) -> None:
        if uid in self._views:
            self._views[uid] = replace(self._views[uid], state=state)
            self._show(uid)

    def _seen(self, uid: ServerUid) -> ServerView:
        view = self._views[uid]
        if uid in self._leaving and view.state not in GONE:
            return replace(view, state=State.SHUTDOWN)
        return view

    def _show(self, uid: ServerUid) -> None:
        view = self._seen(uid)
        self._mirror.put(view)
        self._changed[view.fleet].set()

    def _die_too(self) -> None:
        """Local servers do not outlive their role."""
        for server in self._servers.values():
            server.process.kill()
            self._forget(server)
