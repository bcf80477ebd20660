"""Newcomers for matches that run: who is found, and in which order."""

from dataclasses import replace

import pytest

from core.ids import FleetName, MatchId, PlayerId, TicketId
from matchmaker.engine.backfill import WithBackfill, newcomers
from matchmaker.engine.passes import passes
from matchmaker.engine.pool import PoolView
from matchmaker.rules import flexmatch
from matchmaker.rules.asked import Asked
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.tickets import OpenMatch, TicketPlayer, WaitingTicket

NOW = 1_000_000
TRIOS = Rules(("red", "blue"), 3, RatingWindow(100, 10, 300))

ROLES = """{
  "name": "roles", "ruleLanguageVersion": "1.0",
  "playerAttributes": [{"name": "role", "type": "string"}],
  "teams": [{"name": "red", "minPlayers": 2, "maxPlayers": 2},
            {"name": "blue", "minPlayers": 2, "maxPlayers": 2}],
  "rules": [{"name": "OneHealer", "type": "collection", "operation": "contains",
             "measurements": ["flatten(teams[blue].players.attributes[role])"],
             "referenceValue": "healer", "minCount": 1, "maxCount": 1}]%s
}"""


def waits(
    name: str, *, size: int = 1, mmr: float = 1500.0, since_s: float = 0.0, role: str = "tank"
) -> WaitingTicket:
    players = tuple(PlayerId(f"{name}{n}") for n in range(size))
    members = tuple(TicketPlayer(one, mmr, {"role": role}) for one in players)
    at_ms = NOW - round(since_s * 1000)
    return WaitingTicket(TicketId(f"q.{name}"), players, mmr, at_ms, "", members)


def running(
    open_: dict[str, int], *, asked_s: float = 0.0, name: str = "m", **present: WaitingTicket
) -> OpenMatch:
    teams = {
        team: [(ticket.id, player) for player in ticket.players] for team, ticket in present.items()
    }
    return OpenMatch(
        id=f"{name}-1",
        match=MatchId(name),
        asked_ms=NOW - round(asked_s * 1000),
        fleet=FleetName("arena"),
        epoch=1,
        open=open_,
        gone=(),
        teams=teams,
        present={team: (ticket,) for team, ticket in present.items()},
    )


def who(wanted: OpenMatch, *tickets: WaitingTicket, rules: Asked = TRIOS) -> list[list[str]]:
    """Team by team; empty when nobody comes."""
    found = newcomers(wanted, PoolView.of(list(tickets)), rules, now_ms=NOW)
    return [[one.id[2:] for one in team] for team in found.teams] if found else []


PAIR = {"red": waits("r", size=2), "blue": waits("b", size=3)}


def test_who_waits_longest_among_those_who_fit_comes():
    wanted = running({"red": 1}, **PAIR)

    assert who(wanted, waits("new"), waits("old", since_s=5), waits("far", mmr=1900)) == [
        ["old"],
        [],
    ]


def test_a_party_comes_whole_to_one_team_or_not_at_all():
    one_each = running({"red": 1, "blue": 1}, red=waits("r", size=2), blue=waits("b", size=2))
    two = running({"blue": 2}, red=waits("r", size=3), blue=waits("b"))

    assert who(one_each, waits("duo", size=2)) == []
    assert who(two, waits("duo", size=2), waits("solo")) == [[], ["duo"]]


def test_as_many_seats_are_filled_as_can_be():
    wanted = running({"blue": 2}, red=waits("r", size=3), blue=waits("b"))

    assert who(wanted, waits("a", since_s=9), waits("c"), waits("far", mmr=1900)) == [
        [],
        ["a", "c"],
    ]
    assert who(wanted, waits("a")) == [[], ["a"]]


def test_nobody_comes_back_to_the_match_that_they_left():
    left = waits("gone")
    wanted = running({"red": 1}, **PAIR)
    wanted = replace(wanted, teams={**wanted.teams, "red": [(left.id, left.players[0])]})

    assert who(wanted, left) == []


@pytest.mark.parametrize("rules", [TRIOS, flexmatch.load(ROLES % "")], ids=["window", "rule set"])
def test_nobody_comes_whom_a_player_of_the_match_avoids_or_who_avoids_one(rules: Asked):
    def avoiding(ticket: WaitingTicket, player: str, until_ms: int = 0) -> WaitingTicket:
        return replace(ticket, apart={PlayerId(player): until_ms})

    seats = {"red": waits("r", size=2), "blue": waits("b", role="healer")}
    free, wanted = waits("n"), running({"blue": 1}, **seats)
    wary = running({"blue": 1}, **{**seats, "red": avoiding(seats["red"], "n0")})
    was_wary = running({"blue": 1}, **{**seats, "red": avoiding(seats["red"], "n0", NOW)})

    assert who(wanted, free, rules=rules) == [[], ["n"]]
    assert who(wary, free, rules=rules) == []
    assert who(wanted, avoiding(free, "b0"), rules=rules) == []
    assert who(was_wary, free, rules=rules) == [[], ["n"]], "that was until now"


def test_newcomers_who_avoid_each_other_do_not_come_together():
    wanted = running({"red": 1, "blue": 1}, red=waits("r", size=2), blue=waits("b", size=2))
    wary = replace(waits("x", since_s=9), apart={PlayerId("y0"): 0})

    assert who(wanted, wary, waits("y")) == [["x"], []]
    assert sorted(map(len, who(wanted, wary, waits("y"), waits("z")))) == [1, 1]


def test_a_rule_set_judges_the_finished_match():
    rules = flexmatch.load(ROLES % "")
    wanted = running({"blue": 1}, red=waits("r", size=2), blue=waits("b"))

    found = who(wanted, waits("t", since_s=9), waits("h", role="healer"), rules=rules)

    assert found == [[], ["h"]]


def both(rules: Asked, asked_s: float) -> list[str]:
    """What a pass finds where two wait, who fit each other and a running match: it, or "new"."""
    wanted = running({"blue": 1}, asked_s=asked_s, red=waits("r"))
    wanted = replace(wanted, present={**wanted.present, "blue": ()})
    view = replace(PoolView.of([waits("x", since_s=4), waits("y", since_s=3)]), open=(wanted,))
    engine = WithBackfill(passes(rules), rules)
    done = engine.matches(view, now_ms=NOW, matches_max=8)
    return [one.of.match if one.of else "new" for one in done.found]


def test_a_request_has_its_turn_by_waiting():
    duel = Rules(("red", "blue"), 1)

    assert both(duel, asked_s=9) == ["m"]
    assert both(duel, asked_s=1) == ["new"]


def test_the_rules_may_put_requests_first_or_last():
    text = """{"name": "d", "ruleLanguageVersion": "1.0", "playerAttributes": [],
      "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 1},
                {"name": "blue", "minPlayers": 1, "maxPlayers": 1}],
      "algorithm": {"strategy": "exhaustiveSearch", "backfillPriority": "%s"}}"""

    assert both(flexmatch.load(text % "high"), asked_s=0) == ["m"]
    assert both(flexmatch.load(text % "low"), asked_s=9) == ["new"]


def test_of_a_crowd_some_are_tried():
    crowd = [waits(f"p{n}", mmr=1000 + n % 1000, since_s=n % 50) for n in range(2_000)]
    wanted = running({"red": 1}, **PAIR)

    assert who(wanted, *crowd)[0]
