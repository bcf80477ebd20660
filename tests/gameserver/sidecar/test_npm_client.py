"""Agones' official client for Node, unmodified, over all its calls against our SDK server."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from allocator.letters import ACK_LABEL, MATCH_LABEL, ack_value, letter_for
from allocator.sessions import Session, SessionState
from core.clock import SystemClock
from core.game_server import ServerView, State
from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId
from core.join_token import Minter, Seat
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.local import LocalSdk, LocalSettings
from gameserver.sidecar.servers import SdkServers

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


async def test_the_example_of_the_page_plays_its_match_and_goes(client, tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "sdk-only.md").read_text("utf-8")
    (tmp_path / "server.js").write_text(page.partition("```js\n")[2].partition("```")[0])
    minter, uid = Minter.from_hex("11" * 32), ServerUid("u1")
    seat = Seat(uid, MatchId("duel.ff"), 1, PlayerId("ann"), TicketId("duel.t"), "red", 0)
    now_ms = SystemClock().wall_ms()
    tokens = [
        minter.mint(seat, now_ms=now_ms, jti="one"),
        minter.mint(seat, now_ms=now_ms, jti="one"),
        minter.mint(replace(seat, epoch=2), now_ms=now_ms, jti="two"),
        minter.mint(seat, now_ms=now_ms - 200_000, jti="three"),
        Minter.from_hex("22" * 32).mint(seat, now_ms=now_ms, jti="four"),
    ]
    (tmp_path / "game.js").write_text(
        "exports.play = async (letter, seatOf) => "
        f"console.log(JSON.stringify({json.dumps(tokens)}.map(seatOf)));"
    )
    session = Session(
        seat.match, FleetName("f"), QueueName("duel"), RoomId("u1/0"), uid, "h", 1, 1,
        SessionState.PENDING, (), committed=True, claimed_ms=now_ms,
    )  # fmt: skip
    view = ServerView("f-1", uid, FleetName("f"), State.STARTING, "127.0.0.1", 7000)
    async with asyncio.timeout(30), SdkServers() as servers:
        ports = await servers.create(view)
        node = await asyncio.create_subprocess_exec(
            "node",
            tmp_path / "server.js",
            env={
                "PATH": os.environ["PATH"],
                "NODE_PATH": str(client / "node_modules"),
                "AGONES_SDK_GRPC_PORT": str(ports.grpc),
            },
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async for seen in servers.changes():
                if seen.state is State.READY and await servers.allocate(uid, labels={}):
                    letter = letter_for(session, [minter.public_hex()], 20.0)
                    await servers.annotate(uid, annotations={"readyup/match": letter})
                if seen.state is State.SHUTDOWN:
                    break
        finally:
            node.kill()
            printed, _ = await node.communicate()

    assert seen.labels[ACK_LABEL] == ack_value(seat.match, 1) == "ff-1"
    assert seen.labels[MATCH_LABEL] == "ended"
    assert json.loads(printed) == [{"player": "ann", "team": "red", "seat": 0}, *[None] * 4]


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
