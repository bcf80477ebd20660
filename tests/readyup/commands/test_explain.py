"""``readyup explain`` as it is typed: the answer for a person, for a program, and none."""

import msgspec
import pytest
from aiohttp import web

from core.web import serve_app
from readyup.commands import explain as command

ANSWER = {
    "ticket": "duel.a",
    "queue": "duel",
    "sentence": "A match in 7 s, when rating.maxDistance is 150, if nobody else comes before.",
    "waited_s": 3.0,
    "players_min": 2,
    "players_max": 2,
    "waiting": 3,
    "compatible": 0,
    "compatible_players": 1,
    "excluded": {"rating": 3},
    "nearest": [{"players": 1, "excluded_by": ["rating"], "opens_in_s": 7.0, "ticket": "duel.b"}],
    "release": {"in_s": 7.0, "because": ["rating.maxDistance is 150"]},
}


async def asked(ticket: str) -> bytes:
    async def why(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Bearer dev-backend":
            return web.json_response({"title": "No key"}, status=401)
        if request.match_info["ticket"] != "duel.a":
            return web.json_response({"detail": "no such ticket, or not yours"}, status=404)
        return web.json_response(ANSWER)

    app = web.Application()
    app.add_routes([web.get("/v1/tickets/{ticket}/why", why)])
    async with serve_app(app, host="127.0.0.1", port=0) as port:
        return await command._ask(f"http://127.0.0.1:{port}", ticket)


async def test_the_answer_says_who_is_kept_away_and_what_opens(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(command.KEY, raising=False)

    lines = command._lines(msgspec.json.decode(await asked("duel.a"), type=command.WhyOut))

    assert lines[0] == ANSWER["sentence"]
    assert "excluded         3 by rating" in lines
    assert "nearest     duel.b: rating; opens in 7.0 s" in lines


async def test_a_ticket_that_is_not_there_is_told_in_the_apis_words(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv(command.KEY, raising=False)

    with pytest.raises(command.Rejected, match="no such ticket, or not yours"):
        await asked("duel.b")


def test_nobody_there_is_told_with_the_address(capsys: pytest.CaptureFixture[str]):
    code = command.explain("duel.a", url="http://127.0.0.1:9")

    assert code == 1
    assert "http://127.0.0.1:9: nobody answers" in capsys.readouterr().err
