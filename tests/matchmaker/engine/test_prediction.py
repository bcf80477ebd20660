"""Predicted balance: the published formula, the same over columns, and told in receipts."""

import math
import random

import numpy as np
import pytest

from matchmaker.api.enlisting import enlisted
from matchmaker.api.shapes import Member
from matchmaker.engine.batch import Batch
from matchmaker.engine.compiled import columns_for, compiled
from matchmaker.engine.engine import Engine
from matchmaker.engine.prediction import BETA, balance, rated
from matchmaker.engine.quality import PREDICTED, quality, terms
from matchmaker.engine.worth import worth
from matchmaker.rules import files
from matchmaker.rules.members import Party, Player
from matchmaker.rules.ruleset import RuleSet
from matchmaker.settings import QueueSettings

SKILL = "skill: {attribute: mmr, within: 400, sigma: 400}\n"


def party(name: str, *players: tuple[float, float]) -> Party:
    return Party(
        name,
        tuple(
            Player(f"{name}.{n}", {"mmr": mmr, "mmr_sigma": sigma})
            for n, (mmr, sigma) in enumerate(players)
        ),
    )


@pytest.mark.parametrize(
    ("means", "variances", "wanted"),
    [
        ([1500, 1500], [0, 0], 1.0),
        # By hand: c = 200 * sqrt(2), and the weaker wins with 1 / (1 + exp(200 / c)).
        ([1700, 1500], [0, 0], 2 / (1 + math.exp(1 / math.sqrt(2)))),
        # c = sqrt(3 * 200**2 + 3 * 100**2).
        ([0, 300, 0], [1e4, 1e4, 1e4], 3 / (2 + math.exp(300 / math.sqrt(150_000)))),
        ([1e9, 0], [0, 0], 0.0),
    ],
)
def test_balance_is_that_of_the_published_formula(means, variances, wanted: float):
    assert balance(means, variances, 200.0) == pytest.approx(wanted)


def test_what_is_uncertain_is_told_by_the_names():
    known = rated(files.load("teams: {red: 1, blue: 1}\n" + SKILL))
    bare = rated(files.load("teams: {red: 1, blue: 1}\nskill: 100\n"))
    assert (known.attribute, known.sigma, known.beta) == ("mmr", "mmr_sigma", 200.0)
    assert bare is None
    assert BETA == 200.0


@pytest.mark.parametrize("teams", ["{red: 3, blue: 3}", "{a: 2, b: 2, c: 2}", "{squad: 21 of 2}"])
def test_many_matches_at_once_are_worth_what_each_is_by_itself(teams: str):
    rules = files.load(f"teams: {teams}\n{SKILL}balance: mmr\n").at(0)
    columns, dice = columns_for(rules), random.Random(2)
    rows, seats = [], []
    for match in range(12):
        line = []
        for team in range(len(rules.teams)):
            sizes = [rules.teams[team].max_players - 1, 1]
            for n, size in enumerate(sizes):
                some = [(dice.gauss(1500, 80), dice.uniform(0, 400)) for _ in range(size)]
                columns.add(one := party(f"{match}.{team}.{n}", *some))
                line.append((columns.row(one.id), team))
        rows.append([row for row, _ in line])
        seats.append([team for _, team in line])
    batch = Batch(columns, np.array(rows), np.array(seats, np.int16))

    found = worth(batch, compiled(rules))

    alone = [quality(batch.lineup(n, rules.teams), rules) for n in range(len(batch))]
    assert found.tolist() == pytest.approx(alone, abs=2e-6)


def made(rules: RuleSet, *parties: Party):
    engine = Engine(rules)
    for one in parties:
        engine.add(one)
    (match,) = engine.pass_(1.0)
    return engine, match


def test_a_receipt_tells_the_predicted_balance():
    rules = files.load("teams: {red: 1, blue: 1}\n" + SKILL)
    engine, match = made(rules, party("a", (1700, 0)), party("b", (1500, 0)))

    told = engine.receipt(match).terms

    assert told[PREDICTED] == pytest.approx(0.6605, abs=1e-4)
    assert told["skill"] == 0.5


def test_a_gap_weighs_less_between_those_whom_nobody_knows_yet():
    rules = files.load("teams: {red: 1, blue: 1}\n" + SKILL)
    _, known = made(rules, party("a", (1700, 0)), party("b", (1500, 0)))
    _, new = made(rules, party("a", (1700, 400)), party("b", (1500, 400)))

    assert new.quality > known.quality
    assert dict(terms(new.lineup, rules))[PREDICTED] == pytest.approx(balance(
        [1700, 1500], [400**2, 400**2], 200.0
    ))  # fmt: skip


def test_the_uncertainty_of_a_rating_comes_from_whoever_is_trusted():
    rules = files.load("teams: {red: 1, blue: 1}\nskill: {within: 100, sigma: 350}\n")
    queue = QueueSettings("duel", rules, "arena")
    member = Member("ann", rating=1700.0, rating_sigma=60.0)

    (ours,) = enlisted([member], queue, trusted=True)
    (theirs,) = enlisted([member], queue, trusted=False)

    assert ours.attributes == {"rating": 1700.0, "rating_sigma": 60.0}
    assert theirs.attributes == {"rating": 1500.0}
