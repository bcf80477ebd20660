"""Why a match was made, as its receipt says."""

import json

import msgspec
import pytest

from core.ids import PlayerId, TicketId
from matchmaker.engine.passes import passes
from matchmaker.engine.pool import PoolView
from matchmaker.engine.receipt import Receipt
from matchmaker.rules import flexmatch
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.rules.ruleset import RuleSet
from matchmaker.rules.window import as_rule_set
from matchmaker.tickets import TicketPlayer, WaitingTicket


def rules(*, modes: int = 1) -> RuleSet:
    near = {"name": "near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 100}
    mode = {"name": "mode", "type": "batchDistance", "batchAttribute": "mode"}
    many = [{**near, "name": f"near{n}"} for n in range(100)] if modes > 1 else [near, mode]
    return flexmatch.load(
        json.dumps(
            {
                "name": "duels",
                "ruleLanguageVersion": "1.0",
                "playerAttributes": [
                    {"name": "skill", "type": "number"},
                    {"name": "mode", "type": "string", "default": "any"},
                ],
                "teams": [
                    {"name": name, "minPlayers": 1, "maxPlayers": 1} for name in ("red", "blue")
                ],
                "rules": many,
                "expansions": [
                    {
                        "target": f"rules[{many[0]['name']}].maxDistance",
                        "steps": [{"waitTimeSeconds": 5, "value": 200}],
                    }
                ],
            }
        )
    )


def ticket(name: str, skill: float, at_s: float, mode: str = "any") -> WaitingTicket:
    member = TicketPlayer(PlayerId(name), skill, {"skill": skill, "mode": mode})
    return WaitingTicket(TicketId(name), (member.id,), skill, int(at_s * 1000), "", (member,))


def party(name: str, size: int, rating: float) -> WaitingTicket:
    members = tuple(
        TicketPlayer(PlayerId(f"{name}{n}"), rating, {"rating": rating}) for n in range(size)
    )
    return WaitingTicket(TicketId(name), tuple(one.id for one in members), rating, 0, "", members)


def receipts(whole, waiting, *, now_s: float, wait_s: float = 0.0) -> list[Receipt | None]:
    view = PoolView.of(list(waiting))
    done = passes(whole, wait_s=wait_s).matches(view, now_ms=int(now_s * 1000), matches_max=64)
    return [found.receipt for found in done.found]


def test_it_names_rules_terms_and_what_the_wait_has_relaxed():
    waiting = [ticket("a", 1500, 0), ticket("b", 1650, 4), ticket("c", 1500, 9, mode="other")]

    (receipt,) = receipts(rules(), waiting, now_s=10)

    assert receipt is not None
    assert (receipt.name, receipt.rules) == ("duels", rules().version())
    assert receipt.terms == {"near": 0.25, "even team sizes": 1.0, "even parties": 1.0}
    assert receipt.quality == pytest.approx(0.75)
    assert receipt.in_force == ("near.maxDistance is 200",)
    assert (receipt.age_s, receipt.waited_s) == (6.0, 8.0)
    assert (receipt.waiting, receipt.candidates, receipt.found) == (3, 1, 1)
    assert receipt.because == "allowed"


def test_it_says_what_the_dial_asked_for():
    pair = [ticket("a", 1500, 0), ticket("b", 1530, 0)]
    crowd = [ticket(f"x{n}", 5000 + 300 * n, 17 + n % 3) for n in range(120)]

    (waited,) = receipts(rules(), [*pair, *crowd], now_s=20, wait_s=20)
    (thin,) = receipts(rules(), pair, now_s=100, wait_s=3000)

    assert waited is not None
    assert thin is not None
    assert (waited.because, waited.waited_s) == ("waited", 20.0)
    assert waited.bar_s == pytest.approx(20 * (1 - waited.quality))
    assert thin.because == "thin"


def test_it_is_bounded_however_many_rules_there_are():
    pair = [ticket("a", 1500, 0), ticket("b", 1530, 0)]

    (receipt,) = receipts(rules(modes=2), pair, now_s=1)

    assert len(msgspec.json.encode(receipt)) < 2048


def test_a_rating_window_has_one_too():
    window = Rules(("red", "blue"), 1, RatingWindow(100, 0, 100))
    waiting = [ticket("a", 1500, 0), ticket("b", 1525, 1), ticket("c", 9000, 1)]

    (receipt,) = receipts(window, waiting, now_s=2)

    assert receipt is not None
    assert receipt.terms == {"rating": 0.75, "even team sizes": 1.0, "even parties": 1.0}
    assert receipt.quality == pytest.approx(2.75 / 3, abs=1e-6)
    assert (receipt.candidates, receipt.waited_s) == (1, 1.5)


def test_a_window_and_a_rule_set_that_says_the_same_call_a_match_equally_good():
    window = Rules(("red", "blue"), 2, RatingWindow(100, 10, 200))
    waiting = [party("a", 2, 1500), party("b", 1, 1540), party("c", 1, 1480), party("d", 2, 1900)]

    (by_window,) = receipts(window, waiting, now_s=3)
    (by_rules,) = receipts(as_rule_set(window), waiting, now_s=3)

    assert by_window is not None
    assert by_rules is not None
    assert by_window.terms == by_rules.terms
    assert by_window.quality == by_rules.quality < 1.0


def test_it_counts_the_better_matches_of_its_pass_under_a_window_too():
    window = Rules(("red", "blue"), 1, RatingWindow(100, 0, 100))
    waiting = [
        ticket("a", 1500, 0),
        ticket("b", 1550, 0),
        ticket("c", 5000, 1),
        ticket("d", 5001, 1),
    ]

    found = receipts(window, waiting, now_s=2)

    assert [(one.found, one.better) for one in found if one] == [(2, 1), (2, 0)]
