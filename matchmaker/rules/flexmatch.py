"""FlexMatch rule sets, read as they are: the whole document, and everything wrong with it.

Every problem is told with its place (``$.teams[1].minPlayers``), all in one go. An error
means that the rule set cannot be run; a warning that it runs and may surprise.
Source of the format: Amazon GameLift FlexMatch developer guide, rule set schema.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.errors import Invalid
from matchmaker.rules import jsonc
from matchmaker.rules.attributes import attributes
from matchmaker.rules.flexmatch_expansions import expansions
from matchmaker.rules.flexmatch_rules import rules
from matchmaker.rules.reading import Findings, Problem, Reader, shown
from matchmaker.rules.ruleset import (
    BATCHING_LARGE,
    BATCHING_SMALL,
    LARGE,
    Algorithm,
    Attribute,
    RuleSet,
    Team,
)

PLAYERS_MAX: Final = 200
BODY_MAX: Final = 65_535
TOP: Final = (
    "name", "ruleLanguageVersion", "playerAttributes", "algorithm", "teams", "rules", "expansions",
    "description", "acceptanceRequired", "acceptanceTimeoutSeconds", "requestTimeoutSeconds",
)  # fmt: skip


def read(text: str) -> tuple[RuleSet | None, list[Problem]]:
    """The rule set that a text holds, and what is wrong with it; None when it cannot be run."""
    findings = Findings()
    try:
        rules = _read(text, findings)
    except Invalid as wrong:
        findings.error("$", str(wrong))
        return None, findings.problems
    return (replace(rules, source=text) if rules and findings.ok() else None), findings.problems


def load(text: str) -> RuleSet:
    """The rule set that a text holds.

    Raises:
        Invalid: it cannot be run; ``field`` is the place of the first error.
    """
    rules, problems = read(text)
    if rules is None:
        first = next(problem for problem in problems if problem.severity == "error")
        raise Invalid(f"{first.path}: {first.message}", field=first.path)
    return rules


def _read(text: str, findings: Findings) -> RuleSet | None:
    document = jsonc.read(text)
    if not isinstance(document, Mapping):
        findings.error("$", f"is {shown(document)}; a rule set is an object")
        return None
    for doubled in jsonc.doubled_keys(document):
        # An expansion with as many targets as steps is read as that many expansions.
        paired = doubled.path.startswith("$.expansions[") and doubled.of.pairs_up("target", "steps")
        findings.warn(
            f"{doubled.path}.{doubled.key}",
            "stands there twice; both are read, each target with its steps"
            if paired and doubled.key in ("target", "steps")
            else "stands there twice; JSON keeps the last one",
        )
    if len(text) > BODY_MAX:
        findings.warn("$", f"has {len(text):,} characters; FlexMatch takes {BODY_MAX:,}")
    return _whole(Reader(document, "$", findings))


def _whole(reader: Reader) -> RuleSet:
    reader.known(TOP)
    version = reader.table.get("ruleLanguageVersion")
    if version != "1.0":
        reader.findings.error(
            reader.at("ruleLanguageVersion"),
            'is missing; write "1.0"' if version is None else f'is {shown(version)}; write "1.0"',
        )
    declared = attributes(reader)
    teams = _teams(reader)
    algorithm = _algorithm(reader, declared, sum(team.max_players for team in teams))
    whole = RuleSet(teams, declared, (), algorithm, (), reader.text("name", needed=False))
    whole = replace(whole, rules=rules(reader, whole))
    return replace(whole, expansions=expansions(reader, whole))


def _teams(reader: Reader) -> tuple[Team, ...]:
    found: list[Team] = []
    for one in reader.tables("teams", needed=True):
        one.known(("name", "minPlayers", "maxPlayers", "quantity", "description"))
        name = one.text("name")
        low = one.number("minPlayers", low=0, whole=True)
        high = one.number("maxPlayers", low=1, whole=True)
        for key, value in (("minPlayers", low), ("maxPlayers", high)):
            if value is None and key not in one.table:
                one.findings.error(one.at(key), "is missing; write a whole number")
        if low is not None and high is not None and low > high:
            one.findings.error(
                one.at("minPlayers"),
                f"{low:g} is above maxPlayers {high:g}; no team could be filled",
            )
        times = one.number("quantity", low=1, whole=True)
        if times is not None and times > PLAYERS_MAX:
            one.findings.error(
                one.at("quantity"), f"is {times:g}; a match has at most {PLAYERS_MAX} players"
            )
            times = 1
        names = [f"{name}_{n + 1}" for n in range(int(times))] if times and times > 1 else [name]
        taken = {each for team in found for each in (team.name, team.definition)}
        both = taken.intersection([name, *names])
        if name and both:
            one.findings.error(one.at("name"), f"{min(both)!r} is another team's name too")
        found += [Team(each, name, int(low or 0), int(high or 1)) for each in names]
    total = sum(team.max_players for team in found)
    if total > PLAYERS_MAX:
        reader.findings.error(
            reader.at("teams"), f"hold {total} players; a match has at most {PLAYERS_MAX}"
        )
    return tuple(found)


def _algorithm(reader: Reader, attributes: Mapping[str, Attribute], players: int) -> Algorithm:
    large = players > LARGE
    table = reader.table.get("algorithm")
    if table is None:
        if large:
            reader.findings.error(
                reader.at("algorithm"),
                f"is missing; {players} players make a large match, which needs "
                '"strategy": "balanced" and a balancedAttribute',
            )
        return Algorithm()
    if not isinstance(table, Mapping):
        reader.findings.error(reader.at("algorithm"), f"is {shown(table)}; write an object")
        return Algorithm()
    one = Reader(table, reader.at("algorithm"), reader.findings)
    one.known((
        "strategy", "batchingPreference", "sortByAttributes", "balancedAttribute",
        "expansionAgeSelection", "backfillPriority", "description",
    ))  # fmt: skip
    strategy = one.choice(
        "strategy", ("exhaustiveSearch", "balanced"), None if large else "exhaustiveSearch"
    )
    if large and strategy != "balanced":
        one.findings.error(one.at("strategy"), f"of {players} players must be balanced")
    balanced = strategy == "balanced"
    batching = one.choice(
        "batchingPreference",
        BATCHING_LARGE if balanced else BATCHING_SMALL,
        (BATCHING_LARGE if balanced else BATCHING_SMALL)[0],
    )
    by = one.text("balancedAttribute", needed=balanced)
    if by and (by not in attributes or attributes[by].type != "number"):
        one.findings.error(
            one.at("balancedAttribute"), f"{by!r} is not declared as a number in playerAttributes"
        )
    return Algorithm(
        strategy,  # type: ignore[arg-type]
        batching,  # type: ignore[arg-type]
        _sort_by(one, attributes, needed=batching == "sorted"),
        by,
        one.choice("expansionAgeSelection", ("newest", "oldest"), "newest"),  # type: ignore[arg-type]
        one.choice("backfillPriority", ("normal", "low", "high"), "normal"),  # type: ignore[arg-type]
    )


def _sort_by(one: Reader, attributes: Mapping[str, Attribute], *, needed: bool) -> tuple[str, ...]:
    value = one.table.get("sortByAttributes", [])
    if not isinstance(value, list) or (needed and not value):
        one.findings.error(one.at("sortByAttributes"), "must list attributes to sort by")
        return ()
    if value and not needed:
        one.findings.warn(
            one.at("sortByAttributes"), 'has no effect without "batchingPreference": "sorted"'
        )
    for n, name in enumerate(value):
        if not isinstance(name, str) or name not in attributes:
            one.findings.error(
                f"{one.at('sortByAttributes')}[{n}]",
                f"{shown(name)} is not declared in playerAttributes",
            )
    return tuple(name for name in value if isinstance(name, str) and name in attributes)
