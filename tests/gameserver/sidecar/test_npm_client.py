"""Agones' official client for Node, unmodified, over all its calls against our SDK server."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.local import LocalSdk, LocalSettings

HERE = Path(__file__).parent / "node"
CACHE = Path(__file__).parents[3] / ".run" / "node"
OFF = {"error": 2, "details": "PlayerTracking not enabled"}
UNKNOWN, INVALID_ARGUMENT, OUT_OF_RANGE, NOT_FOUND, ALREADY_EXISTS = 2, 3, 11, 5, 6


@pytest.fixture(scope="module")
def client() -> Path:
    """A folder with the client installed; kept from run to run."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Agones' client for Node is not tried: node and npm are not installed here")
    packages = [HERE / "package.json", HERE / "package-lock.json"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in packages)).hexdigest()
    folder = CACHE / digest[:16]
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for path in packages:
            shutil.copy(path, folder)
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
        try:
            made = subprocess.run(
                [npm, "ci", "--omit=dev", "--prefer-offline", *quiet],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=50,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.skip("Agones' client for Node is not tried: npm could not get it in 50 s")
        if made.returncode:
            pytest.skip(f"Agones' client for Node is not tried: npm says {made.stderr[-200:]}")
        (folder / "installed").touch()
    return folder


async def calls(client: Path, *, strict: bool) -> dict[str, Any]:
    """What each call of the client gave."""
    stop = asyncio.Event()
    opened: asyncio.Future[SdkPorts] = asyncio.get_running_loop().create_future()
    sdk = LocalSdk(LocalSettings(ports=SdkPorts(), strict=strict), SystemClock())
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(sdk.run(stop, opened=opened.set_result), name="sdk")
        ports = await opened
        node = await asyncio.create_subprocess_exec(
            "node",
            HERE / "calls.js",
            env={
                "PATH": os.environ["PATH"],
                "NODE_PATH": str(client / "node_modules"),
                "AGONES_SDK_GRPC_PORT": str(ports.grpc),
            },
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await node.communicate()
        stop.set()
    told: dict[str, Any] = json.loads(printed)
    return told


async def test_every_call_of_the_official_client_gives_what_agones_gives(client):
    told = await calls(client, strict=False)

    assert [told[name] for name in ("ready", "allocate", "shutdown", "reserve")] == [{}] * 4
    assert [told[name] for name in ("setLabel", "setAnnotation", "health")] == [{}, {}, None]
    assert told["reserved"] == "Reserved"
    check_counters(told)
    check_lists(told)
    check_players(told)
    check_game_server(told["getGameServer"])
    check_watch(told["watched"])
    assert told["setLabel, refused"]["error"] == INVALID_ARGUMENT
    for name in ("incrementCounter", "getCounterCount", "appendListValue", "deleteListValue"):
        assert told[f"{name}, refused"]["error"] == UNKNOWN


async def test_a_strict_server_gives_it_the_codes_that_agones_documents(client):
    told = await calls(client, strict=True)

    assert told["incrementCounter, refused"]["error"] == OUT_OF_RANGE
    assert told["getCounterCount, refused"]["error"] == NOT_FOUND
    assert told["appendListValue, refused"]["error"] == ALREADY_EXISTS
    assert told["deleteListValue, refused"]["error"] == NOT_FOUND
    check_counters(told)
    check_lists(told)


def check_counters(told: dict[str, Any]) -> None:
    assert told["getCounterCount"] == 1
    assert told["getCounterCapacity"] == 5
    assert told["getCounterCount, cut"] == 5
    for name in ("increment", "decrement"):
        assert told[f"{name}Counter"] is None
    for name in ("Count", "Capacity"):
        assert told[f"setCounter{name}"] is None


def check_lists(told: dict[str, Any]) -> None:
    assert told["listContains"] is True
    assert told["getListLength"] == 3
    assert told["getListValues"] == ["test0", "test1", "test3"]
    assert told["getListCapacity"] == 2
    assert told["getListValues, cut"] == ["test0", "test1"]
    for name in ("appendListValue", "deleteListValue", "setListCapacity"):
        assert told[name] is None


def check_players(told: dict[str, Any]) -> None:
    for name in ("playerConnect", "playerDisconnect", "setPlayerCapacity", "getPlayerCapacity"):
        assert told[name] == OFF
    for name in ("getPlayerCount", "isPlayerConnected", "getConnectedPlayers"):
        assert told[name] == OFF


def check_game_server(server: dict[str, Any]) -> None:
    meta, status = server["objectMeta"], server["status"]
    assert (meta["name"], meta["namespace"], meta["uid"]) == ("local", "default", "1234")
    assert dict(meta["labelsMap"]) == {"islocal": "true", "agones.dev/sdk-map": "hills"}
    assert dict(meta["annotationsMap"])["agones.dev/sdk-motd"] == "come in!"
    assert server["spec"]["health"]["periodSeconds"] == 3
    assert (status["state"], status["address"]) == ("Allocated", "127.0.0.1")
    assert status["portsList"] == [{"name": "default", "port": 7777}]
    assert dict(status["countersMap"]) == {"rooms": {"count": 5, "capacity": 5}}
    assert dict(status["listsMap"])["players"]["capacity"] == 2


def check_watch(states: list[str]) -> None:
    changed = [state for n, state in enumerate(states) if n == 0 or states[n - 1] != state]
    assert changed == ["Ready", "Reserved", "Allocated", "Shutdown"]
