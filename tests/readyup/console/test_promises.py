"""The promises, judged on events as they come: healthy evenings, and each way to break one."""

import copy
from typing import Any

import pytest

from readyup.console.promises import AGAIN_MS, GRACE_MS, LEAK_MS, SETTLE_MS, LiveCheck
from readyup.console.snapshot import Promises

QUEUE, FLEET = "queue/duel", "fleet/arena"
LIFETIME_MS = 600_000
NAMES = {"match": "duel.m", "room": "u1/0", "server": "u1"}
TEAMS = {"red": [["duel.a", "p1"]], "blue": [["duel.b", "p2"]]}
TICKETS = ["duel.a", "duel.b"]
PLACE = {**NAMES, "fleet": "arena", "session_epoch": 1}

Line = tuple[str, dict[str, Any]]


def said(src: str, k: str, t: int, **fields: object) -> Line:
    return src, {"k": k, "t": t, "i": f"{t}-0", **copy.deepcopy(fields)}


BEGIN = [
    said(QUEUE, "leader.elected", 1, epoch=1, holder="d1"),
    said(FLEET, "room.added", 2, room="u1/0", server="u1"),
    said(QUEUE, "ticket.enqueued", 10, ticket="duel.a", players=["p1"], key="k1"),
    said(QUEUE, "ticket.enqueued", 20, ticket="duel.b", players=["p2"]),
]
PLACED = [
    said(QUEUE, "match.proposed", 30, match="duel.m", epoch=1, tickets=TICKETS),
    said(FLEET, "room.claimed", 31, session_epoch=1, **NAMES),
    said(QUEUE, "match.committed", 32, match="duel.m", epoch=1, tickets=TICKETS, teams=TEAMS),
    said(QUEUE, "match.announced", 33, tickets=TICKETS, epoch=1, **PLACE),
    said(FLEET, "room.acked", 40, session_epoch=1, **NAMES),
]
PLAYED = [
    said(FLEET, "room.released", 3000, session_epoch=1, reason="finished", **NAMES),
    said(FLEET, "session.ended", 3000, match="duel.m", session_epoch=1, reason="finished"),
    said(QUEUE, "match.ended", 3001, match="duel.m", reason="finished"),
]


def check_of(lines: list[Line], *, midway: bool = False) -> LiveCheck:
    check = LiveCheck({"duel": LIFETIME_MS})
    if midway:
        check.begins_midway(QUEUE)
        check.begins_midway(FLEET)
    for src, fields in lines:
        check.take(src, fields)
        check.turn(fields["t"])
    return check


def details(check: LiveCheck) -> str:
    return "\n".join(one.detail for one in check.broken())


def test_a_healthy_evening_breaks_nothing_and_is_forgotten():
    check = check_of([*BEGIN, *PLACED, *PLAYED])
    check.turn(LIFETIME_MS + GRACE_MS + AGAIN_MS)
    story = check._walk.story

    assert check.promises() == Promises(breaches=0, lost=0, leaked=0, events=12)
    assert check.broken() == ()
    assert check.is_whole()
    assert min(n for name, n in check.judged().items() if name[:2] in "1 2 3 4 5 7 8 9 ") > 0
    assert (story.tickets, story.matches) == ({}, {})
    assert story.fleets["arena"].sessions == {}


def test_newcomers_are_forgotten_after_the_match_that_they_joined():
    fill = {"match": "duel.f", "of": "duel.m", "epoch": 1, "tickets": ["duel.c"]}
    came = [
        said(QUEUE, "ticket.enqueued", 100, ticket="duel.c", players=["p3"]),
        said(QUEUE, "match.proposed", 110, **fill),
        said(QUEUE, "match.committed", 111, teams={"red": [["duel.c", "p3"]]}, **fill),
        said(QUEUE, "match.announced", 112, **{**PLACE, **fill}),
    ]
    check = check_of([*BEGIN, *PLACED, *came])
    check.turn(2 * AGAIN_MS)
    while_it_runs = set(check._walk.story.matches)
    for src, fields in PLAYED:
        check.take(src, fields)
    check.turn(4 * AGAIN_MS)
    check.turn(6 * AGAIN_MS)
    story = check._walk.story

    assert while_it_runs == {"duel.m", "duel.f"}
    assert (story.tickets, story.matches) == ({}, {})
    assert check.broken() == ()


def test_a_ticket_in_two_matches_is_named():
    again = {"match": "duel.n", "epoch": 1, "tickets": TICKETS}
    check = check_of(
        [
            *BEGIN,
            *PLACED,
            said(QUEUE, "match.proposed", 50, **again),
            said(QUEUE, "match.committed", 51, teams=TEAMS, **again),
        ]
    )

    assert check.promises().breaches == 2
    assert "ticket duel.a is committed to duel.n, and was to duel.m" in details(check)


def test_a_room_with_two_holders_is_named():
    other = {**NAMES, "match": "duel.n", "session_epoch": 1}
    check = check_of([*BEGIN, *PLACED, said(FLEET, "room.claimed", 50, **other)])

    assert "duel.n takes room u1/0 while duel.m holds it" in details(check)


def test_an_announced_place_that_no_fleet_gave_is_named_once_both_streams_were_read():
    told = {**PLACE, "room": "u9/0", "server": "u9"}
    lines = [*BEGIN, *PLACED[:3], said(QUEUE, "match.announced", 33, tickets=TICKETS, **told)]
    check = check_of(lines)
    early = check.promises().breaches
    check.turn(33 + SETTLE_MS)
    check.turn(33 + 3 * SETTLE_MS)

    assert early == 0
    assert check.promises().breaches == 1
    assert "sent to room u9/0" in details(check)


def test_a_ticket_older_than_its_lifetime_is_lost_until_it_ends():
    check = check_of(BEGIN)
    check.turn(10 + LIFETIME_MS + GRACE_MS)
    lost, why = check.promises().lost, details(check)
    check.turn(20 + LIFETIME_MS + GRACE_MS + 1000)
    both = check.promises().lost
    check.take(*said(QUEUE, "ticket.expired", 700_000, ticket="duel.a", reason="lifetime"))
    check.turn(700_000)

    assert (lost, both, check.promises().lost) == (1, 2, 1)
    assert "duel.a is older than its lifetime" in why


def test_a_ticket_whose_match_was_never_announced_is_lost():
    check = check_of([*BEGIN, *PLACED[:3]])
    check.turn(20 + LIFETIME_MS + GRACE_MS)

    assert check.promises().lost == 2


def test_a_room_held_after_its_session_is_a_leak_once_nobody_tidied_it_up():
    check = check_of([*BEGIN, *PLACED, *PLAYED[1:]])
    check.turn(5_000)
    early = check.promises().leaked
    check.turn(5_000 + LEAK_MS + 1)
    late, why = check.promises().leaked, details(check)
    check.take(*PLAYED[0])
    check.turn(7_000 + LEAK_MS)

    assert (early, late, check.promises().leaked) == (0, 1, 0)
    assert "room u1/0 is held for duel.m, whose session there is over" in why


def test_a_room_held_for_a_match_that_no_queue_proposed_is_a_leak():
    claimed = said(FLEET, "room.claimed", 31, session_epoch=1, **NAMES)
    check = check_of([*BEGIN, claimed])
    check.turn(2_000)
    check.turn(2_001 + LEAK_MS)

    assert check.promises().leaked == 1


@pytest.mark.parametrize("first", range(1, 12))
def test_what_began_before_we_listened_is_no_breach(first: int):
    check = check_of([*BEGIN, *PLACED, *PLAYED][first:], midway=True)
    check.turn(10 * LIFETIME_MS)

    assert check.promises() == Promises(breaches=0, lost=0, leaked=0, events=12 - first)
    assert not check.is_whole()
    assert check._walk.story.matches == {}


def test_what_began_under_our_eyes_is_judged_even_when_the_stream_began_before():
    twice = said(QUEUE, "ticket.enqueued", 60, ticket="duel.a", players=["p1"])
    check = check_of([*BEGIN, *PLACED, twice], midway=True)

    assert "ticket duel.a is enqueued again after it left" in details(check)


def test_after_missed_events_it_begins_again_and_keeps_what_was_broken():
    other = {**NAMES, "match": "duel.n", "session_epoch": 1}
    check = check_of([*BEGIN, *PLACED, said(FLEET, "room.claimed", 50, **other)])
    check.begin_again()
    for src, fields in PLAYED:
        check.take(src, fields)
    check.turn(10 * LIFETIME_MS)

    assert check.promises().breaches == 1
    assert check.promises().events == 13
    assert "duel.n takes room" in details(check)


def test_what_is_no_event_of_ours_is_passed_over():
    check = check_of([*BEGIN, said(QUEUE, "ticket.enqueued", 50), said(QUEUE, "tea.poured", 60)])

    assert check.promises() == Promises(breaches=0, lost=0, leaked=0, events=6)


def test_a_key_may_be_used_again_when_its_time_is_over():
    check = check_of([*BEGIN, *PLACED, *PLAYED])
    late_ms = LIFETIME_MS + GRACE_MS + 10_000
    check.turn(late_ms)
    again = {"ticket": "duel.z", "players": ["p1"], "key": "k1"}
    check.take(*said(QUEUE, "ticket.enqueued", late_ms, **again))

    assert check.promises().breaches == 0
