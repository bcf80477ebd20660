"""A recorded hour under other rules: the same people, another outcome."""

import json
from typing import Any

import pytest

from core.errors import Invalid
from matchmaker.comparison import compare
from matchmaker.recording import recorded
from matchmaker.rules import flexmatch
from matchmaker.rules.ruleset import RuleSet


def rules(distance: float) -> RuleSet:
    return flexmatch.load(
        json.dumps(
            {
                "ruleLanguageVersion": "1.0",
                "playerAttributes": [{"name": "skill", "type": "number"}],
                "teams": [
                    {"name": "red", "minPlayers": 1, "maxPlayers": 1},
                    {"name": "blue", "minPlayers": 1, "maxPlayers": 1},
                ],
                "rules": [
                    {
                        "name": "Near",
                        "type": "batchDistance",
                        "batchAttribute": "skill",
                        "maxDistance": distance,
                    }
                ],
            }
        )
    )


def enqueued(ticket: str, t: int, mmr: float) -> dict[str, Any]:
    body = json.dumps({"players": [f"p-{ticket}"], "mmr": mmr})
    return {"k": "ticket.enqueued", "src": "queue/duel", "t": t, "ticket": ticket, "body": body}


def committed(t: int, red: str, blue: str) -> dict[str, Any]:
    teams = {"red": [[red, f"p-{red}"]], "blue": [[blue, f"p-{blue}"]]}
    return {
        "k": "match.committed", "src": "queue/duel", "t": t, "match": "m", "epoch": 1,
        "tickets": [red, blue], "teams": teams,
    }  # fmt: skip


HOUR = [
    {"k": "run.started", "src": "run", "t": 1},
    enqueued("a", 1000, 1500),
    enqueued("b", 2000, 1900),
    committed(3000, "a", "b"),
    enqueued("c", 5000, 1510),
    {"k": "ticket.cancelled", "src": "queue/duel", "t": 9000, "ticket": "c"},
    enqueued("other", 5000, 1) | {"src": "queue/squad"},
]


def test_narrow_rules_make_better_matches_of_those_who_waited_longer():
    found = compare(recorded(HOUR, "duel"), rules(50))

    assert (found.tickets, found.then.matches, found.now.matches) == (3, 1, 1)
    assert found.then.waits_s == (1.0, 2.0)
    assert found.now.waits_s == (0.0, 4.0)
    assert found.now.quality(0.5) > found.then.quality(0.5)


def test_the_rules_of_then_make_the_matches_of_then():
    found = compare(recorded(HOUR, "duel"), rules(400))

    assert found.now.matches == found.then.matches
    assert found.now.matched() == found.then.matched()


def test_newcomers_to_a_match_that_ran_waited_and_make_no_other_match():
    came = committed(6000, "c", "c") | {"of": "m", "tickets": ["c"], "teams": {"red": [["c", "p"]]}}
    filled = [*HOUR[:-2], came]

    found = compare(recorded(filled, "duel"), rules(400))

    assert (found.then.matches, len(found.then.qualities)) == (1, 1)
    assert found.then.waits_s == (1.0, 1.0, 2.0)


def test_who_left_leaves_again():
    late = [*HOUR, enqueued("d", 9500, 1510)]

    found = compare(recorded(late, "duel"), rules(20))

    assert found.now.matches == 1  # a and c; d comes when c is gone


def test_nobody_is_matched_while_the_queue_stands_still():
    still = [
        {"src": "director/duel", "k": kind, "now_ms": now_ms}
        for kind, now_ms in (("resumed", 0), ("paused", 1500), ("resumed", 6000))
    ]

    found = compare(recorded([*HOUR, *still], "duel"), rules(400))

    assert found.now.waits_s == (4.0, 5.0)


def test_a_queue_that_nobody_came_to_is_told():
    with pytest.raises(Invalid, match="nobody in queue 'chess'"):
        recorded(HOUR, "chess")
