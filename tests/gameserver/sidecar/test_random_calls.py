"""No sequence of calls breaks a server's life, and both doors lead to the same room."""

import asyncio
import json

import aiohttp
import grpc.aio
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings, strategies as st

from core.game_server import State
from gameserver.lifecycle import FINAL, RUNNING
from gameserver.sdk import alpha_pb2 as alpha, beta_pb2 as beta, sdk_pb2 as pb
from gameserver.sidecar import wire
from gameserver.sidecar.calls import Calls, Manners, Refused
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.grpc_api import UNARY
from gameserver.sidecar.live import LiveServer, Watch
from gameserver.sidecar.servers import SdkServers
from gameserver.sidecar.state import HealthPolicy, SdkState, new_server
from tests.gameserver.sidecar.random_calls import (
    DETAIL,
    EVENINGS,
    VIEW,
    Call,
    HandClock,
    Wait,
)

Answer = wire.Json | tuple[int, str]
"""What the call gave, or its code and what was said."""

VOID = pb.Empty()
ANSWERS = {
    (service.full_name, method.name): GetMessageClass(method.output_type)
    for file in (pb.DESCRIPTOR, beta.DESCRIPTOR, alpha.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}
MANNERS = st.builds(Manners, strict=st.booleans(), reborn=st.booleans())


@given(evening=EVENINGS, manners=MANNERS)
def test_no_sequence_of_calls_breaks_a_servers_life(evening: list[Call | Wait], manners: Manners):
    clock = HandClock()
    first = new_server(VIEW, HealthPolicy(), now_s=0.0, detail=DETAIL)
    live = LiveServer(first, clock, lambda _: None)
    calls = Calls(live, manners)
    with live.watch() as watch:
        for step in evening:
            before = live.state
            refused = played(step, calls, clock)
            check(before, live.state, refused=refused, reborn=manners.reborn)
        live.close()
        told = asyncio.run(last(watch))

    now = live.state
    assert (told.view, told.detail) == (now.view, now.detail), "the watch ends with what there is"


def played(step: Call | Wait, calls: Calls, clock: HandClock) -> bool:
    """Whether the call was refused."""
    if isinstance(step, Wait):
        clock.now_s += step.seconds
        calls.live.check()
        return False
    handle, _ = UNARY[step.service][step.rpc]
    try:
        handle(calls, step.message)
    except Refused:
        return True
    return False


def check(before: SdkState, after: SdkState, *, refused: bool, reborn: bool) -> None:
    if refused:
        assert after == before
    was, state = before.view.state, after.view.state
    assert state in RUNNING | FINAL
    assert state is not State.REQUEST_READY, "published at once"
    if was in FINAL and not reborn:
        assert state is was
    changed = (before.view, before.detail) != (after.view, after.detail)
    assert after.resource_version >= before.resource_version + changed
    if state is not State.RESERVED:
        assert after.reserved_until_s == float("inf")
    for counter in after.detail.counters.values():
        assert 0 <= counter.count <= counter.capacity
    for names in after.detail.lists.values():
        assert len(set(names.values)) == len(names.values) <= names.capacity <= 1000


async def last(watch: Watch) -> SdkState:
    told = [state async for state in watch]
    assert len(told) == 1, "a slow reader gets the latest only"
    return told[0]


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(evening=EVENINGS, strict=st.booleans())
def test_grpc_and_rest_are_two_doors_to_one_room(evening: list[Call | Wait], strict: bool):
    asyncio.run(both(evening, strict=strict))


async def both(evening: list[Call | Wait], *, strict: bool) -> None:
    clocks = HandClock(), HandClock()
    async with (
        asyncio.timeout(20),
        SdkServers(clocks[0], strict=strict) as one,
        SdkServers(clocks[1], strict=strict) as other,
        aiohttp.ClientSession() as http,
    ):
        ports = await one.create(VIEW, detail=DETAIL)
        rest = await other.create(VIEW, detail=DETAIL)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel:
            for step in evening:
                if isinstance(step, Wait):
                    for servers, clock in zip((one, other), clocks, strict=True):
                        clock.now_s += step.seconds
                        await servers.check()
                else:
                    assert await by_grpc(channel, step) == await by_rest(http, rest, step)

            whole = Call("agones.dev.sdk.SDK", "GetGameServer", VOID, "GET", "/gameserver")
            assert await by_grpc(channel, whole) == await by_rest(http, rest, whole)


async def by_grpc(channel: grpc.aio.Channel, call: Call) -> Answer:
    ask = channel.unary_unary(
        f"/{call.service}/{call.rpc}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=ANSWERS[call.service, call.rpc].FromString,
    )
    try:
        return wire.as_json(await ask(call.message))
    except grpc.aio.AioRpcError as error:
        return error.code().value[0], error.details()


async def by_rest(http: aiohttp.ClientSession, ports: SdkPorts, call: Call) -> Answer:
    url = f"http://127.0.0.1:{ports.http}{call.path}"
    data = None if call.body is None else json.dumps(call.body)
    async with http.request(call.method, url, data=data) as answer:
        told = await answer.json()
    return told if answer.status == 200 else (told["code"], told["message"])


def test_every_call_of_the_proto_files_is_answered():
    streams = {("agones.dev.sdk.SDK", "Health"), ("agones.dev.sdk.SDK", "WatchGameServer")}
    unary = {(service, name) for service, table in UNARY.items() for name in table}

    assert unary | streams == set(ANSWERS)
