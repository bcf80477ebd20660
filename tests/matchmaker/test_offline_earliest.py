"""The first match of small crowds, beside a search that looks at everything at every instant."""

import json
import random
from collections.abc import Sequence
from itertools import product

import pytest

from matchmaker.arrivals import Arrival
from matchmaker.offline import Outcome, run
from matchmaker.rules import flexmatch
from matchmaker.rules.applicants import party
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import RuleSet
from tests.matchmaker.engine.test_forming import RULES
from tests.matchmaker.tried import who

WIDENED = {
    "maxDistance": [{"waitTimeSeconds": 2, "value": 4}, {"waitTimeSeconds": 5, "value": 9}],
    "minCount": [{"waitTimeSeconds": 4, "value": 0}],
    "maxLatency": [{"waitTimeSeconds": 3, "value": 75}],
}

First = tuple[float, str, int]
"""When, the longest waiting ticket, and how many players."""


def any_rules(dice: random.Random) -> RuleSet:
    chosen = dice.sample(RULES, dice.randint(1, 3))
    wider = [
        {"target": f"rules[r{n}].{key}", "steps": steps}
        for n, rule in enumerate(chosen)
        for key, steps in WIDENED.items()
        if key in rule
    ]
    high = dice.randint(1, 3)
    low = dice.randint(1, high)
    if low > 1:
        steps = [{"waitTimeSeconds": dice.choice((1, 6)), "value": 1}]
        wider.append({"target": "teams[red].minPlayers", "steps": steps})
    declared = {"skill": "number", "mode": "string", "maps": "string_list"}
    age = dice.choice(("newest", "oldest"))
    return flexmatch.load(
        json.dumps({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{"name": name, "type": of} for name, of in declared.items()],
            "algorithm": {"strategy": "exhaustiveSearch", "expansionAgeSelection": age},
            "teams": [
                {"name": "red", "minPlayers": low, "maxPlayers": high},
                {"name": "blue", "minPlayers": 1, "maxPlayers": dice.randint(1, 2)},
            ],
            "rules": [{"name": f"r{n}", **rule} for n, rule in enumerate(chosen)],
            "expansions": wider,
        })
    )  # fmt: skip


def any_arrival(
    n: int, at_s: float, dice: random.Random, sizes: Sequence[int] = (1, 1, 1, 2)
) -> Arrival:
    players = [
        {
            "id": f"p{n}.{k}",
            "attributes": {
                "skill": dice.randint(0, 9),
                "mode": dice.choice("xxy"),
                "maps": dice.sample("abc", dice.randint(1, 2)),
            },
            "latency_ms": {region: dice.choice((20, 40, 70)) for region in ("eu", "us")},
        }
        for k in range(dice.choice(sizes))
    ]
    return Arrival(f"t{n}", players, at_s)


def plainly(rules: RuleSet, parties: list[Party]) -> First | None:
    """The first match there is, from every way to seat everybody at every instant."""
    for now_s in sorted({one.at_s + wait_s for one in parties for wait_s in rules.ages_s()}):
        there = [one for one in parties if one.at_s <= now_s]
        found: dict[int, int] = {}
        for seats in product((None, *rules.team_names()), repeat=len(there)):
            playing = [n for n, team in enumerate(seats) if team]
            if not playing:
                continue
            ages_s = [now_s - there[n].at_s for n in playing]
            age_s = min(ages_s) if rules.algorithm.age == "newest" else max(ages_s)
            lineup = Lineup.empty(rules.at(age_s).teams)
            for n in playing:
                lineup.seated[str(seats[n])].append(there[n])
            if meets_all(lineup, rules.at(age_s)):
                found[playing[0]] = max(found.get(playing[0], 0), lineup.players())
        if found:
            return now_s, there[min(found)].id, found[min(found)]
    return None


def first(outcome: Outcome, parties: list[Party]) -> First | None:
    """The first match that was made."""
    if not outcome.matches:
        return None
    playing = [one for one in parties if one.id in who(outcome)]
    return outcome.matches[0].time_s, playing[0].id, sum(one.size() for one in playing)


BLOCKS = [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 5))]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_first_match_is_the_earliest_of_the_longest_waiting_and_the_fullest(block: int):
    for seed in range(block * 30, block * 30 + 30):
        dice = random.Random(seed)
        rules, at_s = any_rules(dice), 0.0
        arrivals = []
        for n in range(dice.randint(2, 5)):
            at_s += dice.choice((0, 0.5, 1, 2))
            arrivals.append(any_arrival(n, at_s, dice))
        # Whoever is rejected could not have played: they are among those who are looked at here.
        parties = [
            party(one.id, list(one.players), one.at_s, rules)
            for one in arrivals
            if len(one.players) <= rules.party_max()
        ]

        outcome = run(rules, arrivals)

        assert first(outcome, parties) == plainly(rules, parties), seed
