"""Several real Valkeys beside us that stand in for each other: with Sentinels, or a Cluster.

For tests, benchmarks and the demo: all on loopback of this machine (Linux: every address
from 127.0.0.1 to 127.255.255.254 is there), each with an address of its own, and nothing on
disk. What they are told is what ``docs/redis.md`` advises, but for shorter patience.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from core.address import Address, Endpoint, Kind, parse_address
from core.clients import client
from core.errors import StoreUnreachable
from core.primaries import primaries_of
from core.slots import Ranges
from core.valkey import ValkeyProcess

NAME = "readyup"
"""What the Sentinels call the primary."""

PORT, SENTINEL_PORT = 6379, 26379
DOWN_AFTER_MS = 1000
"""Silence after which a server is given up."""

FORMED_S = 15.0
SLOTS = 16_384

COMMON = {
    "protected-mode": "no",
    "save": "",
    "appendonly": "no",
    "maxmemory-policy": "noeviction",
    "lua-time-limit": "100",
    "repl-diskless-sync-delay": "0",
    "repl-ping-replica-period": "1",
    "repl-timeout": "5",
}


@dataclass(slots=True)
class Ensemble:
    """What runs. Every server may be harmed."""

    url: str
    servers: dict[Endpoint, ValkeyProcess]
    """Primaries and replicas, whichever they are at the moment."""

    sentinels: dict[Endpoint, ValkeyProcess] = field(default_factory=dict)

    async def slots(self) -> Ranges:
        """The primaries and their slots, as whoever knows says."""
        asked = primaries_of(self.address())
        try:
            return await asked.find()
        finally:
            await asked.aclose()

    async def until_replicated(self) -> None:
        """Return when every replica follows its primary, and every Sentinel knows them all."""
        async with asyncio.timeout(FORMED_S):
            await _until_replicated(self)

    def address(self) -> Address:
        """Where it is."""
        return parse_address(self.url)

    async def kill(self, server: Endpoint) -> None:
        """End one as a crash does; what it held is gone."""
        await self.servers[server].kill()

    async def start(self, server: Endpoint) -> None:
        """Start one again, empty: whoever is primary by now fills it."""
        await self.servers[server].start()

    def pause(self, server: Endpoint) -> None:
        """It hears nothing until it goes on, and knows nothing of that."""
        os.kill(self.servers[server].pid, signal.SIGSTOP)

    def go_on(self, server: Endpoint) -> None:
        """After ``pause``."""
        os.kill(self.servers[server].pid, signal.SIGCONT)

    async def ask(self, server: Endpoint, *command: str | int) -> object:
        """One command to one server."""
        return await _ask(server, *command)


@contextlib.asynccontextmanager
async def embedded_ensemble(kind: Kind, **settings: str) -> AsyncIterator[Ensemble]:
    """Run one while the block lasts: a primary, two replicas and three Sentinels, or a Cluster
    of three primaries with a replica each. ``settings`` are for the servers.
    """
    home = Path(tempfile.mkdtemp(prefix="readyup-"))
    hosts = _own_hosts(6)
    form = _sentinel_trio if kind == "sentinel" else _cluster
    ensemble = form(home, hosts, {**COMMON, **settings})
    processes = [*ensemble.servers.values(), *ensemble.sentinels.values()]
    try:
        async with asyncio.TaskGroup() as group:
            for process in processes:
                group.create_task(process.start())
        async with asyncio.timeout(FORMED_S):
            if kind == "cluster":
                await _meet(list(ensemble.servers))
            await _until_replicated(ensemble)
        yield ensemble
    except TimeoutError:
        raise StoreUnreachable(f"the {kind} was not formed in {FORMED_S:g} s") from None
    finally:
        async with asyncio.TaskGroup() as group:
            for process in reversed(processes):
                group.create_task(process.end())
        shutil.rmtree(home, ignore_errors=True)


def _own_hosts(count: int) -> list[str]:
    """Loopback addresses that nobody else uses; whoever comes second takes others."""
    for third in range(256):
        net = f"127.{10 + os.getpid() % 200}.{third}"
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((f"{net}.1", PORT))
            return [f"{net}.{n + 1}" for n in range(count)]
    raise StoreUnreachable("no loopback addresses are left for Valkeys")


def _server(home: Path, host: str, settings: dict[str, str]) -> ValkeyProcess:
    folder = home / host
    folder.mkdir()
    log = folder / "valkey.log"
    own = {
        "bind": host,
        # So that who speaks to whom can be seen, and cut, by address.
        "bind-source-addr": host,
        "port": str(PORT),
        "dir": str(folder),
        "logfile": str(log),
    }
    return ValkeyProcess(Endpoint(host, PORT), {**own, **settings}, log)


def _sentinel_trio(home: Path, hosts: Sequence[str], settings: dict[str, str]) -> Ensemble:
    first, *others = hosts[:3]
    # What the primary takes while nobody follows it would be forgotten with it.
    settings = {"min-replicas-to-write": "1", "min-replicas-max-lag": "3", **settings}
    servers = [_server(home, first, settings)]
    servers += [
        _server(home, host, {**settings, "replicaof": f"{first} {PORT}"}) for host in others
    ]
    sentinels = [_sentinel(home, host, first) for host in hosts[3:]]
    where = ",".join(str(one.endpoint) for one in sentinels)
    return Ensemble(
        f"redis+sentinel://{where}/{NAME}",
        {one.endpoint: one for one in servers},
        {one.endpoint: one for one in sentinels},
    )


def _sentinel(home: Path, host: str, primary: str) -> ValkeyProcess:
    folder = home / host
    folder.mkdir()
    log, file = folder / "sentinel.log", folder / "sentinel.conf"
    file.write_text(
        f"port {SENTINEL_PORT}\nbind {host}\nbind-source-addr {host}\nprotected-mode no\n"
        f"dir {folder}\nlogfile {log}\n"
        f"sentinel monitor {NAME} {primary} {PORT} 2\n"
        f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n"
        f"sentinel failover-timeout {NAME} 5000\n"
    )
    words = (str(file), "--sentinel")
    return ValkeyProcess(Endpoint(host, SENTINEL_PORT), {}, log, first=words)


def _cluster(home: Path, hosts: Sequence[str], settings: dict[str, str]) -> Ensemble:
    settings = {
        "cluster-enabled": "yes",
        "cluster-node-timeout": str(DOWN_AFTER_MS),
        # Whoever lost one third of the slots serves the others on.
        "cluster-require-full-coverage": "no",
        **settings,
    }
    servers = [_server(home, host, settings) for host in hosts]
    where = ",".join(str(one.endpoint) for one in servers[:3])
    return Ensemble(f"redis+cluster://{where}", {one.endpoint: one for one in servers})


async def _meet(nodes: list[Endpoint]) -> None:
    """Three primaries with a third of the slots each, three replicas."""
    primaries, replicas = nodes[:3], nodes[3:]
    for n, node in enumerate(primaries):
        first, last = SLOTS * n // 3, SLOTS * (n + 1) // 3 - 1
        await _ask(node, "CLUSTER", "ADDSLOTSRANGE", first, last)
        await _ask(node, "CLUSTER", "SET-CONFIG-EPOCH", n + 1)
    for node in nodes[1:]:
        await _ask(nodes[0], "CLUSTER", "MEET", node.host, node.port)
    for primary, replica in zip(primaries, replicas, strict=True):
        name = str(await _ask(primary, "CLUSTER", "MYID"))
        while name not in str(await _ask(replica, "CLUSTER NODES")):
            await asyncio.sleep(0.02)
        await _ask(replica, "CLUSTER", "REPLICATE", name)
    for node in nodes:
        while (await _ask(node, "CLUSTER INFO"))["cluster_state"] != "ok":  # type: ignore[index]
            await asyncio.sleep(0.02)


async def _until_replicated(ensemble: Ensemble) -> None:
    """Until every replica follows, and every Sentinel knows the others and the replicas."""
    wanted = len(ensemble.servers) - len(await ensemble.slots())
    following = 0
    while following < wanted:
        await asyncio.sleep(0.02)
        following = 0
        for server in ensemble.servers:
            with contextlib.suppress(RedisError, OSError):
                info = await _ask(server, "INFO", "replication")
                assert isinstance(info, dict)
                following += sum(
                    isinstance(one, dict) and one.get("state") == "online" for one in info.values()
                )
    for sentinel in ensemble.sentinels:
        while not await _knows_all(sentinel):
            await asyncio.sleep(0.05)


async def _knows_all(sentinel: Endpoint) -> bool:
    said = await _ask(sentinel, "SENTINEL MASTER", NAME)
    assert isinstance(said, dict)
    return (int(said["num-other-sentinels"]), int(said["num-slaves"])) == (2, 2)


async def _ask(server: Endpoint, *command: str | int) -> object:
    address = Address("server", (server,))
    asked = client(address, server, connections=1, patience_s=2.0, connect_s=2.0)
    try:
        return await asked.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await asked.aclose(close_connection_pool=True)
