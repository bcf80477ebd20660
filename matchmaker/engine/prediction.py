"""How even a match is expected to be, from ratings that nobody knows exactly.

A team is as strong as its players together, and as uncertain. By the Plackett-Luce model it
wins with probability exp(mu / c) over the sum of that of all teams, where c is the root of
the sum, over the teams, of its variance and beta squared.
Source: Weng, Lin, A Bayesian Approximation Method for Online Ranking, JMLR 12 (2011), 4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from matchmaker.rules.members import Lineup
from matchmaker.rules.ruleset import SIGMA, RuleSet

BETA_SHARE = 0.5
"""Of a newcomer's uncertainty: how much a player's form varies from match to match. TrueSkill
and OpenSkill both begin with it."""

BETA = 200.0
"""Where no default tells what a newcomer's uncertainty is: the class width of Elo's scale."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A number of each player that is uncertain."""

    attribute: str
    sigma: str
    """The attribute that is its standard deviation."""

    beta: float


@lru_cache(maxsize=512)
def rated(rules: RuleSet) -> Rated | None:
    """The first number that a rule set declares together with its uncertainty."""
    for name, one in rules.attributes.items():
        sigma = rules.attributes.get(name + SIGMA)
        if one.type == "number" and sigma is not None and sigma.type == "number":
            known = isinstance(sigma.default, int | float) and sigma.default > 0
            return Rated(name, sigma.name, BETA_SHARE * sigma.default if known else BETA)
    return None


def balance(means: Sequence[float], variances: Sequence[float], beta: float) -> float:
    """How even some teams are: their number times the chance of the weakest, 0 to 1.

    >>> balance([3000, 3000], [0, 0], 200)
    1.0
    >>> round(balance([3200, 3000], [0, 0], 200), 3)
    0.66
    >>> round(balance([3200, 3000], [2 * 400**2, 2 * 400**2], 200), 3)
    0.882
    """
    spread = math.sqrt(sum(variances) + len(means) * beta * beta)
    strongest = max(means)
    shares = [math.exp((mean - strongest) / spread) for mean in means]
    return len(shares) * min(shares) / sum(shares)


def predicted(lineup: Lineup, one: Rated) -> float:
    """How even a match is expected to be."""
    teams = [
        [player.attributes for party in lineup.seated[team.name] for player in party.players]
        for team in lineup.order
    ]
    means = [sum(float(player[one.attribute]) for player in team) for team in teams]
    variances = [sum(float(player[one.sigma]) ** 2 for player in team) for team in teams]
    return balance(means, variances, one.beta)
