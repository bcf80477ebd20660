"""Made-up crowds for the engine's benchmarks: three games, their rules, and who queues for them."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matchmaker.rules.flexmatch import load
from matchmaker.rules.members import Party, Player
from matchmaker.rules.ruleset import RuleSet

REGIONS = ("eu-west", "us-east", "ap-south")
NEAR_MS = 80
_SKILLS = "flatten(teams[*].players.attributes[skill])"


@dataclass(frozen=True, slots=True)
class Game:
    """A kind of match, and the parties who want it."""

    name: str
    told: str
    rules: Callable[[], RuleSet]
    party: Callable[[int, float, random.Random], Party]
    """From a number, when it comes, and chance."""

    players: int
    """In one match."""

    aim: tuple[int, float] | None = None
    """Tickets, and seconds in which a pass over them shall be done."""

    def crowd(self, tickets: int, seed: int) -> Iterator[Party]:
        """So many parties who came one after the other within ten seconds."""
        dice = random.Random(seed)
        for n in range(tickets):
            yield self.party(n, 10.0 * n / tickets, dice)


def _solo(n: int, at_s: float, dice: random.Random) -> Party:
    return Party(f"t{n}", (Player(f"p{n}", {"skill": dice.gauss(1500, 300)}),), at_s)


def _squad(n: int, at_s: float, dice: random.Random) -> Party:
    size = dice.choices((1, 2, 3, 4, 5), (60, 20, 10, 5, 5))[0]
    roles = [dice.choices(("tank", "healer", "damage"), (25, 25, 50))[0] for _ in range(size)]
    if size >= 4:  # who comes as a team has agreed on it
        roles[:2] = ["tank", "healer"]
    skill, near = dice.gauss(1500, 300), _latencies(dice)
    return Party(
        f"t{n}",
        tuple(
            Player(f"p{n}.{k}", {"skill": skill + dice.gauss(0, 40), "role": role}, near)
            for k, role in enumerate(roles)
        ),
        at_s,
    )


def _friends(n: int, at_s: float, dice: random.Random) -> Party:
    size = dice.choices((1, 2, 3, 4), (50, 20, 10, 20))[0]
    skill, near = dice.gauss(1500, 300), _latencies(dice)
    return Party(
        f"t{n}",
        tuple(Player(f"p{n}.{k}", {"skill": skill + dice.gauss(0, 40)}, near) for k in range(size)),
        at_s,
    )


def _latencies(dice: random.Random) -> dict[str, float]:
    """Near one region, and now and then not too far from another."""
    home = dice.randrange(len(REGIONS))
    return {
        region: round(dice.uniform(10, 60) if n == home else dice.uniform(60, 180), 1)
        for n, region in enumerate(REGIONS)
    }


def _duel_rules() -> RuleSet:
    return _load(
        teams=[{"name": name, "minPlayers": 1, "maxPlayers": 1} for name in ("red", "blue")],
        rules=[{"name": "skill", "type": "batchDistance", "batchAttribute": "skill",
                "maxDistance": 100}],
        expansions=[_wider("skill", 200, 400)],
    )  # fmt: skip


def _squad_rules() -> RuleSet:
    roles = [
        {"name": f"{role} in {team}", "type": "collection", "operation": "contains",
         "measurements": [f"teams[{team}].players.attributes[role]"],
         "referenceValue": role, "minCount": 1}
        for role in ("tank", "healer") for team in ("red", "blue")
    ]  # fmt: skip
    return _load(
        attributes=[{"name": "role", "type": "string"}],
        teams=[{"name": name, "minPlayers": 5, "maxPlayers": 5} for name in ("red", "blue")],
        rules=[
            {"name": "skill", "type": "distance", "measurements": [_SKILLS],
             "referenceValue": f"avg({_SKILLS})", "maxDistance": 150},
            {"name": "fair", "type": "distance",
             "measurements": ["avg(teams[*].players.attributes[skill])"],
             "referenceValue": f"avg({_SKILLS})", "maxDistance": 25},
            *roles,
            {"name": "near", "type": "latency", "maxLatency": NEAR_MS},
        ],
        expansions=[_wider("skill", 300, 600)],
    )  # fmt: skip


def _royale_rules() -> RuleSet:
    return _load(
        algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
        teams=[{"name": "squad", "minPlayers": 4, "maxPlayers": 4, "quantity": 25}],
        rules=[
            {"name": "skill", "type": "batchDistance", "batchAttribute": "skill",
             "maxDistance": 400},
            {"name": "near", "type": "latency", "maxLatency": NEAR_MS},
        ],
        expansions=[_wider("skill", 800, 1600)],
    )  # fmt: skip


def _wider(rule: str, *values: float) -> dict[str, object]:
    steps = [{"waitTimeSeconds": 10 * (n + 1), "value": value} for n, value in enumerate(values)]
    return {"target": f"rules[{rule}].maxDistance", "steps": steps}


def _load(*, attributes: list[dict[str, object]] | None = None, **whole: object) -> RuleSet:
    declared = [{"name": "skill", "type": "number"}, *(attributes or [])]
    return load(json.dumps({"ruleLanguageVersion": "1.0", "playerAttributes": declared, **whole}))


GAMES = (
    Game("duel", "1v1 by skill", _duel_rules, _solo, 2, (1_000_000, 1.5)),
    Game("squads", "5v5: parties, roles, three regions", _squad_rules, _squad, 10, (100_000, 0.3)),
    Game("royale", "battle royale of 25 squads, three regions", _royale_rules, _friends, 100),
)
