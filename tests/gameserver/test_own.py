"""A server started by hand: it registers where the others speak to Agones."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from core.errors import Invalid, Rejected, Unauthorized, Unreachable
from core.web import serve_app
from gameserver import own as own_room
from gameserver.environment import Environment
from gameserver.own import OwnRegistration

ENVIRON = {
    "READYUP_SERVER_NAME": "anns-laptop",
    "READYUP_SERVER_UID": "a" * 32,
    "READYUP_FLEET": "workshop",
    "READYUP_PORT": "7300",
    "READYUP_SESSIONS_URL": "ws://127.0.0.1:1/v1/servers/connect",
    "READYUP_REGISTER_URL": "http://127.0.0.1:1",
    "READYUP_REGISTER_KEY": "rus_key",
}


class Registry:
    """The other side: answers as it is told, and remembers what was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.said = "said why"
        self.asked: list[tuple[str, str, dict]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        self.asked.append((request.method, request.path, body))
        return web.Response(status=self.status, text=self.said)


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    there = Registry()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", there.answer)
    async with serve_app(app) as port:
        there.url = f"http://127.0.0.1:{port}/"
        yield there


def own(registry: Registry) -> OwnRegistration:
    return OwnRegistration(Environment.read(ENVIRON), url=registry.url, key="rus_key", wait_s=0)


async def test_ready_registers_and_shutdown_leaves(registry: Registry):
    async with own(registry) as sdk:
        await sdk.ready()
        await sdk.shutdown()

    (post, path, body), (delete, left, _) = registry.asked
    assert (post, path, delete) == ("POST", "/v1/servers", "DELETE")
    assert left == f"/v1/servers/workshop/{'a' * 32}"
    assert (body["name"], body["port"], len(body["public_key"])) == ("anns-laptop", 7300, 64)


async def test_a_refusal_is_told_apart_from_an_absence(registry: Registry):
    async with own(registry) as sdk:
        for status, error in ((401, Unauthorized), (400, Rejected), (503, Unreachable)):
            registry.status = status
            with pytest.raises(error):
                await sdk.ready()


async def test_a_refusal_is_told_in_its_own_words(registry: Registry):
    registry.status, registry.said = 401, '{"detail": "this is not the key of fleet workshop"}'
    async with own(registry) as sdk:
        with pytest.raises(Unauthorized, match="refused the key: this is not the key of fleet"):
            await sdk.ready()


async def test_waiting_for_the_other_side_is_told_once_and_so_is_its_coming_back(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(own_room, "RETRY_S", 0.001)
    caplog.set_level("INFO")
    registry.status = 503
    environment = Environment.read(ENVIRON)
    async with (
        OwnRegistration(environment, url=registry.url, key="rus_key", wait_s=5) as sdk,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(sdk.ready(), name="ready")
        while len(registry.asked) < 3:
            await asyncio.sleep(0.001)
        registry.status = 200

    waits, up = (record for record in caplog.records if "registration" in record.msg)
    assert waits.msg == "registration.waits"
    assert vars(waits)["reason"].startswith("http://127.0.0.1:")
    assert up.msg == "registration.up"
    assert (vars(up)["fleet"], vars(up)["server"]) == ("workshop", environment.uid)


async def test_nobody_there_is_unreachable():
    environment = Environment.read(ENVIRON)
    async with OwnRegistration(environment, url="http://127.0.0.1:1", key="k", wait_s=0) as sdk:
        with pytest.raises(Unreachable):
            await sdk.ready()


async def test_health_ends_when_it_is_told(registry: Registry):
    stop = asyncio.Event()
    stop.set()
    async with own(registry) as sdk, asyncio.timeout(2):
        await sdk.health(1.0, stop)


def test_a_place_to_register_wants_a_key():
    without = {name: value for name, value in ENVIRON.items() if name != "READYUP_REGISTER_KEY"}

    with pytest.raises(Invalid, match="READYUP_REGISTER_KEY is not set"):
        Environment.read(without)
