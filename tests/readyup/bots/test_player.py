"""One or two players against a service in memory, under virtual time."""

import asyncio

import pytest

from readyup.bots.habits import Habits
from readyup.bots.messages import Ended
from readyup.bots.standing import Phase
from tests.readyup.bots.fakes import FakeService
from tests.readyup.bots.stage import Play, Stage, two_duellists


def test_two_players_meet_play_and_go_home(play: Play):
    stage = play(two_duellists)

    for player in ("ann", "bob"):
        kinds = [e["k"] for e in stage.events(player, "bot.assigned", "bot.joined", "bot.result")]
        assert kinds == ["bot.assigned", "bot.joined", "bot.result"]
    (assigned,) = stage.events("ann", "bot.assigned")
    assert assigned["wait_ms"] == pytest.approx(1900.0, abs=5.0)
    assert [e["ph"] for e in stage.events("ann", "bot.enqueue")] == ["invoke", "ok"]
    assert stage.tally.errors == {}


def test_an_assignment_that_beats_the_cancel_is_honoured(play: Play):
    service = FakeService()
    service.cancel_status = 409
    impatient = Habits(cancel_share=1.0, drop_share=0.0, crash_share=0.0, rounds_mean=1.0)

    stage = play(two_duellists, habits=impatient, service=service)

    (invoked, failed) = stage.events("ann", "bot.cancel")
    assert (invoked["ph"], failed["ph"], failed["status"]) == ("invoke", "fail", 409)
    assert len(stage.events("ann", "bot.joined", "bot.result")) == 2
    assert stage.tally.errors == {}


def test_a_cancelled_wait_is_a_round_and_leaves_no_ticket(play: Play):
    impatient = Habits(cancel_share=1.0, drop_share=0.0, crash_share=0.0, rounds_mean=1.0)

    stage = play(lambda stage: stage.party("ann"), habits=impatient)

    assert [e["ph"] for e in stage.events("ann", "bot.cancel")] == ["invoke", "ok"]
    assert stage.tally.queue("duel").tickets == {"created": 1, "cancelled": 1}
    assert stage.players["ann"].phase is Phase.GONE


def test_a_match_that_was_moved_is_joined_at_its_new_place(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.service.move(stage.only_match())

    stage = play(two_duellists, script)

    ports = [to.port for player, to in stage.service.joins if player == "ann"]
    assert ports == [7001, 7002]
    first, second = stage.events("ann", "bot.assigned")
    assert (first["session_epoch"], second["session_epoch"]) == (1, 2)
    assert "wait_ms" not in second
    assert len(stage.events("ann", "bot.result")) == 1
    assert stage.tally.handovers == {"tried": 2, "succeeded": 2}
    assert stage.tally.unexpected() == {}


def test_whoever_drops_is_led_back_into_the_same_match(play: Play):
    clumsy = Habits(cancel_share=0.0, drop_share=1.0, crash_share=0.0, rounds_mean=1.0)

    stage = play(two_duellists, habits=clumsy)

    assert [e["rejoin"] for e in stage.events("ann", "bot.joined")] == [False, True]
    assert len(stage.events("ann", "bot.result")) == 1
    assert stage.tally.rejoins == {"tried": 2, "succeeded": 2}


def test_a_lost_match_sends_its_players_back_to_the_queue(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.service.end(stage.only_match(), "lost")

    def cast(stage: Stage) -> None:
        stage.party("ann", rounds=2)
        stage.party("bob", rounds=2, think_s=2.0)

    stage = play(cast, script)

    assert [e["reason"] for e in stage.events("ann", "bot.ended")] == ["lost"]
    assert len(stage.service.matches) == 2
    assert len(stage.events("ann", "bot.result")) == 1
    assert stage.tally.unexpected() == {}


def test_a_match_that_nobody_knows_any_more_is_given_up(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        match = stage.only_match()
        match.running = False  # no push, no session: the service forgot it
        for link in match.links.values():
            link.die("lost")

    stage = play(two_duellists, script)

    assert stage.tally.unexpected() == {"session_lost": 2}
    assert {(one.player, one.match) for one in stage.tally.troubles} == {
        (player, stage.only_match().name) for player in ("ann", "bob")
    }
    assert all(player.phase is Phase.GONE for player in stage.players.values())


def test_news_of_the_end_without_a_result_ends_the_match_too(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        match = stage.only_match()
        match.running = False
        for player in match.players:
            stage.service.push(player, Ended(match.name))

    stage = play(two_duellists, script)

    assert len(stage.tally.queue("duel").matches_completed) == 1
    assert stage.tally.errors == {}


def test_a_door_that_stays_shut_is_named(play: Play):
    service = FakeService()
    service.refuse_join = "bad-token"

    stage = play(two_duellists, service=service)

    assert set(stage.tally.unexpected()) == {"join_refused_bad_token"}
