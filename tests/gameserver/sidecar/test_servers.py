"""Many SDK servers in one process, as fleets sees them."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import grpc.aio
import pytest

from core.clock import SystemClock
from core.errors import Conflict, Invalid, Unreachable
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from gameserver.sdk import sdk_pb2 as pb
from gameserver.sdk.sdk_pb2_grpc import SDKStub
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.servers import SdkServers


class HandClock(SystemClock):
    """Stands still until a test moves it."""

    now_s = 0.0

    def elapsed_s(self) -> float:
        return self.now_s


def view(uid: str = "u1", state: State = State.STARTING) -> ServerView:
    return ServerView(
        f"arena-{uid}",
        ServerUid(uid),
        FleetName("arena"),
        state,
        address="127.0.0.1",
        port=7000,
        created_ms=1_700_000_000_123,
    )


U1 = ServerUid("u1")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def servers(clock: HandClock) -> AsyncIterator[SdkServers]:
    async with asyncio.timeout(20), SdkServers(clock) as made:
        yield made


@contextlib.asynccontextmanager
async def stub_of(port: int) -> AsyncIterator[SDKStub]:
    """A bare client, as any language has it."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield SDKStub(channel)


async def state_of(servers: SdkServers, uid: ServerUid, wanted: State) -> ServerView:
    """The first view of this server in the wanted state."""
    async for seen in servers.changes():
        if (seen.uid, seen.state) == (uid, wanted):
            return seen
    raise AssertionError("closed")


async def test_a_bare_client_makes_its_server_ready_and_reads_it_back(servers):
    port = (await servers.create(view(), health=(2.0, 3, 5.0))).grpc
    servers.set_process(U1, pid=42, cores=(1,), pinned="core 1")

    async with stub_of(port) as stub:
        await stub.Ready(pb.Empty())
        read = await stub.GetGameServer(pb.Empty())

    assert servers.get(U1).state is State.READY
    assert servers.get(U1).pid == 42
    assert (read.object_meta.name, read.object_meta.uid) == ("arena-u1", "u1")
    assert read.object_meta.creation_timestamp == 1_700_000_000
    assert dict(read.object_meta.labels) == {"agones.dev/fleet": "arena"}
    assert (read.status.state, read.status.address) == ("Ready", "127.0.0.1")
    assert [(port.name, port.port) for port in read.status.ports] == [("default", 7000)]
    assert read.spec.health.period_seconds == 2


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda s: s.SetLabel(pb.KeyValue(key="map", value="a b")), "INVALID_ARGUMENT"),
        (lambda s: s.SetAnnotation(pb.KeyValue(key="a/b", value="")), "INVALID_ARGUMENT"),
        (
            lambda s: s.SetAnnotation(pb.KeyValue(key="readyup-key", value="cd" * 32)),
            "ALREADY_EXISTS",
        ),
    ],
)
async def test_a_bare_client_is_told_what_is_wrong(servers, call, code):
    port = (await servers.create(view())).grpc

    async with stub_of(port) as stub:
        await stub.SetAnnotation(pb.KeyValue(key="readyup-key", value="ab" * 32))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(stub)

    assert refused.value.code() is grpc.StatusCode[code]
    assert servers.get(U1).public_key == "ab" * 32


async def test_of_two_allocations_one_wins(servers):
    await servers.create(view(state=State.READY))
    told: list[bool] = []

    async def allocate(claim: str) -> None:
        told.append(await servers.allocate(U1, labels={"readyup/claim": claim}))

    async with asyncio.TaskGroup() as group:
        for claim in ("a", "b"):
            group.create_task(allocate(claim), name=claim)

    assert sorted(told) == [False, True]
    assert servers.get(U1).state is State.ALLOCATED
    assert servers.get(U1).labels == {"readyup/claim": "a" if told[0] else "b"}


async def test_a_watch_shows_what_somebody_else_annotated(servers):
    port = (await servers.create(view(state=State.ALLOCATED))).grpc

    async with stub_of(port) as stub:
        watch = stub.WatchGameServer(pb.Empty())
        before = await watch.read()
        assert await servers.annotate(U1, annotations={"readyup/match": "{}"})
        after = await watch.read()

    assert dict(before.object_meta.annotations) == {}
    assert dict(after.object_meta.annotations) == {"readyup/match": "{}"}
    assert servers.get(U1).annotations == {"readyup/match": "{}"}
    assert not await servers.annotate(ServerUid("gone"), annotations={})
    with pytest.raises(Invalid, match="annotations would hold"):
        await servers.annotate(U1, annotations={"readyup/match": "x" * 300_000})


async def test_only_a_ready_server_that_is_there_is_allocated(servers):
    await servers.create(view(state=State.SCHEDULED))

    assert not await servers.allocate(U1, labels={})
    assert not await servers.allocate(ServerUid("gone"), labels={})
    assert servers.get(U1).state is State.SCHEDULED


async def test_a_label_that_kubernetes_refuses_allocates_nothing(servers):
    await servers.create(view(state=State.READY))

    with pytest.raises(Invalid):
        await servers.allocate(U1, labels={"readyup/claim": "not a label"})

    assert servers.get(U1) == view(state=State.READY)


async def test_changes_tell_what_is_there_and_then_the_latest_of_each(servers):
    for uid in ("u1", "u2"):
        await servers.create(view(uid, State.READY))
    changes = servers.changes()
    first = [await anext(changes), await anext(changes)]

    await servers.allocate(ServerUid("u2"), labels={"n": "1"})
    servers.set_process(ServerUid("u2"), pid=5)
    await servers.allocate(U1, labels={})
    second = [await anext(changes), await anext(changes)]

    assert [seen.uid for seen in first] == ["u1", "u2"]
    assert [(seen.uid, seen.pid) for seen in second] == [("u2", 5), ("u1", 0)]
    assert {seen.state for seen in second} == {State.ALLOCATED}
    await changes.aclose()


async def test_a_deleted_server_is_told_of_no_more_and_its_port_is_closed(servers):
    port = (await servers.create(view(state=State.READY))).grpc
    await servers.create(view("u2"))
    changes = servers.changes()
    await anext(changes)
    await servers.allocate(ServerUid("u1"), labels={})

    await servers.delete(U1)
    await servers.delete(U1)

    assert (await anext(changes)).uid == "u2"
    assert servers.get(U1) is None
    async with stub_of(port) as stub:
        with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
            await stub.Ready(pb.Empty())
    await changes.aclose()


async def test_closing_ends_every_change_and_every_watch(servers):
    port = (await servers.create(view(state=State.READY))).grpc
    changes = servers.changes()
    await anext(changes)

    async with stub_of(port) as stub:
        watch = stub.WatchGameServer(pb.Empty())
        assert (await watch.read()).status.state == "Ready"
        await servers.aclose()

        assert await watch.read() is grpc.aio.EOF
    assert [seen async for seen in changes] == []


async def test_a_uid_and_a_port_are_taken_once(servers):
    port = (await servers.create(view())).grpc

    with pytest.raises(Conflict):
        await servers.create(view())
    with pytest.raises(Unreachable, match=str(port)):
        await servers.create(view("u2"), ports=SdkPorts(grpc=port))

    assert servers.get(ServerUid("u2")) is None


async def test_a_silent_server_becomes_unhealthy_and_a_speaking_one_stays(servers, clock):
    await servers.create(view("u1", State.READY), health=(2.0, 3, 5.0))
    port = (await servers.create(view("u2", State.READY), health=(2.0, 3, 5.0))).grpc

    async with stub_of(port) as stub:
        health = stub.Health()
        for clock.now_s in (7.0, 9.0, 11.0):
            await health.write(pb.Empty())
            await stub.GetGameServer(pb.Empty())  # the ping went before it
            await until(lambda: pinged_s(servers, "u2") == clock.now_s)
            await servers.check()

    assert servers.get(U1).state is State.UNHEALTHY
    assert servers.get(ServerUid("u2")).state is State.READY


async def test_the_service_checks_health_until_it_is_stopped(servers, clock):
    await servers.create(view(state=State.READY), health=(2.0, 1, 0.0))
    stop = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        group.create_task(servers.run(stop), name="health")
        clock.now_s = 2.0
        lost = await state_of(servers, U1, State.UNHEALTHY)
        stop.set()

    assert lost.uid == U1
    assert servers.get(U1) == lost


def pinged_s(servers: SdkServers, uid: str) -> float:
    return servers._hosted[ServerUid(uid)].live.state.pinged_s


async def until(holds) -> None:
    """Let the other tasks run until this holds."""
    while not holds():
        await asyncio.sleep(0.001)


async def test_a_process_with_sdk_servers_starts_children_quietly():
    program = """
import asyncio
from core.children import dies_with_parent
from core.game_server import ServerView, State
from gameserver.sidecar.servers import SdkServers

async def main():
    async with SdkServers() as servers:
        await servers.create(ServerView("a", "u", "f", State.STARTING, "127.0.0.1", 7000))
        child = await asyncio.create_subprocess_exec("true", preexec_fn=dies_with_parent())
        await child.wait()

asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stderr=asyncio.subprocess.PIPE
    )

    _, complaints = await child.communicate()

    assert (child.returncode, complaints) == (0, b"")
