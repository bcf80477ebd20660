"""What expansions come to: whether each age leaves something that can be met, and is reached."""

from collections.abc import Iterator
from typing import Any

from matchmaker.rules.reading import Reader
from matchmaker.rules.ruleset import LARGE, Expansion, RuleSet

PLAYERS_MAX = 200


def impossible(reader: Reader, whole: RuleSet) -> None:
    """Say where an expansion leaves a team or a rule that nothing can meet, or does nothing."""
    told: set[str] = set()
    for path, message in _lost(whole):
        if path and path not in told:
            told.add(path)
            reader.findings.error(path, message)
    _grown(reader, whole)
    timeout = reader.table.get("requestTimeoutSeconds")
    for n, one in enumerate(whole.expansions):
        _twice(reader, one, whole.expansions[:n])
        _idle(reader, one, whole, timeout)


def _lost(whole: RuleSet) -> Iterator[tuple[str, str]]:
    """What nothing can meet at some age, with the step that makes it so."""
    for age_s in whole.ages_s():
        stands = whole.at(age_s)
        for team in stands.teams:
            if team.min_players > team.max_players:
                path = _step(whole, age_s, "teams", {team.name, team.definition})
                bounds = f"minPlayers {team.min_players} above maxPlayers {team.max_players}"
                yield path, f"after {age_s:g} s team {team.definition!r} has {bounds}"
        for rule in stands.rules:
            low = getattr(rule, "min_distance", getattr(rule, "min_count", None))
            high = getattr(rule, "max_count", getattr(rule, "max_distance", None))
            if low is not None and high is not None and low > high:
                path = _step(whole, age_s, "rules", {rule.name})
                bounds = f"at least {low:g} and at most {high:g}"
                yield path, f"after {age_s:g} s rule {rule.name!r} asks for {bounds}"
        places = stands.players_max()
        if places > PLAYERS_MAX:
            path = _step(whole, age_s, "teams", _teams(whole))
            yield path, f"after {age_s:g} s teams hold {places} players; at most {PLAYERS_MAX} can"


def _grown(reader: Reader, whole: RuleSet) -> None:
    """Tell where a small match may grow beyond what its algorithm is made for."""
    for age_s in whole.ages_s()[1:]:
        places = whole.at(age_s).players_max()
        if LARGE < places <= PLAYERS_MAX and not whole.large():
            reader.findings.warn(
                _step(whole, age_s, "teams", _teams(whole)),
                f"after {age_s:g} s teams hold {places} players; this stays the algorithm "
                f"for up to {LARGE}, and may be slow",
            )
            return


def _teams(whole: RuleSet) -> set[str]:
    return {name for one in whole.expansions if one.part == "teams" for name in one.names}


def _step(whole: RuleSet, age_s: float, part: str, names: set[str]) -> str:
    """The path of the last step that has touched one of these by this age; empty for none."""
    reached = [
        (step.wait_s, f"{one.path}.steps[{n}].value")
        for one in whole.expansions
        for n, step in enumerate(one.steps)
        if one.part == part and names.intersection(one.names) and step.wait_s <= age_s
    ]
    return max(reached)[1] if reached else ""


def _twice(reader: Reader, one: Expansion, before: tuple[Expansion, ...]) -> None:
    for other in before:
        same = one.part == "algorithm" or set(one.names) & set(other.names)
        if one.part == other.part and one.field == other.field and same:
            reader.findings.warn(
                f"{one.path}.target",
                f"{other.path} changes the same thing; from the time of a step here, "
                "only the steps here count",
            )
            return


def _idle(reader: Reader, one: Expansion, whole: RuleSet, timeout: object) -> None:
    had = _at_first(one, whole)
    for n, step in enumerate(one.steps):
        path = f"{one.path}.steps[{n}]"
        if step.value == had:
            reader.findings.warn(f"{path}.value", "changes nothing: it is so before this step")
        if step.wait_s == 0:
            reader.findings.warn(
                f"{path}.waitTimeSeconds", "is 0: what stands before it never counts"
            )
        if isinstance(timeout, int | float) and step.wait_s >= timeout:
            reader.findings.warn(
                f"{path}.waitTimeSeconds",
                f"is never reached: requests time out after {timeout:g} s",
            )
        had = step.value


def _at_first(one: Expansion, whole: RuleSet) -> Any:  # noqa: ANN401 - as the field has it
    """What stands there before any step; nothing where it differs between several."""
    if one.part == "algorithm":
        return getattr(whole.algorithm, one.field)
    parts = whole.rules if one.part == "rules" else whole.teams
    there = [
        getattr(part, one.field)
        for part in parts
        if part.name in one.names or getattr(part, "definition", "") in one.names
    ]
    return there[0] if all(value == there[0] for value in there) else None
