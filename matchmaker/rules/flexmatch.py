"""FlexMatch rule sets, read as they are: the whole document, and everything wrong with it.

Every problem is told with its place (``$.teams[1].minPlayers``), all in one go. An error
means that the rule set cannot be run; a warning that it runs and may surprise.
Source of the format: Amazon GameLift FlexMatch developer guide, rule set schema.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from core.errors import Invalid
from matchmaker.rules import jsonc
from matchmaker.rules.reading import Findings, Problem, Reader, shown
from matchmaker.rules.ruleset import Algorithm, Attribute, Expansion, Rule, RuleSet, Team

PLAYERS_MAX: Final = 200
ATTRIBUTES_MAX: Final = 10
TYPES: Final = ("string", "number", "string_list", "string_number_map")
TOP: Final = (
    "name", "ruleLanguageVersion", "playerAttributes", "algorithm", "teams", "rules", "expansions",
    "description", "acceptanceRequired", "acceptanceTimeoutSeconds", "requestTimeoutSeconds",
)  # fmt: skip


def read(text: str) -> tuple[RuleSet | None, list[Problem]]:
    """The rule set that a text holds, and what is wrong with it; None when it cannot be run."""
    findings = Findings()
    try:
        document = jsonc.read(text)
    except Invalid as wrong:
        findings.error("$", str(wrong))
        return None, findings.problems
    if not isinstance(document, Mapping):
        findings.error("$", f"is {shown(document)}; a rule set is an object")
        return None, findings.problems
    for doubled in jsonc.doubled_keys(document):
        findings.warn(
            f"{doubled.path}.{doubled.key}",
            "stands there twice; both are read, each target with the steps after it"
            if doubled.key in ("target", "steps") and doubled.path.startswith("$.expansions[")
            else "stands there twice; JSON keeps the last one",
        )
    rules = _whole(Reader(document, "$", findings))
    return (rules if findings.ok() else None), findings.problems


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


def _whole(reader: Reader) -> RuleSet:
    from matchmaker.rules.flexmatch_expansions import expansions
    from matchmaker.rules.flexmatch_rules import rules

    reader.known(TOP)
    version = reader.table.get("ruleLanguageVersion")
    if version != "1.0":
        reader.findings.error(
            reader.at("ruleLanguageVersion"),
            'is missing; write "1.0"' if version is None else f'is {shown(version)}; write "1.0"',
        )
    attributes = _attributes(reader)
    teams = _teams(reader)
    algorithm = _algorithm(reader, attributes, sum(team.max_players for team in teams))
    whole = RuleSet(teams, attributes, (), algorithm, (), reader.text("name", needed=False))
    found: tuple[Rule, ...] = rules(reader, whole)
    whole = RuleSet(teams, attributes, found, algorithm, (), whole.name)
    later: tuple[Expansion, ...] = expansions(reader, whole)
    return RuleSet(teams, attributes, found, algorithm, later, whole.name)


def _attributes(reader: Reader) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for one in reader.tables("playerAttributes"):
        one.known(("name", "type", "default", "description"))
        name, kind = one.text("name"), one.choice("type", TYPES)
        if name in found:
            one.findings.error(one.at("name"), f"{name!r} is declared twice")
        default = one.table.get("default")
        if default is not None:
            try:
                default = plain(default, kind)
            except Invalid as wrong:
                one.findings.error(one.at("default"), str(wrong))
        found[name] = Attribute(name, kind, default)  # type: ignore[arg-type]
    if len(found) > ATTRIBUTES_MAX:
        reader.findings.warn(
            reader.at("playerAttributes"),
            f"are {len(found)}; FlexMatch takes {ATTRIBUTES_MAX} for each player",
        )
    return found


def _string_list(value: object) -> list[str]:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return list(dict.fromkeys(value))
    raise TypeError


def _number_map(value: object) -> dict[str, float]:
    if isinstance(value, Mapping) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in value.values()
    ):
        return dict(value)
    raise TypeError


def _one_number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise TypeError


def _one_string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


_PLAIN: Final[dict[str, tuple[str, Callable[[object], Any], str]]] = {
    "string": ("S", _one_string, "a text"),
    "number": ("N", _one_number, "a number"),
    "string_list": ("SL", _string_list, "a list of texts"),
    "string_number_map": ("SDM", _number_map, "an object of numbers"),
}


def plain(value: object, kind: str) -> Any:  # noqa: ANN401 - one of the four types
    """An attribute's value; FlexMatch's wire form ``{"N": 23}`` is taken off.

    Raises:
        Invalid: it is of another type.
    """
    wire, read_value, said = _PLAIN[kind]
    if isinstance(value, Mapping) and len(value) == 1 and wire in value:
        value = value[wire]
    try:
        return read_value(value)
    except TypeError:
        raise Invalid(f"is {shown(value)}; a {kind} is {said}") from None


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
        names = [f"{name}_{n + 1}" for n in range(int(times))] if times and times > 1 else [name]
        if name and any(team.definition == name for team in found):
            one.findings.error(one.at("name"), f"{name!r} is another team's name too")
        found += [Team(each, name, int(low or 0), int(high or 1)) for each in names]
    total = sum(team.max_players for team in found)
    if total > PLAYERS_MAX:
        reader.findings.error(
            reader.at("teams"), f"hold {total} players; a match has at most {PLAYERS_MAX}"
        )
    return tuple(found)


def _algorithm(reader: Reader, attributes: Mapping[str, Attribute], players: int) -> Algorithm:
    large = players > 40
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
        ("largestPopulation", "fastestRegion") if balanced else ("random", "sorted"),
        "largestPopulation" if balanced else "random",
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
    for n, name in enumerate(value):
        if name not in attributes:
            one.findings.error(
                f"{one.at('sortByAttributes')}[{n}]",
                f"{name!r} is not declared in playerAttributes",
            )
    return tuple(name for name in value if name in attributes)
