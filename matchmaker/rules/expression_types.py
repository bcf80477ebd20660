"""What a property expression gives, known before any match: of which kind, how deeply nested."""

from dataclasses import dataclass

from core.errors import Invalid
from matchmaker.rules.expressions import NUMERIC, Call, Expression, Literal, Path
from matchmaker.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Kind:
    """Numbers, strings, maps or players, in so many lists within lists."""

    of: str
    depth: int

    def plural(self) -> str:
        """For a message."""
        return "players" if self.of == "player" else f"{self.of}s"


def kind_of(expression: Expression, whole: RuleSet) -> Kind:
    """What an expression gives for this rule set's teams and attributes.

    Raises:
        Invalid: it names what is not declared, or a function is given what it cannot take.
    """
    match expression:
        case Literal(value):
            return Kind("string" if isinstance(value, str | list) else "number", 0)
        case Path():
            return _path(expression, whole)
        case Call():
            return _call(expression, whole)


def _path(path: Path, whole: RuleSet) -> Kind:
    teams = {team.name for team in whole.teams} | {team.definition for team in whole.teams}
    for name in path.teams:
        if name != "*" and name not in teams:
            raise Invalid(f"there is no team {name!r}; there are {', '.join(sorted(teams))}")
    named = [team for team in whole.teams if {team.name, team.definition} & set(path.teams)]
    depth = 1 if len(named) == 1 and path.teams != ("*",) else 2
    if not path.attribute:
        return Kind("string" if path.ids else "player", depth)
    attribute = whole.attributes.get(path.attribute)
    if attribute is None:
        raise Invalid(f"{path.attribute!r} is not declared in playerAttributes")
    if attribute.type == "string_list":
        return Kind("string", depth + 1)
    return Kind("map" if attribute.type == "string_number_map" else attribute.type, depth)


def _call(call: Call, whole: RuleSet) -> Kind:
    of = kind_of(call.of, whole)
    if call.function == "flatten":
        return Kind(of.of, max(1, of.depth - 1))
    if call.function == "set_intersection":
        if of.of != "string" or of.depth < 2:
            raise Invalid("set_intersection takes lists of lists of strings")
        return Kind("string", of.depth - 1)
    if call.function in NUMERIC and of.of != "number":
        raise Invalid(f"{call.function} takes numbers, not {of.plural()}")
    return Kind("number", max(0, of.depth - 1))
