"""Players who wait and play together."""

import asyncio
import json

import pytest

from readyup.bots.behaviour import Mood
from tests.readyup.bots.stage import Play, Stage


def test_a_party_asks_once_with_everybodys_key_and_stays_together(play: Play):
    def cast(stage: Stage) -> None:
        stage.party("ann", "bob", "cid", "dan", "eve", queue="squad")
        stage.party("f", "g", "h", "i", "j", queue="squad")

    stage = play(cast)
    asked = [(p, f) for p, f in stage.service.frames if f["type"] == "enqueue"]
    keys = [member["key"] for member in asked[0][1]["party"]]

    assert {player for player, _ in asked} == {"ann", "f"}
    assert [key.startswith("dev-player:") for key in keys] == [True] * 4
    assert len(stage.events("eve", "bot.joined", "bot.result")) == 2
    assert stage.tally.queue("squad").tickets == {"created": 2, "assigned": 2}


def test_a_leader_that_crashes_is_succeeded(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(0.05)
        await stage.players["ann"]._crash()
        stage.players["ann"].nudge()
        await asyncio.sleep(20.0)
        stage.world.mood = Mood.CLOSING
        stage.players["bob"].nudge()

    stage = play(lambda stage: stage.party("ann", "bob", queue="squad", rounds=2), script)

    assert not stage.service.lines["ann"].said_goodbye
    assert {p for p, f in stage.service.frames if f["type"] == "enqueue"} == {"bob"}


def test_a_party_waits_from_its_leaders_answer_on(play: Play):
    def cast(stage: Stage) -> None:
        stage.party("ann", "bob", "cid", "dan", "eve", queue="squad")
        stage.party("f", "g", "h", "i", "j", queue="squad", think_s=4.0)

    stage = play(cast)
    waits = [stage.events(name, "bot.assigned")[0]["wait_ms"] for name in ("ann", "eve")]

    assert waits == [pytest.approx(3900.0, abs=300.0)] * 2


def test_who_was_enqueued_by_one_that_crashed_asks_again_without_an_error(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(0.5)
        await stage.players["ann"]._crash()
        stage.players["ann"].nudge()
        await asyncio.sleep(3.0)
        stage.world.mood = Mood.CLOSING
        stage.players["bob"].nudge()

    stage = play(lambda stage: stage.party("ann", "bob", queue="squad", rounds=2), script)

    assert {e.get("status") for e in stage.events("bob", "bot.enqueue")} == {None, 409}
    assert stage.tally.errors == {}


def test_nobody_goes_home_while_their_party_waits(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(2.0)
        stage.world.mood = Mood.CLOSING
        for name in ("bob", "ann"):
            stage.players[name].nudge()

    stage = play(lambda stage: stage.party("ann", "bob", queue="squad"), script)
    lines = [json.loads(line) for line in stage._path.read_text().splitlines()]
    ends = [(e["k"], e["player"]) for e in lines if e["k"] in ("bot.left", "bot.cancel")]

    assert ends[:2] == [("bot.cancel", "ann")] * 2
    assert ("bot.left", "bob") in ends[2:]
