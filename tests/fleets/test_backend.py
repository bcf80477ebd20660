"""The local backend: processes that come and go with their endpoints, ports and mirror."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from core.clock import SystemClock
from core.errors import Exhausted, Invalid
from core.game_server import State
from fleets.health import Health
from fleets.local.backend import LocalBackend
from fleets.local.orphans import Registry
from fleets.local.recipe import LocalSettings
from fleets.local.udp_ports import UdpPorts
from fleets.ports import Reason
from fleets.spec import PortRange
from tests.fleets.fakes import MemoryMirror, MemoryStates, game


class Bench:
    """A backend with its surroundings."""

    def __init__(self, tmp_path: Path) -> None:
        self.states, self.mirror = MemoryStates(), MemoryMirror()
        self.settings = LocalSettings(tmp_path, "ws://127.0.0.1:1/x", tmp_path / "events")
        self.registry = Registry(tmp_path / "servers")
        self.backend = LocalBackend(
            self.states,
            self.mirror,
            self.registry,
            self.settings,
            clock=SystemClock(),
            chance=random.Random(7),
        )

    def printed(self, name: str) -> str:
        path = self.settings.log_of(name)
        return path.read_text() if path.exists() else ""


@asynccontextmanager
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made, stop = Bench(tmp_path), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(made.backend.run(stop), name="backend")
        await asyncio.sleep(0)
        try:
            yield made
        finally:
            stop.set()
    made.registry.close()


async def until(seen: Callable[[], object], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not seen():
            await asyncio.sleep(0.005)


async def test_a_server_is_told_all_it_needs_and_nothing_else(tmp_path: Path):
    spec = game("env; exec sleep 60", rooms=2, version="1.4.2", env={"TICK_HZ": "60"})
    async with bench(tmp_path) as here:
        view = await here.backend.start(spec)
        await until(lambda: "READYUP_SERVER_KEY_FD" in here.printed(view.name))
        said = dict(line.split("=", 1) for line in here.printed(view.name).splitlines())

    ours = {key: said[key] for key in said if key.startswith(("READYUP_", "AGONES_", "TICK"))}
    assert ours.pop("READYUP_SERVER_KEY_FD").isdigit()
    assert ours == {
        "AGONES_SDK_GRPC_HOST": "127.0.0.1",
        "AGONES_SDK_GRPC_PORT": "9357",
        "AGONES_SDK_HTTP_PORT": "9358",
        "READYUP_SERVER_NAME": view.name,
        "READYUP_SERVER_UID": view.uid,
        "READYUP_FLEET": "arena",
        "READYUP_ADDRESS": "127.0.0.1",
        "READYUP_PORT": str(view.port),
        "READYUP_ROOMS": "2",
        "READYUP_VERSION": "1.4.2",
        "READYUP_DRAIN_S": "1",
        "READYUP_SESSIONS_URL": "ws://127.0.0.1:1/x",
        "READYUP_EVENTS": str(tmp_path / "events" / f"server-{view.name}.jsonl"),
        "TICK_HZ": "60",
    }


async def test_its_public_key_belongs_to_the_seed_in_its_pipe(tmp_path: Path):
    spec = game("od -An -v -tx1 -N32 /proc/self/fd/$READYUP_SERVER_KEY_FD; exec sleep 60")
    async with bench(tmp_path) as here:
        view = await here.backend.start(spec)
        await until(lambda: len(here.printed(view.name).split()) == 32)
        seed = bytes.fromhex("".join(here.printed(view.name).split()))

    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert key.public_key().public_bytes_raw().hex() == view.public_key


async def test_what_is_seen_of_a_server(tmp_path: Path):
    async with bench(tmp_path) as here:
        first = await here.backend.start(game(health=Health(1.0, 2, 0.5)))
        await here.backend.start(game())
        views = here.backend.observe(first.fleet)
        await until(lambda: len(here.mirror.shown) == 2)
        assert tuple(here.mirror.shown[view.name] for view in views) == views

    assert here.states.health[first.uid] == (1.0, 2, 0.5)
    assert views[0].state is State.SCHEDULED
    assert len(first.uid) == 32
    assert first.name.startswith("arena-")
    assert views[0].port != views[1].port
    assert os.sched_getaffinity(0) >= set(views[0].cores)
    assert views[0].pinned.startswith(f"core {views[0].cores[0]}, ")
    assert views[0].pid != views[1].pid


async def test_a_server_that_dies_is_gone_at_once_with_all_that_stood_for_it(tmp_path: Path):
    async with bench(tmp_path) as here:
        view = await here.backend.start(game())
        here.states.become(view.uid, State.READY)
        os.kill(here.backend.observe(view.fleet)[0].pid, signal.SIGKILL)
        await until(lambda: not here.backend.observe(view.fleet))

        assert here.mirror.removed == {view.name: Reason.EXITED}
        assert here.states.views == {}
        assert not list((tmp_path / "servers").glob("*.json"))


async def test_a_server_that_ends_unasked_is_told_with_its_last_line_and_its_log(tmp_path: Path):
    script = "echo starting; echo 'no such map: desert' >&2; echo; exit 3"
    with capture_logs() as logs:
        async with bench(tmp_path) as here:
            view = await here.backend.start(game(script))
            await until(lambda: not here.backend.observe(view.fleet))

    (ended,) = [line for line in logs if line["event"] == "server.ended"]
    assert ended["log_level"] == "warning"
    assert ended["said"] == "no such map: desert"
    assert ended["log"] == str(here.settings.log_of(view.name))
    assert (ended["reason"], ended["exit_code"]) == (Reason.EXITED, 3)


async def test_a_server_that_ends_after_its_shutdown_ended_well(tmp_path: Path):
    async with bench(tmp_path) as here:
        view = await here.backend.start(game("exec sleep 0.05"))
        here.states.become(view.uid, State.SHUTDOWN)
        await until(lambda: not here.backend.observe(view.fleet))

    assert here.mirror.removed == {view.name: Reason.SHUTDOWN}


async def test_a_server_being_stopped_shows_as_shutdown_and_cannot_be_taken(tmp_path: Path):
    async with bench(tmp_path) as here:
        view = await here.backend.start(game("trap '' TERM; sleep 60", grace_s=0.1))
        here.states.become(view.uid, State.READY)
        here.backend.stop(view.uid, Reason.SCALE)
        here.backend.stop(view.uid, Reason.UNHEALTHY)

        assert here.backend.observe(view.fleet)[0].state is State.SHUTDOWN
        assert here.mirror.shown[view.name].state is State.SHUTDOWN
        assert not await here.backend.take(view.uid, "refill-1")
        await until(lambda: not here.backend.observe(view.fleet))

    assert here.mirror.removed == {view.name: Reason.SCALE}


async def test_a_ready_server_is_taken_once_and_the_same_claim_may_ask_again(tmp_path: Path):
    async with bench(tmp_path) as here:
        view = await here.backend.start(game())
        assert not await here.backend.take(view.uid, "refill-1")  # not Ready yet
        here.states.become(view.uid, State.READY)

        assert await here.backend.take(view.uid, "refill-1")
        assert await here.backend.take(view.uid, "refill-1")
        assert not await here.backend.take(view.uid, "refill-2")
        await until(lambda: view.name in here.mirror.shown)
        assert here.mirror.shown[view.name].labels == {"readyup/claim": "refill-1"}


async def test_all_end_with_the_backend(tmp_path: Path):
    async with bench(tmp_path) as here:
        for _ in range(3):
            await here.backend.start(game())
        pids = [view.pid for view in here.backend.observe(game().name)]

    assert set(here.mirror.removed.values()) == {Reason.STOP}
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_command_that_cannot_be_started_leaves_nothing(tmp_path: Path):
    async with bench(tmp_path) as here:
        with pytest.raises(Invalid, match="no program"):
            await here.backend.start(game(command=("no-such-game",)))

        assert here.backend.observe(game().name) == ()
        assert here.states.views == {}
        ports = game().ports
        begin = ports.first + random.Random(7).randrange(len(ports))
        assert (await here.backend.start(game())).port == begin + 1  # the first one rests now


def test_a_new_role_begins_somewhere_else_and_still_gives_out_every_port():
    ports = UdpPorts("127.0.0.1", PortRange(17460, 17462), begin=2)

    assert [ports.take() for _ in range(3)] == [17462, 17460, 17461]


def test_a_port_that_somebody_uses_is_passed_over_and_a_used_one_rests():
    ports = UdpPorts("127.0.0.1", PortRange(17450, 17452))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 17450))
        assert ports.take() == 17451
        ports.give_back(17451)
        assert ports.take() == 17452
        assert ports.take() == 17451
        with pytest.raises(Exhausted, match="2 have servers of ours, 1 are bound by others"):
            ports.take()

    assert ports.take() == 17450
