"""The whole service on this machine: a Valkey, a process for each role, and a recorder."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import msgspec

from core.address import PASSWORD, SENTINEL_PASSWORD, Kind
from core.clock import SystemClock
from core.ensemble import Ensemble, embedded_ensemble
from core.errors import Unreachable
from core.game_server import ServerView, State
from core.redis import Store
from core.valkey import embedded_valkey
from readyup.commands.serve import own_keys
from readyup.demo.roles import RoleProcess
from readyup.demo.servers import Servers
from readyup.settings import ENVIRONMENT, Config, StoreSettings, as_table
from readyup.wiring.doors import Doors, handed_to_child, open_doors

UP_S = 90.0
"""The API must answer, and the first server be warm, within this. Two cores that others kept
busy, at a load of 18, took 36 s."""

DEATHS_MAX = 3
"""A role that has died so often before that will not come up: what it said is told at once."""


@dataclass(slots=True)
class Stack:
    """What runs, and where it is reached."""

    config: Config
    store: Store
    run_dir: Path
    processes: dict[str, RoleProcess]
    """By name: api-1, director-1, director-2, allocator-1, fleets-1."""

    services: list["asyncio.Task[None]"]
    doors: Doors
    """Open for as long as the stack is: a role that comes back serves where its predecessor did."""

    ensemble: Ensemble | None = None
    """The servers behind the store, where one may stand in for another."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    servers: Servers = field(default_factory=Servers)

    async def until_up(self) -> None:
        """Return when the player API answers and a first game server is warm.

        Raises:
            Unreachable: that takes too long, or a role dies each time; says what was said last.
        """
        try:
            async with asyncio.timeout(UP_S), aiohttp.ClientSession() as http:
                while not await _answers(http, f"{self.api_url()}/readyz"):
                    self._refuse_deaths()
                    await asyncio.sleep(0.02)
                while (await self.warm_servers())[0] == 0:
                    self._refuse_deaths()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise self._not_up(f"not up within {UP_S:g} s") from None

    def _refuse_deaths(self) -> None:
        for name, process in self.processes.items():
            if process.restarts >= DEATHS_MAX:
                raise self._not_up(f"{name} has died {process.restarts} times")

    def _not_up(self, why: str) -> Unreachable:
        last = "".join(_last_lines(self.run_dir / "logs"))
        return Unreachable(f"{why}; the roles said last:\n{last}")

    async def stop_roles(self) -> None:
        """End every role and wait until none is left; the store stays. Twice is fine."""
        self.stop.set()
        await asyncio.wait(self.services)

    def api_url(self) -> str:
        """Base of the player API."""
        return f"http://{self.config.api.host}:{self.config.api.port}"

    def streams(self) -> dict[str, str]:
        """Source to key of every event stream, as the recorder wants them."""
        queues = {f"queue/{n}": f"{q.base()}:log" for n, q in self.config.queues.items()}
        fleets = {f"fleet/{name}": f"{{f:{name}}}:log" for name in self.config.fleet_names()}
        return queues | fleets

    async def warm_servers(self) -> tuple[int, int]:
        """Game servers that take matches now, and how many there are in all."""
        warm = 0
        begun_ms: dict[str, int] = {}
        for fleet in self.config.fleets:
            views = await self.store.call("HVALS", f"{{f:{fleet.name}}}:backend")
            servers = [msgspec.json.decode(view, type=ServerView) for view in views]
            begun_ms |= {str(one.uid): one.created_ms for one in servers}
            warm += sum(one.state in (State.READY, State.ALLOCATED) for one in servers)
        self.servers.saw(begun_ms, now_ms=SystemClock().wall_ms())
        return warm, len(begun_ms)

    async def final(self) -> dict[str, int]:
        """What is left, for the log's last line; asked when the roles have stopped."""
        waiting = live = held = sessions = 0
        for queue in self.config.queues.values():
            for ticket in await self.store.call("ZRANGE", f"{queue.base()}:live", 0, -1):
                key = f"{queue.base()}:ticket:{ticket}"
                live += 1
                waiting += len(msgspec.json.decode(await self.store.call("HGET", key, "players")))
        for fleet in self.config.fleets:
            slot = f"{{f:{fleet.name}}}"
            sessions += int(await self.store.call("ZCARD", f"{slot}:sessions"))
            for room in await self.store.call("SMEMBERS", f"{slot}:rooms"):
                state = await self.store.call("HGET", f"{slot}:room:{room}", "state")
                held += state == "held"
        return {
            "waiting": waiting,
            "live_tickets": live,
            "held_rooms": held,
            "sessions": sessions,
            "processes": sum(bool(process.pid) for process in self.processes.values()),
        }


@contextlib.asynccontextmanager
async def running_stack(
    config: Config, run_dir: Path, *, directors: int = 2, redis: Kind = "server"
) -> AsyncIterator[Stack]:
    """Start everything, and keep it running while the block lasts; see ``Stack.until_up``.

    Ports that are taken give way to free ones; ``Stack.config`` says which. At the end of
    the block every process is ended.
    """
    keys = own_keys()
    sections = ("api", "sessions", "console")
    async with _running_store(redis) as (url, ensemble), contextlib.AsyncExitStack() as closing:
        config, doors = open_doors(config, sections, elsewhere=True)
        for door in doors.values():
            closing.callback(door.close)
        config = replace(
            config,
            store=StoreSettings(url, "replica" if ensemble else config.store.durability),
            run_dir=str(run_dir),
            # Bots, and whoever plays along on this machine, come with development keys.
            api=replace(config.api, dev_keys=True),
            # Five processes with one configuration cannot share a port.
            admin=replace(config.admin, port=0),
        )
        file = run_dir / "readyup.json"
        run_dir.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(as_table(config)), indent=2))
        others = (f"director-{n + 1}" for n in range(directors))
        names = ("allocator-1", "api-1", *others, "fleets-1")
        processes = {name: _role(name, file, keys, doors, run_dir) for name in names}
        store = await Store.connect(url, durability=config.store.durability)
        stack = Stack(config, store, run_dir, processes, [], doors, ensemble)
        stack.servers.size_max = sum(
            fleet.ceiling() if fleet.replicas is None else fleet.replicas for fleet in config.fleets
        )
        try:
            async with asyncio.TaskGroup() as group:
                stack.services += [
                    group.create_task(process.run(stack.stop), name=name)
                    for name, process in processes.items()
                ]
                try:
                    yield stack
                finally:
                    stack.stop.set()
        finally:
            await store.aclose()


@contextlib.asynccontextmanager
async def _running_store(kind: Kind) -> AsyncIterator[tuple[str, Ensemble | None]]:
    if kind == "server":
        async with embedded_valkey() as url:
            yield url, None
    else:
        async with embedded_ensemble(kind) as ensemble:
            yield ensemble.url, ensemble


def _role(
    name: str, config: Path, keys: dict[str, str], doors: Doors, run_dir: Path
) -> RoleProcess:
    role = name.rpartition("-")[0]
    arguments = ["serve", "--role", role, "--config", str(config), "--name", name]
    # What the environment says of settings is in the file by now, with the ports that were free;
    # its passwords are for another store.
    hidden = {*ENVIRONMENT, PASSWORD, SENTINEL_PASSWORD}
    env = {name: value for name, value in os.environ.items() if name not in hidden} | keys
    told, inherited = handed_to_child(doors, [role])
    log = run_dir / "logs" / f"{name}.log"
    return RoleProcess(name, arguments, env=env | told, output=log, doors=inherited)


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def _last_lines(logs: Path) -> Iterator[str]:
    for log in sorted(logs.glob("*.log")):
        for line in log.read_text(errors="replace").splitlines()[-5:]:
            yield f"  {log.stem}: {line}\n"
