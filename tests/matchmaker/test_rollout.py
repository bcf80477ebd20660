"""Two versions of a queue's rules at once: who goes by which, and that no match has both."""

import json
import random

import pytest

from core.errors import Invalid
from core.ids import FleetName, PlayerId, QueueName, TicketId
from matchmaker.engine.pool import PoolView
from matchmaker.rollout import engine
from matchmaker.rules import flexmatch
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.rules.rollout import Rollout
from matchmaker.rules.ruleset import RuleSet
from matchmaker.settings import QueueSettings
from matchmaker.tickets import TicketPlayer, WaitingTicket


def rules(distance: float, *, names: tuple[str, str] = ("red", "blue"), wants: str = "") -> RuleSet:
    declared = [{"name": "skill", "type": "number"}]
    declared += [{"name": wants, "type": "number"}] if wants else []
    near = {"name": "near", "type": "batchDistance", "batchAttribute": "skill"}
    return flexmatch.load(
        json.dumps(
            {
                "ruleLanguageVersion": "1.0",
                "playerAttributes": declared,
                "teams": [{"name": name, "minPlayers": 1, "maxPlayers": 1} for name in names],
                "rules": [{**near, "maxDistance": distance}],
            }
        )
    )


def waiting(many: int, *, at_ms: int = 0) -> list[WaitingTicket]:
    dice = random.Random(many)
    return [
        WaitingTicket(
            TicketId(f"t{n}"),
            (PlayerId(f"p{n}"),),
            1500.0,
            at_ms + n,
            "",
            (TicketPlayer(PlayerId(f"p{n}"), 1500.0, {"skill": dice.gauss(1500, 100)}),),
        )
        for n in range(many)
    ]


def made(own, rollout: Rollout, tickets: list[WaitingTicket], *, now_ms: int):
    both = engine(own, rollout, wait_s=0.0)
    return both.matches(PoolView.of(tickets), now_ms=now_ms, matches_max=1000).found


@pytest.mark.parametrize("percent", [0, 5, 50, 100])
def test_about_so_many_are_chosen_and_always_the_same(percent: float):
    rollout = Rollout(rules(10), percent)
    names = [f"duel.{n:08x}" for n in range(4000)]

    chosen = [name for name in names if rollout.chooses(name)]

    assert len(chosen) == pytest.approx(40 * percent, abs=120)
    assert chosen == [name for name in names if Rollout(rules(10), percent).chooses(name)]


def test_another_version_chooses_others():
    names = [f"duel.{n:08x}" for n in range(400)]

    one, other = (
        {name for name in names if Rollout(rules(distance), 50).chooses(name)}
        for distance in (10, 11)
    )

    assert one != other


def test_every_match_goes_by_one_version_from_its_first_player_to_its_last():
    own, rollout = rules(400), Rollout(rules(20), 50)

    found = made(own, rollout, waiting(120), now_ms=1000)

    for match in found:
        chosen = {rollout.chooses(one.id) for team in match.teams for one in team}
        assert len(chosen) == 1
        assert match.receipt is not None
        assert match.receipt.rules == (rollout.rules if chosen.pop() else own).version()
    assert {match.receipt and match.receipt.rules for match in found} == {
        own.version(),
        rollout.rules.version(),
    }
    firsts = [min(one.enqueued_ms for team in match.teams for one in team) for match in found]
    assert firsts == sorted(firsts)


def test_who_has_waited_long_enough_among_the_chosen_goes_by_the_queues_own():
    lonely = Rollout(rules(0.001), 100, mercy_s=30)

    assert made(rules(400), lonely, waiting(10), now_ms=29_000) == []
    assert len(made(rules(400), lonely, waiting(10), now_ms=31_000)) == 5


def test_whom_the_new_rules_could_never_match_goes_by_the_queues_own():
    picky = rules(400, wants="karma")

    assert len(made(rules(400), Rollout(picky, 100), waiting(10), now_ms=1000)) == 5


def test_teams_stand_in_the_order_of_the_queues_own_rules_and_keep_their_people():
    rollout = Rollout(rules(400, names=("blue", "red")), 100)
    tickets = waiting(2)

    (match,) = made(Rules(("red", "blue"), 1, RatingWindow(1, 0, 1)), rollout, tickets, now_ms=1000)

    assert {one.id for team in match.teams for one in team} == {"t0", "t1"}
    assert all(one in tickets for team in match.teams for one in team)


def test_teams_of_other_names_are_refused():
    with pytest.raises(Invalid, match="would not know them"):
        QueueSettings(
            QueueName("duel"),
            rules(1),
            FleetName("arena"),
            rollout_rules=Rollout(rules(1, names=("hunters", "prey")), 5),
        )


@pytest.mark.parametrize("wrong", [{"percent": 101}, {"percent": 5, "mercy_s": 0}])
def test_numbers_without_a_meaning_are_refused(wrong: dict[str, float]):
    with pytest.raises(Invalid, match="outside"):
        Rollout(rules(1), **wrong)
