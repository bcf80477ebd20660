"""Players whose line to the API is cut, mute or refused."""

import asyncio

from readyup.bots.behaviour import Mood
from readyup.bots.messages import Problem, Refused
from tests.readyup.bots.fakes import FakeService
from tests.readyup.bots.stage import Play, Stage, two_duellists


def test_a_waiting_player_comes_back_to_its_ticket_after_the_api_was_away(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(1.0)
        stage.service.go_down()
        await asyncio.sleep(3.0)
        stage.service.up = True

    def cast(stage: Stage) -> None:
        stage.party("ann")
        stage.party("bob", think_s=10.0)

    stage = play(cast, script)

    assert len(stage.events("ann", "bot.enqueue")) == 2  # one invoke, one ok: not asked again
    assert len(stage.events("ann", "bot.result")) == 1
    assert stage.tally.errors["api_lost"] == 2
    assert stage.tally.unexpected() == {}


def test_an_enqueue_without_an_answer_is_repeated_under_its_key(play: Play):
    async def script(stage: Stage) -> None:
        stage.service.mute = True
        await asyncio.sleep(1.0)
        stage.service.go_down()
        await asyncio.sleep(1.0)
        stage.service.mute, stage.service.up = False, True

    stage = play(two_duellists, script)
    asked = [f for p, f in stage.service.frames if p == "ann" and f["type"] == "enqueue"]

    assert [e["ph"] for e in stage.events("ann", "bot.enqueue")] == [
        "invoke", "info", "invoke", "ok",
    ]  # fmt: skip
    assert len({frame["idempotency_key"] for frame in asked}) == 1 < len(asked)
    assert len(stage.events("ann", "bot.result")) == 1


def test_a_match_made_while_the_line_was_away_is_found_by_asking(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(1.0)
        line = stage.service.lines["ann"]
        dial, stage.service.up = stage.service.up, False
        line.cut()
        await asyncio.sleep(2.0)  # bob arrives and the match begins
        stage.service.up = dial

    stage = play(two_duellists, script)

    (assigned,) = stage.events("ann", "bot.assigned")
    (joined,) = stage.events("ann", "bot.joined")
    assert assigned["match"] == joined["match"] == stage.only_match().name
    assert joined["rejoin"] is False


def test_a_store_that_was_away_is_no_fault_of_the_match_that_came_all_the_same(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(4.0)
        problem = Problem(title="Unreachable", status=503, detail="no reply within 5 s")
        stage.service.push("ann", Refused(problem))

    stage = play(two_duellists, script)

    assert stage.tally.errors == {"api_busy": 1}
    assert len(stage.events("ann", "bot.result")) == 1


def test_an_enqueue_that_was_answered_with_503_is_asked_again_under_its_key(play: Play):
    service = FakeService()
    service.replies_to_lose = 1

    stage = play(two_duellists, service=service)
    asked = [
        f["idempotency_key"] for p, f in service.frames if (p, f["type"]) == ("ann", "enqueue")
    ]

    assert asked == ["r-ann-1", "r-ann-1"]
    assert stage.tally.errors == {"api_busy": 1}


def test_who_is_refused_again_and_again_asks_less_often(play: Play):
    service = FakeService()
    service.refusals_to_come = 8

    stage = play(two_duellists, service=service)
    asked_s = [at_s for player, at_s in stage.service.refused if player == "ann"]

    assert stage.tally.errors == {"api_busy": 8}
    assert asked_s[3] - asked_s[2] >= 2.0 > asked_s[1] - asked_s[0]
    assert len(stage.tally.queue("duel").matches_completed) == 1


def test_waiting_players_say_that_they_are_there(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(31.0)
        stage.world.mood = Mood.CLOSING
        stage.players["ann"].nudge()

    stage = play(lambda stage: stage.party("ann"), script)
    beats = [f for _, f in stage.service.frames if f["type"] == "heartbeat"]

    assert len(beats) == 6
    assert [e["ph"] for e in stage.events("ann", "bot.cancel")] == ["invoke", "ok"]
