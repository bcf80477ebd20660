"""Whom an anchor tries first: sort rules in their order, then the longest waiting."""

from collections.abc import Iterable
from typing import Any

from matchmaker.rules.members import Party, aggregate
from matchmaker.rules.ruleset import RuleSet, Sort


def by_age(parties: Iterable[Party]) -> list[Party]:
    """The longest waiting first; equally old ones keep their order."""
    return sorted(parties, key=lambda party: party.at_s)


def tried_first(anchor: Party, others: Iterable[Party], rules: RuleSet) -> list[Party]:
    """Others, in the order in which they are tried around an anchor."""
    ordered = by_age(others)
    if rules.algorithm.batching == "sorted":
        for attribute in reversed(rules.algorithm.sort_by):
            ordered.sort(key=lambda party: _rank(party.one(attribute, "avg")))
    sorts = [rule for rule in rules.rules if isinstance(rule, Sort)]
    for rule in reversed(sorts):
        ordered.sort(key=_key(rule, anchor), reverse=rule.descending)
    if not sorts and rules.algorithm.balanced_attribute:
        attribute = rules.algorithm.balanced_attribute
        centre = anchor.one(attribute, "avg")
        ordered.sort(key=lambda party: abs(party.one(attribute, "avg") - centre))
    return ordered


def _key(rule: Sort, anchor: Party) -> Any:  # noqa: ANN401 - a function for sort
    mine = _value(anchor, rule, anchor)
    worst = float("-inf") if rule.descending else float("inf")

    def key(party: Party) -> Any:  # noqa: ANN401 - what sorts
        value = _value(party, rule, anchor)
        if isinstance(mine, str):
            return int(value == mine) if rule.descending else int(value != mine)
        if value is None:
            return worst
        return abs(value - mine) if rule.kind == "distance" and mine is not None else value

    return key


def _value(party: Party, rule: Sort, anchor: Party) -> Any:  # noqa: ANN401
    value = party.one(rule.attribute, rule.party)
    if not isinstance(value, dict):
        return value
    preference = anchor.one(rule.attribute, "")
    if not preference:
        return None
    choose = min if rule.map_key == "minValue" else max
    wanted = choose(sorted(preference), key=preference.__getitem__)
    numbers = [one[wanted] for one in party.values(rule.attribute) if wanted in one]
    return aggregate(numbers, rule.party) if numbers else None


def _rank(value: Any) -> Any:  # noqa: ANN401
    """Something that sorts for every type of attribute."""
    return sorted(value) if isinstance(value, list | dict) else value
