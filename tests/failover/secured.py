"""Servers that want TLS, certificates of ours, users and passwords: with Sentinels, or a Cluster.

PyPI's Valkey is built without TLS, so these run a server of this machine's own packages.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError

from core.address import Address, Kind, parse_address
from core.children import dies_with_parent
from core.clients import client
from core.primaries import primaries_of
from core.slots import slot_of
from tests.cluster.plane.pki import Authority, Pair

NAME, PORT, SENTINEL_PORT = "readyup", 6379, 26379
ROOT = "r00t"
USER, PASSWORD = "readyup", "s3cret"
WATCHER, WATCHWORD = "watcher", "w4tch"
SECRETS = {"READYUP_STORE_PASSWORD": PASSWORD, "READYUP_SENTINEL_PASSWORD": WATCHWORD}

GRANTED = (
    "~* +@read +@write +@stream +@scripting +wait +waitaof +ping +time +info +client|setinfo"
    " +cluster|nodes"
)
"""As docs/redis.md has it."""

WATCHED = "+sentinel|master +sentinel|get-master-addr-by-name +ping +client|setinfo"
SLOTS = 16_384


def why_not() -> str:
    """Why there is no such server here; "" when there is one."""
    return "" if _binary() else "needs a valkey-server or redis-server on PATH that speaks TLS"


def _binary() -> str:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        # A server without TLS does not know the word, and says so; one with it prints a version.
        words = ["--port", "0", "--tls-port", "1", "--tls-auth-clients", "no", "--dir", "/none"]
        if found:
            said = subprocess.run(
                [found, *words], check=False, capture_output=True, text=True, timeout=10
            )
            if "/none" in said.stdout + said.stderr:
                return found
    return ""


@dataclass
class Secured:
    """What runs."""

    address: Address
    folder: Path
    processes: dict[str, asyncio.subprocess.Process]
    """By host."""

    async def ask(self, host: str, *command: str | int, port: int = PORT) -> object:
        """One command to one server, as somebody who may do everything."""
        here = parse_address(f"rediss://{host}:{port}?{files(self.folder)}")
        one = client(here, here.endpoints[0], connections=1, patience_s=2.0, connect_s=2.0)
        one.connection_pool.connection_kwargs["password"] = ROOT
        try:
            return await one.execute_command(*command)  # type: ignore[no-untyped-call]
        finally:
            await one.aclose(close_connection_pool=True)

    async def until(self, host: str, what: str, *command: str | int, port: int = PORT) -> None:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(RedisError, OSError):
                    if what in str(await self.ask(host, *command, port=port)):
                        return
                await asyncio.sleep(0.1)


def files(folder: Path) -> str:
    return f"ca={folder}/ca.crt&cert={folder}/client.crt&key={folder}/client.key"


@contextlib.asynccontextmanager
async def secured(kind: Kind, folder: Path, net: str) -> AsyncIterator[Secured]:
    """A primary, two replicas and three Sentinels, or a Cluster of three primaries with one
    replica each, on six addresses of loopback; every one wants TLS, a certificate and a password.
    """
    hosts = [f"{net}.{n}" for n in range(1, 7)]
    authority = Authority(folder, "ours")
    authority.sign("client", "client")
    pair = authority.sign("server", "server", hosts=tuple(hosts))
    sentinels, where = kind == "sentinel", f"{hosts[3]},{hosts[4]},{hosts[5]}"
    url = (
        f"rediss+sentinel://{USER}@{where}/{NAME}?{files(folder)}&sentinel_user={WATCHER}"
        if sentinels
        else f"rediss+cluster://{USER}@{hosts[0]},{hosts[1]}?{files(folder)}"
    )
    running = Secured(parse_address(url).with_secrets(SECRETS), folder, {})
    try:
        for n, host in enumerate(hosts):
            lines = _tls(pair, folder)
            if sentinels and n >= 3:
                lines |= _sentinel(host, hosts[0])
            else:
                lines |= _server(host, "" if not sentinels or n == 0 else hosts[0], kind)
            running.processes[host] = await _start(folder, host, lines)
        await (_watched(running, hosts) if sentinels else _met(running, hosts))
        yield running
    finally:
        for process in running.processes.values():
            if process.returncode is None:
                process.kill()
                await process.wait()


def _tls(pair: Pair, folder: Path) -> dict[str, str]:
    return {
        "port": "0",
        "tls-cert-file": str(pair.cert),
        "tls-key-file": str(pair.key),
        "tls-ca-cert-file": f"{folder}/ca.crt",
        "tls-auth-clients": "yes",
        "tls-replication": "yes",
    }


def _server(host: str, primary: str, kind: Kind) -> dict[str, str]:
    lines = {
        "tls-port": str(PORT),
        "bind": host,
        "bind-source-addr": host,
        "save": '""',
        "maxmemory-policy": "noeviction",
        "requirepass": ROOT,
        "masterauth": ROOT,
        "user": f"{USER} on >{PASSWORD} {_known(GRANTED)}",
        "repl-diskless-sync-delay": "0",
    }
    if primary:
        lines["replicaof"] = f"{primary} {PORT}"
    if kind == "cluster":
        lines |= {"cluster-enabled": "yes", "tls-cluster": "yes", "cluster-node-timeout": "1000"}
    return lines


def _known(words: str) -> str:
    """Without what Redis 7.0 has no word for, and is not asked."""
    said = subprocess.run([_binary(), "--version"], check=True, capture_output=True, text=True)
    unknown = ("+waitaof", "+client|setinfo") if "v=7.0" in said.stdout else ()
    return " ".join(word for word in words.split() if word not in unknown)


def _sentinel(host: str, primary: str) -> dict[str, str]:
    return {
        "tls-port": str(SENTINEL_PORT),
        "bind": host,
        "bind-source-addr": host,
        "requirepass": ROOT,
        "sentinel sentinel-pass": ROOT,
        "user": f"{WATCHER} on >{WATCHWORD} {_known(WATCHED)}",
        "sentinel monitor": f"{NAME} {primary} {PORT} 2",
        "sentinel auth-pass": f"{NAME} {ROOT}",
        "sentinel down-after-milliseconds": f"{NAME} 1000",
        "sentinel failover-timeout": f"{NAME} 5000",
    }


async def _start(folder: Path, host: str, lines: Mapping[str, str]) -> asyncio.subprocess.Process:
    home = folder / host
    home.mkdir()
    text = {"dir": str(home), "logfile": str(home / "log"), **lines}
    file = home / "conf"
    file.write_text("".join(f"{key} {value}\n" for key, value in text.items()))
    words = ["--sentinel"] if "sentinel monitor" in lines else []
    return await asyncio.create_subprocess_exec(
        _binary(), str(file), *words, preexec_fn=dies_with_parent(), env=os.environ,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def _watched(running: Secured, hosts: Sequence[str]) -> None:
    await running.until(hosts[0], "slave1", "INFO", "replication")
    for host in hosts[3:]:
        for sign in ("'num-other-sentinels': 2", "'num-slaves': 2"):
            question = ("SENTINEL MASTER", NAME)
            await running.until(host, sign, *question, port=SENTINEL_PORT)


async def _met(running: Secured, hosts: Sequence[str]) -> None:
    for n, host in enumerate(hosts):
        await running.until(host, "True", "PING")
        if n < 3:
            first, last = SLOTS * n // 3, SLOTS * (n + 1) // 3 - 1
            await running.ask(host, "CLUSTER", "ADDSLOTSRANGE", first, last)
            await running.ask(host, "CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        if n:
            await running.ask(hosts[0], "CLUSTER", "MEET", host, PORT)
    for primary, replica in zip(hosts[:3], hosts[3:], strict=True):
        name = str(await running.ask(primary, "CLUSTER", "MYID"))
        await running.until(replica, name, "CLUSTER NODES")
        await running.ask(replica, "CLUSTER", "REPLICATE", name)
        await running.until(primary, "online", "INFO", "replication")
    for host in hosts:
        await running.until(host, "'cluster_state': 'ok'", "CLUSTER INFO")


async def primary_of(running: Secured, tag: str) -> str:
    """The host that has a key, asked as the service asks."""
    asked = primaries_of(running.address)
    try:
        found = await asked.find()
    finally:
        await asked.aclose()
    slot = slot_of(tag)
    return next(one.host for one, own in found.items() if any(a <= slot <= z for a, z in own))
