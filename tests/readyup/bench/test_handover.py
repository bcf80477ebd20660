"""What the handover benchmark makes of a history, and how it is told."""

import signal

from readyup.bench.handover import Kill, Told, figures, waits
from readyup.bench.handover_told import table

KILLED_MS = 10_000
Line = dict[str, object]


def joined(player: str, t: int, epoch: int, match: str = "m") -> Line:
    return {"k": "bot.joined", "t": t, "player": player, "match": match, "session_epoch": epoch}


def assigned(player: str, t: int, epoch: int, match: str = "m") -> Line:
    return joined(player, t, epoch, match) | {"k": "bot.assigned"}


def struck(*after: Line, match: str = "m") -> dict[str, object]:
    """Two players are in at epoch 1, and their server is killed."""
    before = [
        line
        for player in ("ann", "bob")
        for line in (assigned(player, 1_000, 1, match), joined(player, 1_020, 1, match))
    ]
    return figures(Told([*before, *after]), [Kill(KILLED_MS, signal.SIGKILL, {match: 1})])


HANDED_OVER: Line = {"k": "session.handover", "t": 10_100, "match": "m", "session_epoch": 1}
ACKED: Line = {"k": "room.acked", "t": 10_150, "match": "m", "session_epoch": 2}
FINISHED: Line = {"k": "session.ended", "t": 20_000, "match": "m", "reason": "finished"}


def test_a_match_is_away_until_the_last_of_its_players_is_back():
    told = struck(
        HANDED_OVER, ACKED, assigned("ann", 10_160, 2), joined("ann", 10_200, 2),
        joined("bob", 10_300, 2), FINISHED,
    )  # fmt: skip

    assert told["fates"] == {"played on": 1}
    assert told["kill_to_all_playing_ms"]["p50"] == 300
    assert told["stages_p50_ms"] == {
        "noticed": 100.0, "taken": 150.0, "told": 160.0, "playing": 300.0,
    }  # fmt: skip
    assert told["plain_way_in_ms"]["p50"] == 20
    assert told["ratio_to_plain_way_in"] == 15.0


def test_one_who_left_of_their_own_accord_is_not_waited_for():
    left = {"k": "bot.left", "t": 10_050, "player": "bob"}
    told = struck(HANDED_OVER, ACKED, left, joined("ann", 10_200, 2), FINISHED)

    assert told["kill_to_all_playing_ms"]["p50"] == 200


def test_a_match_that_nobody_looks_after_is_lost_and_so_is_one_that_is_ended():
    lost = {"k": "session.ended", "t": 20_000, "match": "m", "reason": "lost"}

    assert struck()["sessions_lost"] == 1
    assert struck(lost)["sessions_lost"] == 1
    assert struck(HANDED_OVER, ACKED)["sessions_lost"] == 1  # its players never came back


def test_a_match_that_no_server_was_warm_for_is_told_apart_from_a_lost_one():
    began: Line = {"k": "match.waiting", "t": 10_110, "match": "m", "from": "a/0"}
    abandoned: Line = {"k": "session.ended", "t": 30_110, "match": "m", "reason": "abandoned"}

    assert struck(HANDED_OVER, began, abandoned)["fates"] == {"no warm server": 1}
    assert waits([HANDED_OVER, began, abandoned]) == [20_000]
    assert waits([began, {**ACKED, "k": "session.moved"}]) == [40]


def test_a_result_that_came_first_is_no_loss():
    assert struck(FINISHED)["fates"] == {"finished before": 1}


def test_the_figures_are_told_with_what_they_are_compared_with():
    one = struck(HANDED_OVER, ACKED, joined("ann", 10_200, 2), joined("bob", 10_300, 2), FINISHED)
    machine = {
        "processor": "Abacus", "cores": 2, "system": "Linux 6", "python": "3.11.7",
        "load_before": 0.5, "load_after": 1.5,
    }  # fmt: skip
    said = table({
        "machine": machine, "kills": 1, **one,
        "waited_for_a_server": {"times": 1, "ms": {"p50": 40.0}}, "drains": 1, "drained": one,
        "breaches": 0,
        "events": 99,
    })  # fmt: skip

    assert "kill -9 of game servers in play, 1 times" in said
    assert "p50 300 ms" in said
    assert "15.0 (of the medians)" in said
    assert "1 times, for p50 40 ms" in said
    assert "0 breaches in 99 events" in said
