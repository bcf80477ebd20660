"""A rules file and the FlexMatch rule set that it means: the same matches, and those it says."""

import json
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings, strategies as st

from matchmaker.arrivals import Arrival
from matchmaker.offline import Outcome, run
from matchmaker.rules import flexmatch, native

ROLES, MODES, MAPS, PLATFORMS = ("tank", "healer"), ("ctf", "duel"), "abc", ("pc", "ps")


@st.composite
def written(draw: st.DrawFn) -> dict[str, Any]:
    """A rules file, as values; YAML reads JSON too."""
    size = draw(st.integers(1, 2))
    parts = {
        "skill": {"attribute": "mmr", "within": draw(st.sampled_from([50, 150])),
                  "widen": {"after 5s": 200, "after 1m": 400}},
        "balance": {"attribute": "mmr", "within": 40, "widen": {"after 30s": 100}},
        "latency": {"at most": 60, "widen": {"after 10s": 120}, "party": "slowest"},
        "roles": {"tank": {"players": "0 to 1", "widen": {"after 20s": "at least 0"}}},
        "parties": {"at most": 1, "widen": {"after 40s": 2}},
        "platforms": draw(st.sampled_from([
            "any", "same", {"allow": "same", "widen": {"after 15s": "any"}},
        ])),
        "same": ["mode"],
        "in common": {"maps": {"at least": 1, "widen": {"after 50s": 0}}},
        "avoid": "blocked",
        "widen by": draw(st.sampled_from(["newest", "oldest"])),
    }  # fmt: skip
    some = draw(st.lists(st.sampled_from(sorted(parts)), unique=True, max_size=5))
    teams = {"red": size, "blue": draw(st.sampled_from([size, f"1 to {size}"]))}
    return {"teams": teams, **{key: parts[key] for key in some}}


def crowd(seed: int) -> list[Arrival]:
    dice = random.Random(seed)
    return [
        Arrival(f"t{n}", [_player(f"p{n}.{k}", dice) for k in range(dice.choice((1, 1, 2)))],
                float(dice.randrange(20)))
        for n in range(8)
    ]  # fmt: skip


def _player(name: str, dice: random.Random) -> dict[str, Any]:
    attributes = {
        "mmr": dice.randrange(1400, 1700, 10),
        "role": dice.choice(ROLES),
        "mode": dice.choice(MODES),
        "platform": dice.choice(PLATFORMS),
        "maps": dice.sample(MAPS, 2),
        "blocked": [f"p{dice.randrange(8)}.0"],
    }
    latency_ms = {region: float(dice.randrange(10, 150)) for region in ("eu", "us")}
    return {"id": name, "attributes": attributes, "latency_ms": latency_ms}


@settings(max_examples=25, deadline=None)
@given(written(), st.integers(0, 10_000))
def test_a_rules_file_and_what_it_means_make_the_same_matches(file: dict[str, Any], seed: int):
    meant = native.read(_as_yaml(file))
    assert meant.rules is not None, meant.problems

    ours = run(meant.rules, crowd(seed))
    theirs = run(flexmatch.load(meant.text), crowd(seed))

    assert ours == theirs
    _is_as_said(file, ours, crowd(seed))


def _as_yaml(file: dict[str, Any]) -> str:
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in file.items())


def _is_as_said(file: dict[str, Any], outcome: Outcome, came: Sequence[Arrival]) -> None:
    """Every match is what the file's sentences say, by the plainest arithmetic."""
    by_id = {one.id: one for one in came}
    for made in outcome.matches:
        tickets = [by_id[name] for team in made.teams.values() for name in team]
        ages_s = [made.time_s - one.at_s for one in tickets]
        age_s = max(ages_s) if file.get("widen by") == "oldest" else min(ages_s)
        teams = [[by_id[name] for name in team] for team in made.teams.values()]
        _numbers_are_as_said(file, age_s, teams)
        _people_are_as_said(file, age_s, teams)


def _numbers_are_as_said(file: dict[str, Any], age_s: float, teams: list[list[Arrival]]) -> None:
    tickets = [one for team in teams for one in team]
    means = [_mean([one]) for one in tickets]
    players = [player for one in tickets for player in one.players]
    if "skill" in file:
        within = 400 if age_s >= 60 else 200 if age_s >= 5 else file["skill"]["within"]
        assert max(means) - min(means) <= within + 1e-6
    if "balance" in file:
        assert abs(_mean(teams[0]) - _mean(teams[1])) <= (100 if age_s >= 30 else 40) + 1e-6
    if "latency" in file:
        bound = 120 if age_s >= 10 else 60
        assert any(all(p["latency_ms"][at] <= bound for p in players) for at in ("eu", "us"))
    if "parties" in file and age_s < 40:
        assert all(len(one.players) == 1 for one in tickets)


def _people_are_as_said(file: dict[str, Any], age_s: float, teams: list[list[Arrival]]) -> None:
    players = [player for team in teams for one in team for player in one.players]
    known = [player["attributes"] for player in players]
    if "roles" in file and age_s < 20:
        roles = [[p["attributes"]["role"] for one in team for p in one.players] for team in teams]
        assert all(held.count("tank") <= 1 for held in roles)
    if "same" in file:
        assert len({one["mode"] for one in known}) == 1
    if file.get("platforms") == "same" or ("allow" in file.get("platforms", {}) and age_s < 15):
        assert len({one["platform"] for one in known}) == 1
    if "in common" in file and age_s < 50:
        assert set(MAPS).intersection(*(one["maps"] for one in known))
    if "avoid" in file:
        blocked = {name for one in known for name in one["blocked"]}
        assert blocked.isdisjoint(player["id"] for player in players)


def _mean(tickets: Sequence[Arrival]) -> float:
    values = [player["attributes"]["mmr"] for one in tickets for player in one.players]
    return float(sum(values) / len(values))
