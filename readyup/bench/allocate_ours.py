"""Our side of the allocation benchmark: the real roles, a reserve claimed through Agones, players.

The roles ``fleets`` and ``allocator`` are processes of their own, as in an installation, and
so are Valkey and the game servers. What stands here is the director's part: it claims, and
hears in the fleet's log that a server has acknowledged.
"""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from allocator.pool import Pool
from core.clock import SystemClock
from core.errors import Unreachable
from core.eventlog import last_id, tail
from core.ids import MatchId, PlayerId, QueueName, ServerUid, TicketId
from core.placement import ClaimOrder, SeatedPlayer
from core.redis import Store
from core.valkey import embedded_valkey
from fleets.agones.settings import KubernetesSettings
from fleets.agones.view import KEY
from fleets.spec import FleetSpec
from readyup.bench.allocate_ground import Ground
from readyup.bench.allocate_servers import Part
from readyup.bench.children import child
from readyup.commands.serve import own_keys
from readyup.demo.roles import RoleProcess
from readyup.settings import Config, StoreSettings, as_table
from readyup.wiring.doors import Doors, handed_to_child, open_doors

QUEUE = QueueName("bench")
REFILL_S = 1.0
"""Patience for each server of the reserve."""

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class House:
    """Roles that run, and who is which process."""

    store: Store
    config: Config
    pids: dict[str, int]


@contextlib.asynccontextmanager
async def house(
    config: Config,
    spec: FleetSpec,
    kubernetes: KubernetesSettings,
    roles: tuple[str, ...],
    run: Path,
) -> AsyncIterator[House]:
    """Roles for one fleet of pods, each a process, on a Valkey of their own."""
    queue = next(iter(config.queues.values()))
    config = replace(
        config,
        queues={QUEUE: replace(queue, name=QUEUE, fleet=spec.name)},
        fleets=(spec,),
        kubernetes=kubernetes,
        events=False,
        run_dir=str(run),
    )
    async with embedded_valkey() as url, contextlib.AsyncExitStack() as closing:
        sections = [section for section in ("sessions",) if "allocator" in roles]
        config, doors = open_doors(config, sections, elsewhere=True)
        for door in doors.values():
            closing.callback(door.close)
        config = replace(config, store=StoreSettings(url), admin=replace(config.admin, port=0))
        file = run / "readyup.json"
        file.write_bytes(msgspec.json.encode(as_table(config)))
        store = await Store.connect(url)
        closing.push_async_callback(store.aclose)
        stop, keys = asyncio.Event(), own_keys()
        processes = {role: _process(role, file, keys, doors) for role in roles}
        async with asyncio.TaskGroup() as group:
            for role, process in processes.items():
                group.create_task(process.run(stop), name=role)
            try:
                while not all(process.pid for process in processes.values()):
                    await asyncio.sleep(0.01)
                valkey = int((await store.call("INFO", "server"))["process_id"])
                pids = {role: process.pid for role, process in processes.items()}
                yield House(store, config, {**pids, "valkey": valkey})
            finally:
                stop.set()


def _process(role: str, file: Path, keys: dict[str, str], doors: Doors) -> RoleProcess:
    told, inherited = handed_to_child(doors, [role])
    return RoleProcess(
        f"{role}-1",
        ["serve", "--role", role, "--config", str(file), "--name", f"{role}-1"],
        env=os.environ | keys | told,
        output=file.parent / f"{role}.log",
        doors=inherited,
    )


class Ours:
    """Claims rooms of a pool, and hears what becomes of them."""

    def __init__(self, pool: Pool, name: str) -> None:
        self.pool = pool
        self.ended = 0
        """Sessions that ended since the start."""

        self._name = name
        self._known: dict[MatchId, asyncio.Future[None]] = {}
        self._n = 0

    async def claim(self) -> MatchId | None:
        """A room for a new match; None if it waits in line. Its server is told meanwhile."""
        order = self.order()
        placed = await self.pool.claim(order, now_ms=_CLOCK.wall_ms())
        return order.match if placed else None

    async def until_known(self) -> bool:
        """Claim, and wait until its server has acknowledged: then players may join there.

        A match that finds no room waits in line for one; that is part of its time.
        """
        order = self.order()
        known = self._known[order.match] = asyncio.get_running_loop().create_future()
        try:
            await self.pool.claim(order, now_ms=_CLOCK.wall_ms())
            async with asyncio.timeout(10):
                await known
        except TimeoutError:
            return False
        finally:
            del self._known[order.match]
        return True

    def order(self) -> ClaimOrder:
        """A new duel."""
        self._n += 1
        match = MatchId(f"{QUEUE}.{self._name}-{self._n}")
        players = tuple(
            SeatedPlayer(PlayerId(f"{team}-{self._n}"), TicketId(f"{match}-{team}"), team, 0)
            for team in ("red", "blue")
        )
        return ClaimOrder(match, QUEUE, players, _CLOCK.wall_ms() + 60_000)

    async def listen(self, stop: asyncio.Event) -> None:
        """Follow the fleet's log until ``stop``."""
        log = self.pool.key("log")
        async for event in tail(self.pool.store, log, await last_id(self.pool.store, log), stop):
            if event["k"] == "room.acked":
                known = self._known.get(MatchId(event["match"]))
                if known and not known.done():
                    known.set_result(None)
            elif event["k"] == "session.ended":
                self.ended += 1

    async def until_free(self, rooms: int, *, within_s: float = 30.0) -> None:
        """Wait until so many rooms are free.

        Raises:
            Unreachable: they are not in time.
        """
        free, key = 0, self.pool.key("free")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while (free := int(await self.pool.store.call("ZCARD", key))) < rooms:
                    await asyncio.sleep(0.005)
        if free < rooms:
            raise Unreachable(f"{free} of {rooms} rooms are free after {within_s:g} s")


@dataclass(frozen=True, slots=True)
class Warm:
    """A reserve that is full, with a server at the other end of every room."""

    ours: Ours
    rooms: int
    filled_s: float
    """From a fleet that is Ready to a full reserve, through Agones."""

    pids: dict[str, int]


@contextlib.asynccontextmanager
async def warm(ground: Ground, config: Config, spec: FleetSpec, run: Path) -> AsyncIterator[Warm]:
    """Have the fleet made, claimed into the reserve, and its servers connected."""
    ground.promise(spec.name)
    seed = random.SystemRandom().randbytes(32)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()
    roles = ("fleets", "allocator")
    async with house(config, spec, ground.kube.settings, roles, run) as home:
        ours, stop = Ours(Pool(home.store, spec.name), "play"), asyncio.Event()
        began_s = _CLOCK.elapsed_s()
        await ours.until_free(spec.reserve, within_s=30 + 3 * REFILL_S * spec.reserve)
        filled_s = _CLOCK.elapsed_s() - began_s
        servers = await ground.servers(spec.name)
        await ground.change(servers, {"metadata": {"annotations": {KEY: public}}})
        listen = home.config.sessions
        part = Part(
            url=f"ws://{listen.host}:{listen.port}/v1/servers/connect",
            fleet=spec.name,
            key=seed.hex(),
            servers=[
                (one["metadata"]["name"], ServerUid(one["metadata"]["uid"])) for one in servers
            ],
        )
        async with (
            child("readyup.bench.allocate_servers", "") as played,
            asyncio.TaskGroup() as group,
        ):
            await played.ask(msgspec.json.encode(part) + b"\n", within_s=120, line=True)
            group.create_task(ours.listen(stop), name="log")
            pids = {**home.pids, "game servers": played.pid, "bench": os.getpid()}
            try:
                yield Warm(ours, spec.reserve, filled_s, pids)
            finally:
                stop.set()
