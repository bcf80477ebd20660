"""Players who are none of the run's own have no witness in its log, and are not accused."""

import pytest

from tests.readyup.history.runs import Log, good_run

HEARD = ("bot.assigned", "bot.joined", "bot.result", "bot.ended")


def _evening_of(crowd: str) -> Log:
    """The good run, with a match of one of the crowd against somebody from outside."""
    log = good_run()
    end = log.lines[log.lines.index(log.find("run.drained")) :]
    del log.lines[-len(end) :]
    log.find("run.started")["crowd"] = crowd
    log.enqueue("t20", "bot-1")
    log.enqueue("t21", "zac")
    log.rooms("u7/0")
    log.play("m20", "u7/0", {"red": ["t20"], "blue": ["t21"]})
    log.lines = [line for line in log.lines if line["src"] != "bot/zac"]
    log.lines += end
    return log


def _says_nothing(log: Log, player: str) -> None:
    log.lines = [line for line in log.lines if line["src"] != f"bot/{player}"]


def test_a_player_from_outside_is_counted_and_not_accused():
    verdict = _evening_of("bot").judge()

    assert (verdict.breaches, verdict.exit_code) == ((), 0)
    assert verdict.remarks == ("1 player from outside had no witness",)


def test_one_from_outside_who_never_came_is_not_accused_either():
    log = _evening_of("bot")
    log.drop("player.joined", player="zac")
    verdict = log.judge()

    assert verdict.breaches == ()
    assert verdict.remarks == ("1 player from outside had no witness",)


def test_one_of_the_crowd_must_be_heard_though_it_never_said_a_word():
    log = _evening_of("bot")
    _says_nothing(log, "bot-1")
    log.drop("player.joined", player="bot-1")

    details = [breach.detail for breach in log.judge().breaches]
    assert details == ["m20 was announced, and bot-1 neither heard of it nor had gone"]


def test_one_that_spoke_at_all_must_go_on_whatever_it_is_called():
    log = _evening_of("bot")
    log.drop(*HEARD, player="ann")
    log.drop("player.joined", player="ann")

    details = [breach.detail for breach in log.judge().breaches]
    assert details == ["m1 was announced, and ann neither heard of it nor had gone"]


def test_where_no_crowd_is_named_nobody_is_from_outside():
    log = _evening_of("")
    log.drop("player.joined", player="zac")
    verdict = log.judge()

    assert verdict.remarks == ()
    assert [breach.ids for breach in verdict.breaches] == [("m20", "t21")]


@pytest.mark.parametrize("silent", ["room.acked", "match.finished"])
def test_a_server_must_tell_of_a_match_with_one_from_outside(silent: str):
    log = _evening_of("bot")
    log.drop(silent, match="m20")

    assert log.judge().exit_code == 1


def test_a_run_whose_servers_are_silent_fails_whoever_played_there():
    log = _evening_of("bot")
    log.lines = [line for line in log.lines if line["src"] != "server/u7"]

    assert {breach.ids for breach in log.judge().breaches} == {("m20",)}
