"""``readyup explain`` as it is typed: the answer for a person, for a program, and none."""

import re

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
    assert "candidates  0 of 3 tickets fit, 1 player with this one" in lines
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


RECEIPT = {
    "rules": "0a1b2c3d4e5f",
    "name": "duels",
    "quality": 0.91,
    "terms": {"near": 0.82, "even parties": 1.0},
    "in_force": ["near.maxDistance is 150"],
    "waiting": 40,
    "candidates": 12,
    "found": 3,
    "better": 1,
    "waited_s": 4.2,
    "bar_s": 1.8,
    "because": "waited",
}


async def told(name: str) -> command.Receipt:
    async def match(request: web.Request) -> web.Response:
        if request.match_info["match"] != "duel.m":
            return web.json_response({"detail": "no such match"}, status=404)
        return web.json_response({"match": "duel.m", "receipt": RECEIPT})

    async def ticket(request: web.Request) -> web.Response:
        if request.match_info["ticket"] != "duel.done":
            return web.json_response({"detail": "no such ticket"}, status=404)
        return web.json_response({"ticket": "duel.done", "matches": ["duel.gone", "duel.m"]})

    app = web.Application()
    app.add_routes([web.get("/v1/operator/matches/{match}", match)])
    app.add_routes([web.get("/v1/operator/tickets/{ticket}", ticket)])
    async with serve_app(app, host="127.0.0.1", port=0) as port:
        return await command._receipt(f"http://127.0.0.1:{port}", name)


async def test_a_match_is_explained_by_its_receipt():
    lines = list(command._told(await told("duel.m")))

    assert lines[0].startswith("quality 0.910, made its players had waited")
    assert "in force    near.maxDistance is 150" in lines
    assert "waited      4.2 s on average; the dial's bar was 1.8 s" in lines
    assert "pass        3 matches, 1 of them better" in lines


async def test_a_ticket_that_is_matched_is_explained_by_the_receipt_of_its_last_match():
    assert (await told("duel.done")).candidates == 12


async def test_neither_a_ticket_nor_a_match_is_told_so():
    with pytest.raises(command.Rejected, match="no such ticket"):
        await told("duel.x")


async def found(name: str) -> command.Found:
    """By a back end that owns no ticket at all, beside a console that knows two."""

    async def not_yours(_: web.Request) -> web.Response:
        return web.json_response({"detail": "no such ticket, or not yours"}, status=404)

    async def why(request: web.Request) -> web.Response:
        if request.match_info["ticket"] != "duel.a":
            return web.json_response({"detail": "it does not wait"}, status=409)
        return web.json_response(ANSWER)

    async def ticket(request: web.Request) -> web.Response:
        if request.match_info["ticket"] != "duel.left":
            return web.json_response({"detail": "no ticket is known"}, status=404)
        return web.json_response({"ticket": "duel.left", "status": "CANCELLED", "matches": []})

    async def match(_: web.Request) -> web.Response:
        return web.json_response({"detail": "no match is known"}, status=404)

    app = web.Application()
    operator = "/v1/operator"
    app.add_routes(
        [
            web.get("/v1/tickets/{ticket}/why", not_yours),
            web.get(operator + "/tickets/{ticket}/why", why),
            web.get(operator + "/tickets/{ticket}", ticket),
            web.get(operator + "/matches/{match}", match),
        ]
    )
    async with serve_app(app, host="127.0.0.1", port=0) as port:
        url = f"http://127.0.0.1:{port}"
        return await command._found(url, url, name)


async def test_a_ticket_of_somebody_else_is_explained_by_the_console():
    why = await found("duel.a")

    assert isinstance(why, command.WhyOut)
    assert why.sentence == ANSWER["sentence"]


async def test_a_ticket_that_left_without_a_match_is_told_so():
    with pytest.raises(command.Rejected, match=r"duel\.left is CANCELLED, and came into no match"):
        await found("duel.left")


@pytest.mark.parametrize(
    ("key", "asked_with"), [("", "READYUP_KEY is not set"), ("k.s", "the key in READYUP_KEY")]
)
async def test_what_nobody_knows_is_told_with_who_was_asked_and_by_which_key(
    monkeypatch: pytest.MonkeyPatch, key: str, asked_with: str
):
    monkeypatch.setenv(command.KEY, key)

    with pytest.raises(command.Rejected) as told:
        await found("duel.x")

    assert asked_with in str(told.value)
    assert re.search(
        r"the console http://127\.0\.0\.1:\d+ says: no ticket is known", str(told.value)
    )


SIDE = {"matches_per_min": 12.0, "wait_s_p50": 4.0, "wait_s_p90": 9.0, "quality_p50": 0.7}
SHADOW = {
    "version": "0a1b2c3d4e5f",
    "name": "tighter",
    "since_ms": 1,
    "live": SIDE,
    "shadow": {**SIDE, "matches_per_min": 11.0, "quality_p50": None},
    "waiting": 7,
    "rejected": 1,
    "left_out": 0,
    "pass_ms_max": 3.0,
    "skipped": 2,
    "t": 9,
}


async def shadow_of(queue: str) -> command.ShadowFigures:
    async def queues(_: web.Request) -> web.Response:
        told = [{"name": "duel", "shadow": SHADOW}, {"name": "squad", "shadow": None}]
        return web.json_response({"queues": told})

    app = web.Application()
    app.add_routes([web.get("/v1/operator/queues", queues)])
    async with serve_app(app, host="127.0.0.1", port=0) as port:
        return await command._shadow(f"http://127.0.0.1:{port}", queue)


async def test_a_queues_shadow_is_told_beside_what_is_done():
    lines = list(command._words(await shadow_of("duel")))

    assert lines[0].startswith("tighter, version 0a1b2c3d4e5f")
    assert lines[2].split() == ["matches", "a", "min", "12.00", "11.00"]
    assert lines[5].split() == ["quality", "p50", "0.70", "-"]


@pytest.mark.parametrize(
    ("queue", "told"), [("squad", "has no shadow_rules"), ("chess", "duel, squad")]
)
async def test_a_queue_without_a_shadow_is_told_so(queue: str, told: str):
    with pytest.raises(command.ReadyUpError, match=told):
        await shadow_of(queue)


def test_explain_needs_something_to_explain(capsys: pytest.CaptureFixture[str]):
    assert command.explain() == 1
    assert "of what?" in capsys.readouterr().err
