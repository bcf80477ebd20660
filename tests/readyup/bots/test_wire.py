"""The bots' HTTP, WebSocket and arena sides, over real sockets on loopback."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSMsgType, web

from core import dice
from core.errors import Unauthorized, Unreachable
from core.web import json_response, serve_app
from gameserver.arena.client import Ending, Outcome
from gameserver.arena.path import PathFigures
from readyup.bots import messages
from readyup.bots.api import HttpApi
from readyup.bots.arena import Arena, ArenaLink
from readyup.bots.crowd import Crowd, CrowdSettings
from readyup.bots.habits import Habits
from readyup.bots.messages import Beat, Hello, TicketNews
from readyup.bots.ports import Garbled, LinkClosed
from readyup.commands.bots import bots
from tests.readyup.bots.fakes import FakeService

KEY = "dev-player:{player}"


class Door:
    """The fake service behind a real port; ``closes`` are the close codes that players sent."""

    def __init__(self, service: FakeService) -> None:
        self.service = service
        self.closes: list[int | None] = []
        self.says = ""
        self.status = 0
        self._encode = msgspec.json.Encoder().encode

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/connect", self.connect)
        app.router.add_get("/v1/players/{player}/session", self.session)
        return app

    async def connect(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["Authorization"].removeprefix("Bearer ")
        if not key.startswith("dev-player:"):
            return web.Response(status=401)
        socket = web.WebSocketResponse(compress=False, protocols=["readyup.v1"])
        await socket.prepare(request)
        if self.says:
            await socket.send_str(self.says)
        line = await self.service.dial(key.removeprefix("dev-player:"))
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._write(line, socket))
            async for frame in socket:
                assert frame.type is WSMsgType.TEXT
                await line.send(frame.data.encode())
            writing.cancel()
        line.cut()
        self.closes.append(socket.close_code)
        return socket

    async def _write(self, line, socket: web.WebSocketResponse) -> None:
        with contextlib.suppress(Unreachable, ConnectionError):
            while True:
                await socket.send_bytes(self._encode(await line.receive()))

    async def session(self, request: web.Request) -> web.Response:
        player = request.match_info["player"]
        found = await self.service.session(player)
        if self.status or found is None:
            return web.Response(status=self.status or 404)
        return json_response({"player": player, "match": found.match, "assignment": found})


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door(FakeService(match_s={"duel": 0.1, "squad": 0.1}))
    async with serve_app(door.app(), drain_s=0.1) as port:
        door.url = f"http://127.0.0.1:{port}"
        yield door


async def until(holds) -> None:
    async with asyncio.timeout(5.0):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_line_greets_carries_frames_and_says_goodbye(door: Door):
    async with HttpApi(door.url, key=KEY) as api:
        line = await api.dial("ann")
        hello = await line.receive()
        await line.send(messages.HEARTBEAT)
        beat = await line.receive()
        await line.send(messages.enqueue("duel", {"rating": 1500.0}, key="k"))
        news = await line.receive()
        await line.close()
        await until(lambda: door.closes)

    assert hello == Hello("ann")
    assert beat == Beat()
    assert isinstance(news, TicketNews)
    assert door.closes == [1000]


async def test_who_vanishes_sends_no_close_frame(door: Door):
    async with HttpApi(door.url, key=KEY) as api:
        line = await api.dial("ann")
        await line.receive()
        await line.vanish()
        await until(lambda: door.closes)

        assert door.closes == [1006]
        with pytest.raises(Unreachable):
            await line.receive()
        with pytest.raises(Unreachable):
            await line.send(messages.HEARTBEAT)


async def test_nonsense_is_told_from_silence(door: Door):
    door.says = '{"type":"weather"}'
    async with HttpApi(door.url, key=KEY) as api:
        line = await api.dial("ann")
        with pytest.raises(Garbled, match="weather"):
            await line.receive()
        await line.close()


async def test_a_refused_key_is_no_network_trouble(door: Door):
    async with HttpApi(door.url, key="nobody:{player}") as api:
        with pytest.raises(Unauthorized, match="ann"):
            await api.dial("ann")


async def test_a_session_is_found_or_not_there_or_not_answered(door: Door):
    async with HttpApi(door.url, key=KEY) as api:
        nothing = await api.session("ann")
        for player in ("ann", "bob"):
            line = await api.dial(player)
            await line.send(messages.enqueue("duel", {"rating": 1500.0}, key=player))
        await until(lambda: door.service.matches)
        found = await api.session("ann")
        door.status = 503

        assert nothing is None
        assert found is not None
        assert found.match in door.service.matches
        with pytest.raises(Unreachable, match="503"):
            await api.session("ann")


async def test_nobody_at_the_address_is_unreachable():
    async with HttpApi("http://127.0.0.1:1", key=KEY) as api:
        with pytest.raises(Unreachable, match="no player API"):
            await api.dial("ann")
        with pytest.raises(Unreachable, match="no player API"):
            await api.session("ann")


async def test_a_crowd_plays_over_real_sockets(door: Door):
    habits = Habits(think_s_mean=0.2, rounds_mean=2.0, squad_share=0.3)
    settings = CrowdSettings(url=door.url, players=20, duration_s=0.6, seed=1, habits=habits)
    async with HttpApi(door.url, key=KEY) as api:
        report = await Crowd(settings, api, door.service).run(stop=asyncio.Event())

    assert report.matches["completed"] > 0
    assert report.unexpected == {}
    await until(lambda: not any(line.open for line in door.service.lines.values()))


class StubClient:
    """What ``ArenaLink`` needs of an ``ArenaClient``."""

    def __init__(self, ending: Ending, path: PathFigures) -> None:
        self.path = path
        self._ending = ending

    async def ended(self) -> Ending:
        return self._ending


async def test_a_link_gives_the_result_or_says_why_there_is_none():
    path = PathFigures(rtt_ms=2.0, rtt_ms_max=9.0, jitter_ms=0.1, loss_share=0.5)
    played = ArenaLink(StubClient(Ending({"winner": "red"}, "finished"), path))
    broken = ArenaLink(StubClient(Ending(None, "lost"), path._replace(rtt_ms=0.0)))

    assert await played.result() == {"winner": "red"}
    assert played.quality().rtt_ms == 2.0
    assert broken.quality().rtt_ms != broken.quality().rtt_ms  # not measured
    with pytest.raises(LinkClosed) as closed:
        await broken.result()
    assert closed.value.reason == "lost"


async def test_a_door_of_the_arena_that_stays_shut_names_its_reason(
    monkeypatch: pytest.MonkeyPatch,
):
    async def refused(*_: object, **__: object) -> Outcome:
        return Outcome(joined=False, reason="token-used")

    monkeypatch.setattr("gameserver.arena.client.ArenaClient.connect", refused)
    with Arena(dice.stream(1)) as game, pytest.raises(LinkClosed) as closed:
        await game.join(FakeService().assignment(_a_match(), "ann"))

    assert closed.value.reason == "token-used"


def _a_match():
    from tests.readyup.bots.fakes import FakeMatch

    return FakeMatch("duel.m", "duel", ["ann"], [])


def test_the_command_says_when_nobody_is_there(capsys: pytest.CaptureFixture[str]):
    code = bots(url="http://127.0.0.1:1", duration=1.0, quiet=True)

    assert code == 1
    said = capsys.readouterr().err
    cure = "nobody answers; start one, or name another with --url"
    assert said == f"readyup bots: no player API at http://127.0.0.1:1: {cure}\n"


def test_the_command_refuses_what_makes_no_sense(capsys: pytest.CaptureFixture[str]):
    assert bots(players=0) == 1
    assert "give 1 to 18000" in capsys.readouterr().err


async def test_a_terminated_command_drains_quickly_and_reports(door: Door, tmp_path: Path):
    asked = f"url={door.url!r}, players=6, think=0.3, progress='json', seed=3"
    files = f"events=Path({str(tmp_path / 'e')!r}), json_path=Path({str(tmp_path / 'r')!r})"
    program = (
        "from pathlib import Path; from readyup.commands.bots import bots;"
        f"raise SystemExit(bots({asked}, {files}))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=PIPE)
    assert process.stdout is not None
    moment = json.loads(await process.stdout.readline())
    process.terminate()
    code = await process.wait()
    report = json.loads((tmp_path / "r").read_bytes())
    events = (tmp_path / "e").read_text()

    # Behind the stub's addresses is no arena: nobody gets in, which is no error of the players.
    assert code == 0
    assert moment["queues"].keys() <= {"duel", "squad"}
    assert {"tickets", "matches", "wait_ms", "rejoins", "errors", "link"} <= report.keys()
    assert events.count("bot.left") == report["players"]
