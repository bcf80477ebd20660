"""Rules files: what they mean, and what is told of one that cannot be run."""

import json
import subprocess
import sys
import textwrap

import pytest

from core.errors import Invalid
from matchmaker.offline import run
from matchmaker.rules import files, flexmatch, native
from matchmaker.rules.ruleset import RuleSet
from tests.matchmaker.tried import met, ticket

DUEL = "teams: {red: 1, blue: 1}\n"
PAIRS = "teams: {red: 2, blue: 2}\n"


def rules(text: str) -> RuleSet:
    return files.load(textwrap.dedent(text))


def problems(text: str) -> list[tuple[str, str, str]]:
    found = native.read(textwrap.dedent(text)).problems
    return [(one.severity, one.path, one.message) for one in found]


def first_error(text: str) -> str:
    with pytest.raises(Invalid) as refused:
        rules(text)
    return str(refused.value)


def test_a_file_reads_as_the_flexmatch_rule_set_that_one_would_write():
    by_hand = flexmatch.load("""{
      "name": "ranked", "ruleLanguageVersion": "1.0",
      "playerAttributes": [{"name": "mmr", "type": "number", "default": 1500},
                           {"name": "role", "type": "string"},
                           {"name": "party_size", "type": "number"}],
      "teams": [{"name": "red", "minPlayers": 4, "maxPlayers": 5},
                {"name": "blue", "minPlayers": 5, "maxPlayers": 5}],
      "rules": [
        {"name": "skill", "type": "batchDistance", "batchAttribute": "mmr", "maxDistance": 100},
        {"name": "latency", "type": "latency", "maxLatency": 80},
        {"name": "tank", "type": "collection", "operation": "contains",
         "measurements": ["teams[red].players.attributes[role]",
                          "teams[blue].players.attributes[role]"],
         "referenceValue": "tank", "minCount": 1, "maxCount": 2},
        {"name": "parties", "type": "comparison", "operation": "<=", "referenceValue": 3,
         "measurements": ["flatten(teams[*].players.attributes[party_size])"]}],
      "expansions": [
        {"target": "teams[red].minPlayers", "steps": [{"waitTimeSeconds": 60, "value": 3}]},
        {"target": "rules[skill].maxDistance", "steps": [
          {"waitTimeSeconds": 10, "value": 200}, {"waitTimeSeconds": 90, "value": 500}]}]
    }""")

    assert by_hand == rules("""
        name: ranked
        teams:
          red: {players: 4 to 5, widen: {after 1m: 3 to 5}}
          blue: 5
        skill: {attribute: mmr, within: 100, widen: {after 10s: 200, after 1m30s: 500}}
        latency: {at most: 80}
        roles: {tank: 1 to 2}
        parties: 3
        defaults: {mmr: 1500}
        """)


def test_what_it_means_runs_as_the_same_rules():
    text = DUEL + "skill: 100\nplatforms: same\n"

    assert flexmatch.load(native.read(text).text) == rules(text)
    assert json.loads(rules(text).source)["ruleLanguageVersion"] == "1.0"  # what passes record


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("temas: {red: 1}\n", "$.temas", "line 1: 'temas' is not known here; did you"),
        (DUEL + "skill:\n  within: 5\n  widne: 3\n", "$.skill.widne", "line 4: 'widne'"),
        (DUEL + "skill: {within: near}\n", "$.skill.within", "line 2: is near; write a number"),
        (DUEL + "skill: {attribute: a}\n", "$.skill", "line 2: lacks 'within'"),
        ("teams: {red: 5 to 4}\n", "$.teams.red", "line 1: is 5 to 4; the first number is above"),
        ("teams: {red: 0 of 4}\n", "$.teams.red", "write 1 team or more"),
        ("teams: {red: many}\n", "$.teams.red", 'as in "4 to 5"'),
        ("teams: [red, blue]\n", "$.teams", "write as in {red: 5, blue: 5}"),
        (DUEL + "parties: 1.5\n", "$.parties", "line 2: is 1.5; write a whole number"),
        (DUEL + "platforms: sane\n", "$.platforms", "write one of same, shared, any"),
        (DUEL + "platforms: {allow: any, widen: {after 5s: any}}\n", "$.platforms.widen", "any"),
        (DUEL + "same: mode\n", "$.same", "write a list, as in [mode, build]"),
        (DUEL + "balance: {widen: {after 5s: 1}}\n", "$.balance.widen", "write 'within' beside it"),
        (DUEL + "defaults: {x: 1}\n", "$.defaults.x", "no rule reads 'x'"),
        (DUEL + "skill: 5\ndefaults: {rating: x}\n", "$.defaults.rating", "line 3: is x"),
        (DUEL + "in common: {m: 1}\ndefaults: {m: x}\n", "$.defaults.m", "as in [a, b]"),
        (DUEL + "same: [a]\nin common: {a: 1}\n", "$.in common.a", "elsewhere it is a string"),
        (DUEL + "skill: {within: 1, widen: {10s: 5}}\n", "$.skill.widen.10s", "'after 10s'"),
        (DUEL + "skill: {within: 1, widen: {after 0s: 5}}\n", "$.skill.widen.after 0s", "itself"),
        (DUEL + "skill: {within: 1, widen: {after 5s: 2, after 5s: 3}}\n", "$", "line 2: 'after"),
        (DUEL + "skill: {within: 1, widen: {after 5s: 2, after 4s: 3}}\n",
         "$.skill.widen.after 4s", "does not come after the line before"),
        ("teams: {squad: 25 of 4}\nskill: 5\n", "$", "need 'balance'"),
        ("teams: {squad: 25 of 4}\nbalance: mmr\nroles: {tank: 1}\n", "$.roles.tank", "no such"),
        ("teams: {squad: 90 of 4}\nbalance: mmr\n", "$.teams", "line 1: hold 360 players"),
        ("name: a\nname: b\n", "$", "line 2: 'name' stands on line 1 already"),
        ("name: [a\nteams: b\n", "$", "line 2: is no YAML"),
        ("name: &a b\nteams: *a\n", "$", "line 1: anchors and aliases are unknown here"),
        ("name: a\n---\nname: b\n", "$", "line 2: a second document begins"),
        ("name: a\n" + "teams: " + "[" * 40 + "]" * 40, "$", "deep"),
        ("name: \x00\n", "$", "is no YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line_and_its_cure(text: str, path: str, message: str):
    found = [told for severity, at, told in problems(text) if (severity, at) == ("error", path)]

    assert any(message in told for told in found), problems(text)
    assert first_error(text).startswith("$")


def test_traps_are_told_by_the_lines_of_the_file():
    _, found = files.checked(DUEL + "skill: 5\nin common:\n  maps: 1\n")

    told = {one.path: one.message for one in found}
    assert told["$.skill"].startswith("line 2: ")
    assert told["$.in common.maps"].startswith("line 4: ")


def test_words_that_yaml_takes_for_something_else_stay_words():
    roles = rules(PAIRS + "roles: {on: 1, no: 1}\ndefaults: {role: yes}\n")

    assert [rule.name for rule in roles.rules] == ["on", "no"]
    assert roles.attributes["role"].default == "yes"


@pytest.mark.parametrize(
    ("text", "it_is"),
    [
        ("name: a\n", True),
        ("# a comment\n\n---\n  in common: {maps: 1}\n", True),
        ("\ufeffteams:\n", True),
        ('{"name": 1}', False),
        ('// a comment\n{"name": 1}', False),
        ("", False),
        ("queue.yaml", False),
        ("C:\\rules.yaml", False),
        (" \n" * 5000 + "#" * 5000, False),
    ],
)
def test_the_language_of_a_file_is_told_by_its_beginning(text: str, it_is: bool):
    assert native.is_native(text) is it_is


def test_a_file_that_is_too_long_is_refused():
    assert "write at most 65,535" in first_error("name: " + "x" * 70_000)


def test_rules_in_json_load_no_yaml():
    asked = f"""
import sys
from matchmaker.rules import files
files.load({native.read(DUEL).text!r})
assert "yaml" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", asked], check=False, timeout=30).returncode == 0


def test_parties_may_have_so_many_players_and_more_when_they_have_waited():
    text = PAIRS + "parties: {at most: 1, widen: {after 20s: 2}}\n"
    pair = ticket("p", 0, {}, {})

    outcome = run(rules(text), [pair, ticket("a", 5), ticket("b", 5)])

    assert met(outcome) == [(25.0, "abp")]


def test_platforms_are_kept_apart_until_people_have_waited():
    text = DUEL + "platforms: {allow: same, widen: {after 30s: any}}\n"
    came = [
        ticket(name, 0, {"platform": on}) for name, on in (("a", "pc"), ("b", "pc"), ("c", "ps"))
    ]
    last = ticket("d", 10, {"platform": "xb"})

    assert met(run(rules(text), [*came, last])) == [(0.0, "ab"), (40.0, "cd")]


def test_players_choose_the_pools_that_they_share():
    text = DUEL + "platforms: shared\n"
    came = [
        ticket("a", 0, {"platforms": ["pc"]}),
        ticket("b", 1, {"platforms": ["console", "cross"]}),
        ticket("c", 2, {"platforms": ["pc", "cross"]}),
        ticket("d", 3, {"platforms": ["pc"]}),
    ]

    assert met(run(rules(text), came)) == [(2.0, "ac")]


def test_nobody_meets_whom_they_avoid():
    text = DUEL + "avoid: blocked\n"
    came = [ticket("a", 0, {"blocked": ["b"]}), ticket("b", 0), ticket("c", 7)]

    assert met(run(rules(text), came)) == [(7.0, "ac")]


def test_teams_are_balanced_within_a_bound():
    text = PAIRS + "skill: {attribute: mmr, within: 900}\nbalance: {attribute: mmr, within: 10}\n"
    whole = rules(text)
    came = [ticket(f"t{n}", 0, {"mmr": mmr}) for n, mmr in enumerate((0, 100, 800, 900))]

    (made,) = run(whole, came).matches

    assert sorted(map(sorted, made.teams.values())) == [["t0", "t3"], ["t1", "t2"]]
