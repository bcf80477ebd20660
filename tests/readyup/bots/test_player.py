"""One or two players against a service in memory, under virtual time."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core import dice
from core.clock import LoopClock
from core.eventfile import EventFile
from readyup.bots.behaviour import Mood
from readyup.bots.diary import Diary
from readyup.bots.habits import Habits
from readyup.bots.messages import Ended, Problem, Refused
from readyup.bots.party import Party
from readyup.bots.player import Player
from readyup.bots.standing import Phase
from readyup.bots.tally import Tally
from readyup.bots.world import Who, World
from tests.readyup.bots.fakes import FakeMatch, FakeService
from tests.virtual_loop import run

CALM = Habits(cancel_share=0.0, drop_share=0.0, crash_share=0.0, think_s_mean=1.0, rounds_mean=1.0)


class Stage:
    """Players by name, what they witnessed, and the service they play on."""

    def __init__(self, path: Path, habits: Habits, service: FakeService) -> None:
        self.service = service
        self.tally = Tally()
        self.world = World(service, service, habits, run="r")
        self.players: dict[str, Player] = {}
        self._path = path
        self._events = EventFile(path, "bot", LoopClock())

    def party(self, *names: str, queue: str = "duel", rounds: int = 1, think_s: float = 0.1):
        party = Party(queue, rounds)
        for n, name in enumerate(names):
            who = Who(name, 1500.0, dice.stream(1, name))
            diary = Diary(name, queue, self.tally, self._events)
            # The leader thinks longest, so that shares of several players do not matter.
            player = Player(who, self.world, party, diary, first_think_s=think_s + n)
            party.members.append(player)
            self.players[name] = player

    def events(self, player: str, *kinds: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._path.read_text().splitlines()]
        return [e for e in lines if e["player"] == player and e["k"] in kinds]

    def only_match(self) -> FakeMatch:
        (match,) = self.service.matches.values()
        return match


Script = Callable[[Stage], Awaitable[None]]
Play = Callable[..., Stage]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Set the stage, let everybody live, run the script beside them; all must end in 300 s."""

    def start(
        cast: Callable[[Stage], None],
        script: Script | None = None,
        *,
        habits: Habits = CALM,
        service: FakeService | None = None,
    ) -> Stage:
        stage = Stage(tmp_path / "events.jsonl", habits, service or FakeService())

        async def main() -> None:
            cast(stage)
            async with asyncio.timeout(300.0), asyncio.TaskGroup() as group:
                for name, player in stage.players.items():
                    group.create_task(player.live(), name=name)
                if script is not None:
                    await script(stage)

        run(main(), seed=1)
        return stage

    return start


def two_duellists(stage: Stage) -> None:
    stage.party("ann")
    stage.party("bob", think_s=2.0)


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


def test_a_door_that_stays_shut_is_named(play: Play):
    service = FakeService()
    service.refuse_join = "bad-token"

    stage = play(two_duellists, service=service)

    assert set(stage.tally.unexpected()) == {"join_refused_bad_token"}


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


def test_waiting_players_say_that_they_are_there(play: Play):
    async def script(stage: Stage) -> None:
        await asyncio.sleep(31.0)
        stage.world.mood = Mood.CLOSING
        stage.players["ann"].nudge()

    stage = play(lambda stage: stage.party("ann"), script)
    beats = [f for _, f in stage.service.frames if f["type"] == "heartbeat"]

    assert len(beats) == 6
    assert [e["ph"] for e in stage.events("ann", "bot.cancel")] == ["invoke", "ok"]
