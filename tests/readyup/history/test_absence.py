"""What may rightly be missing from a log: none of these is a breach."""

import pytest

from tests.readyup.history.runs import FLEET, Log, good_run

HEARD = ("bot.assigned", "bot.joined", "bot.result", "bot.ended")


def _ann_hears_nothing(log: Log) -> None:
    log.drop(*HEARD, player="ann")
    log.drop("player.joined", player="ann")


@pytest.mark.parametrize("word", ["bot.crashed", "bot.left"])
def test_a_bot_that_went_while_it_waited_need_not_hear_of_its_match(word: str):
    log = good_run()
    _ann_hears_nothing(log)
    log.after(log.find("bot.told", player="ann"), "bot/ann", word, player="ann")

    assert log.judge().breaches == ()


@pytest.mark.parametrize(("more_ms", "breaches"), [(1, 0), (-1, 1)])
def test_who_read_nothing_until_the_match_was_over_need_not_hear_of_it(more_ms: int, breaches: int):
    log = good_run()
    _ann_hears_nothing(log)
    told = log.find("bot.told", player="ann")
    over_ms = log.find("match.ended", match=log.find("match.announced")["match"])["t"]
    log.after(told, "bot/ann", "bot.stalled", player="ann", until_ms=over_ms + more_ms)

    assert len(log.judge().breaches) == breaches


def test_a_party_member_who_had_gone_before_and_never_came_back_hears_nothing():
    log = good_run()
    log.drop(*HEARD, "bot.told", player="deb")
    log.drop("player.joined", player="deb")
    log.after(log.find("run.started"), "bot/deb", "bot.left", player="deb")

    assert log.judge().breaches == ()


def test_a_bot_that_came_back_after_the_match_heard_only_of_its_end():
    log = good_run()
    log.drop("bot.assigned", "bot.joined", "bot.result", player="ann")
    log.drop("player.joined", player="ann")

    assert log.judge().breaches == ()


def test_a_bot_that_knows_its_ticket_complete_has_heard():
    log = good_run()
    _ann_hears_nothing(log)
    news = {"player": "ann", "ticket": "t1", "status": "COMPLETED", "ver": 3}
    log.after(log.find("bot.told", player="ann"), "bot/ann", "bot.told", **news)

    assert log.judge().breaches == ()


def test_a_bot_may_crash_before_it_notes_that_it_joined():
    log = good_run()
    log.drop("bot.joined", "bot.result", "bot.ended", player="ann")
    log.after(log.find("bot.assigned", player="ann"), "bot/ann", "bot.crashed", player="ann")

    assert log.judge().breaches == ()


def test_a_server_that_dies_may_take_its_welcome_with_it():
    log = good_run()
    log.drop("bot.joined", "bot.result", player="ann")
    log.drop("match.finished", match="m1")
    log.find("session.ended", match="m1")["reason"] = "lost"

    assert log.judge().breaches == ()


def test_a_server_that_died_before_its_ack_says_nothing():
    log = good_run()
    log.drop("room.acked", "server.assigned", "server.acked", "room.released", match="m5")
    log.find("session.ended", match="m5")["reason"] = "lost"
    log.after(log.find("session.ended", match="m5"), FLEET, "room.removed", room="u4/0")
    log.lines.remove([line for line in log.lines if line["k"] == "room.removed"][-1])
    log.find("match.ended", match="m5")["reason"] = "lost"

    assert log.judge().breaches == ()


def test_an_undrained_run_stops_in_the_middle_of_its_last_match():
    log = good_run()
    log.lines = log.lines[: log.lines.index(log.find("run.drained"))]
    log.rooms("u5/0")
    log.enqueue("t11", "kim")
    log.enqueue("t12", "lea")
    log.propose("m6", "u5/0", {"red": ["t11"], "blue": ["t12"]})
    log.commit("m6")
    log.end_run(sessions=1, held_rooms=1)

    assert log.judge().breaches == ()


def test_the_tail_of_an_undrained_run_is_twenty_seconds_long():
    log = good_run()
    log.lines = log.lines[: log.lines.index(log.find("run.drained"))]
    log.enqueue("t11", "kim")
    log.enqueue("t12", "lea")
    log.propose("m6", "u3/0", {"red": ["t11"], "blue": ["t12"]})
    log.commit("m6")
    log.now_ms += 30_000
    log.end_run(sessions=1, held_rooms=1)

    assert {breach.invariant.partition(":")[0] for breach in log.judge().breaches} == {"witnesses"}


def test_a_request_of_unknown_outcome_binds_nobody():
    log = good_run()
    answer = log.find("bot.enqueue", ph="ok", ticket="t8")
    answer["ph"] = "info"
    del answer["ticket"]

    assert log.judge().breaches == ()


def test_a_refused_cancel_says_nothing_about_the_ticket():
    log = good_run()
    told = log.find("bot.ended", player="ann")
    log.after(told, "bot/ann", "bot.cancel", ph="fail", player="ann", ticket="t1")

    assert log.judge().breaches == ()


def test_a_server_may_be_scaled_away_once_its_match_waits_for_another():
    log = good_run()
    moved = log.find("session.moved", match="m2")
    at = log.lines.index(moved)
    log.after(log.lines[at - 1], FLEET, "match.waiting", match="m2", session_epoch=1)
    gone = {"server": "u2", "name": "u2", "reason": "scale"}
    log.after(log.lines[at], FLEET, "server.deleted", **gone)

    assert log.judge().breaches == ()


def test_a_bot_may_hear_of_a_move_before_its_queue_does():
    log = good_run()
    log.drop("match.moved", match="m2")

    assert log.judge().breaches == ()


def test_a_released_room_may_be_given_back_before_the_move_is_noted():
    log = good_run()
    moved = log.find("session.moved", match="m2")
    place = {"match": "m2", "room": "u2/0", "server": "u2", "session_epoch": 1, "reason": "moved"}
    released = log.after(moved, FLEET, "room.released", **place)
    log.lines.remove(released)
    log.lines.insert(log.lines.index(moved), released)

    assert log.judge().breaches == ()


@pytest.mark.parametrize("by", ["label", "patch"])
def test_a_server_that_speaks_only_an_agones_sdk_tells_nothing(by: str):
    log = good_run()
    log.spoken_for("m2", by)

    assert log.judge().breaches == ()
