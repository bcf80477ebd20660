"""The walk: a good run is proved, whatever the interleaving; half a run never is."""

import random
from collections import defaultdict

from hypothesis import given, settings, strategies as st

from readyup.history.check import judge
from tests.readyup.history.runs import QUEUE, Line, good_run, written

GOOD = good_run().lines


def _interleaved(lines: list[Line], chance: random.Random) -> list[Line]:
    """The same lines, each source in its own order, the sources in any."""
    sources: defaultdict[str, list[Line]] = defaultdict(list)
    for line in reversed(lines):
        sources[line["src"]].append(line)
    mixed = []
    while sources:
        src = chance.choice(sorted(sources))
        mixed.append(sources[src].pop())
        if not sources[src]:
            del sources[src]
    return mixed


def test_a_good_run_is_proved():
    verdict = good_run().judge()

    assert verdict.breaches == ()
    assert verdict.missing == ()
    assert verdict.exit_code == 0


def test_no_invariant_passes_for_want_of_anything_to_judge():
    verdict = good_run().judge()

    assert [title for title, judged in verdict.judged.items() if judged == 0] == []


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_how_sources_interleave_changes_nothing(chance: random.Random):
    straight = judge(written(GOOD), "run.jsonl")
    mixed = judge(written(_interleaved(GOOD, chance)), "run.jsonl")

    assert mixed == straight


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_breach_is_found_in_any_interleaving(chance: random.Random):
    log = good_run()
    log.find("match.committed", match="m4")["epoch"] = 1
    log.drop("player.joined", player="ann")

    verdict = judge(written(_interleaved(log.lines, chance)), "run.jsonl")

    assert verdict.breaches == log.judge().breaches
    assert len(verdict.breaches) == 2


def test_hardly_any_line_of_the_store_can_be_lost_unnoticed():
    unnoticed = set()
    for n, line in enumerate(GOOD):
        rest = GOOD[:n] + GOOD[n + 1 :]
        stored = line["src"].startswith(("queue/", "fleet/"))
        if stored and judge(written(rest), "run.jsonl").exit_code == 0:
            unnoticed.add((line["k"], line.get("match") or line.get("server") or line["ticket"]))

    assert unnoticed == {
        ("match.waiting", "m4"),  # it got its room all the same
        ("match.moved", "m2"),  # its players heard of it all the same
        ("match.moved", "m10"),
        ("session.handover", "m10"),  # that it moved is told, and that its server is gone
        ("room.removed", "u5"),
        ("ticket.unmatched", "t8"),  # it left afterwards all the same
        ("match.accepted", "m0"),  # its commit judges the same
        ("match.announced", "m5"),  # nobody was there to be told
        ("room.released", "m5"),  # its server was taken out next
        ("room.removed", "u2"),  # nobody used it any more
        ("room.removed", "u4"),
        ("server.deleted", "u2"),
        ("server.deleted", "u4"),
    }


def test_an_unfinished_log_is_not_proved():
    log = good_run()
    log.drop("run.ended")
    verdict = log.judge()

    assert verdict.breaches == ()
    assert verdict.missing == ("no run.ended: the run was cut off before its last figures",)
    assert verdict.exit_code == 2


def test_a_breach_counts_even_in_an_unfinished_log():
    log = good_run()
    log.drop("run.ended")
    log.after(log.find("match.committed"), QUEUE, "ticket.expired", ticket="t1")

    assert log.judge().exit_code == 1


def test_an_empty_evening_proves_nothing():
    log = good_run()
    log.lines = [line for line in log.lines if line["src"] == "run"]

    assert log.judge().exit_code == 2


def test_trimmed_events_leave_a_run_unproved():
    log = good_run()
    log.find("run.ended")["missed"] = 3

    assert log.judge().missing == ("3 store events were trimmed before they were recorded",)


def test_one_cause_with_many_breaches_is_told_ten_times_and_counted():
    log = good_run()
    told = log.find("bot.told", player="hal", status="QUEUED")
    for n in range(25):
        gone = {"match": f"x{n:02}", "server": "u1", "session_epoch": 1, "ver": 2}
        log.after(told, "bot/hal", "bot.assigned", player="hal", ticket="t8", **gone)
    verdict = log.judge()

    assert len(verdict.breaches) == 10
    assert verdict.untold == 15


def test_liveness_is_not_judged_before_the_run_was_drained():
    log = good_run()
    log.drop("run.drained")
    log.drop("ticket.expired", ticket="t8")
    log.drop("bot.told", ticket="t8", status="TIMED_OUT")
    log.find("run.ended")["final"] |= {"waiting": 1, "live_tickets": 1}
    verdict = log.judge()

    assert verdict.breaches == ()
    assert verdict.judged["13 when faults stop, everything comes to its end"] == 0
