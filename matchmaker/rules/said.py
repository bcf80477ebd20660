"""Rules in words, for people who ask why."""

from matchmaker.rules.ruleset import ROUNDING_S, Expansion, RuleSet


def said(expansion: Expansion) -> str:
    """What an expansion changes, as a rule set writes it: ``near.maxDistance``."""
    name = {"min_players": "minPlayers", "max_players": "maxPlayers"}.get(expansion.field)
    words = expansion.field.split("_")
    camel = name or words[0] + "".join(word.title() for word in words[1:])
    return f"{','.join(expansion.names) or 'algorithm'}.{camel}"


def in_force(rules: RuleSet, age_s: float) -> tuple[str, ...]:
    """Expansions that have taken effect at an age: ``near.maxDistance is 150``."""
    values = [(said(one), one.value(age_s + ROUNDING_S)) for one in rules.expansions]
    return tuple(f"{name} is {value}" for name, value in values if value is not None)
