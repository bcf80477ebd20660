"""The ``rules`` of a FlexMatch rule set: each of the eight types, read and checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid
from matchmaker.rules import measures, statements
from matchmaker.rules.expressions import Literal
from matchmaker.rules.reading import Reader
from matchmaker.rules.ruleset import (
    OPERATIONS,
    BatchDistance,
    Collection,
    Comparison,
    Compound,
    Distance,
    Latency,
    Rule,
    RuleSet,
    Sort,
    Statement,
)

COMMON: Final = ("name", "description", "type")
PARTY: Final = ("avg", "min", "max")
COMPARED: Final[measures.Kinds] = ("number", "string")
COUNTS: Final = ("contains", "intersection", "reference_intersection_count")
IN_LARGE: Final = (Latency, BatchDistance)
"""The only types that a match of more than 40 players may have."""


def rules(reader: Reader, whole: RuleSet) -> tuple[Rule, ...]:
    """Every rule of a document; what is wrong goes to the reader's findings."""
    found: dict[str, Rule] = {}
    for one in reader.tables("rules"):
        name = one.text("name")
        if name in found:
            one.findings.error(one.at("name"), f"{name!r} is another rule's name too")
        kind = one.choice("type", tuple(_TYPES))
        if kind != one.table.get("type"):
            continue  # what it would need is not known
        properties, build = _TYPES[kind]
        one.known((*COMMON, *properties))
        rule = build(_Source(one, name, whole, found))
        if whole.large() and not isinstance(rule, IN_LARGE):
            one.findings.error(
                one.at("type"),
                f"{kind} cannot judge more than 40 players; latency and batchDistance can",
            )
        if name:
            found[name] = rule
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Source:
    """One rule's object, and what it may refer to."""

    one: Reader
    name: str
    whole: RuleSet
    before: Mapping[str, Rule]

    def error(self, key: str, message: str) -> None:
        self.one.findings.error(self.one.at(key), message)

    def party(self, choices: tuple[str, ...] = PARTY) -> Any:  # noqa: ANN401 - one of them
        return self.one.choice("partyAggregation", choices, choices[0])

    def bounds(self, low: str, high: str) -> tuple[float | None, float | None]:
        """A lower and an upper bound, the first not above the second."""
        least, most = self.one.number(low, low=0), self.one.number(high, low=0)
        if least is not None and most is not None and least > most:
            self.error(low, f"{least:g} is above {high} {most:g}; nothing could meet both")
        return least, most

    def attribute(self, key: str) -> str:
        """The name of a declared attribute."""
        name = self.one.text(key)
        if name and name not in self.whole.attributes:
            self.error(key, f"{name!r} is not declared in playerAttributes")
        return name

    def kind(self, attribute: str) -> str:
        there = self.whole.attributes.get(attribute)
        return there.type if there else ""


def _distance(source: _Source) -> Rule:
    one, kinds = source.one, ("number",)
    measured = measures.measurements(one, source.whole, kinds)
    reference = measures.reference(one, "referenceValue", source.whole, kinds)
    if one.table.get("referenceValue") is None:
        source.error("referenceValue", "is missing; write a number or a property expression")
    low, high = source.bounds("minDistance", "maxDistance")
    if "minDistance" not in one.table and "maxDistance" not in one.table:
        source.error("maxDistance", "is missing, and so is minDistance; write one of them")
    return Distance(source.name, measured, reference or Literal(0), low, high, source.party())


def _comparison(source: _Source) -> Rule:
    one = source.one
    operation = one.choice("operation", OPERATIONS)
    measured = measures.measurements(one, source.whole, COMPARED)
    kinds = measures.measured(measured, source.whole, COMPARED)
    reference = measures.reference(one, "referenceValue", source.whole, kinds)
    if one.table.get("referenceValue") is None and operation not in ("=", "!="):
        source.error("referenceValue", f"is missing; {operation} needs something to compare with")
    return Comparison(source.name, measured, operation, reference, source.party())  # type: ignore[arg-type]


def _collection(source: _Source) -> Rule:
    one, kinds = source.one, ("string",)
    operation = one.choice("operation", COUNTS)
    measured = measures.measurements(one, source.whole, kinds)
    reference = measures.reference(one, "referenceValue", source.whole, kinds)
    if operation == "intersection" and reference is not None:
        source.error("referenceValue", "has no place beside operation intersection; leave it out")
    if operation != "intersection" and one.table.get("referenceValue") is None:
        source.error("referenceValue", f"is missing; {operation} needs it")
    low, high = source.bounds("minCount", "maxCount")
    neither = "minCount" not in one.table and "maxCount" not in one.table
    if operation == "reference_intersection_count" and neither:
        source.error("minCount", "is missing, and so is maxCount; write one of them")
    party = source.party(("union", "intersection"))
    return Collection(source.name, measured, operation, reference, low, high, party)  # type: ignore[arg-type]


def _latency(source: _Source) -> Rule:
    highest = source.one.number("maxLatency", low=0)
    if highest is None and "maxLatency" not in source.one.table:
        source.error("maxLatency", "is missing; write milliseconds")
    distance = source.one.number("maxDistance", low=0)
    reference = source.one.table.get("distanceReference")
    if reference is not None:
        reference = source.one.choice("distanceReference", ("avg", "min"))
        if distance is None:
            source.error("maxDistance", "is missing; distanceReference is what it counts from")
    if source.whole.large() and distance is not None:
        source.error(
            "maxDistance", "does not work for more than 40 players; write maxLatency alone"
        )
    return Latency(source.name, highest or 0.0, distance, reference, source.party())  # type: ignore[arg-type]


def _batch_distance(source: _Source) -> Rule:
    attribute = source.attribute("batchAttribute")
    most = source.one.number("maxDistance", low=0)
    kind = source.kind(attribute)
    if kind == "number" and most is None and "maxDistance" not in source.one.table:
        source.error("maxDistance", f"is missing; {attribute!r} is a number")
    if kind == "string" and "maxDistance" in source.one.table:
        source.one.findings.warn(
            source.one.at("maxDistance"),
            f"has no meaning for the text {attribute!r}: the texts of a match are equal",
        )
    if kind in ("string_list", "string_number_map"):
        source.error("batchAttribute", f"{attribute!r} is a {kind}; write a number or a string")
    return BatchDistance(source.name, attribute, most, source.party())


def _sort(source: _Source) -> Rule:
    attribute = source.attribute("sortAttribute")
    direction = source.one.choice("sortDirection", ("ascending", "descending"))
    key: Any = source.one.table.get("mapKey")
    kind = source.kind(attribute)
    if kind == "string_number_map" and key is None:
        source.error("mapKey", f"is missing; {attribute!r} is a map: write minValue or maxValue")
    if key is not None:
        key = source.one.choice("mapKey", ("minValue", "maxValue"))
    if kind == "string_list" or (kind == "string" and source.one.table["type"] == "distanceSort"):
        source.error("sortAttribute", f"{attribute!r} is a {kind}, which has no such order")
    which: Any = "absolute" if source.one.table["type"] == "absoluteSort" else "distance"
    return Sort(source.name, which, attribute, direction == "descending", key, source.party())


def _compound(source: _Source) -> Rule:
    text = source.one.text("statement")
    nothing = Compound(source.name, Statement("and", ()))
    if not text:
        return nothing
    try:
        statement = statements.parse(text)
    except Invalid as wrong:
        source.error("statement", str(wrong))
        return nothing
    for name in sorted(statement.names()):
        rule = source.before.get(name)
        if rule is None:
            source.error("statement", f"there is no rule {name!r} before this one")
        elif isinstance(rule, BatchDistance | Sort):
            source.error("statement", f"{name!r} is of a type that cannot stand in a compound rule")
    return Compound(source.name, statement)


_TYPES: Final[dict[str, tuple[tuple[str, ...], Callable[[_Source], Rule]]]] = {
    "distance": (
        ("measurements", "referenceValue", "minDistance", "maxDistance", "partyAggregation"),
        _distance,
    ),
    "comparison": (
        ("measurements", "referenceValue", "operation", "partyAggregation"),
        _comparison,
    ),
    "collection": (
        ("measurements", "referenceValue", "operation", "minCount", "maxCount", "partyAggregation"),
        _collection,
    ),
    "latency": (
        ("maxLatency", "maxDistance", "distanceReference", "partyAggregation"),
        _latency,
    ),
    "batchDistance": (("batchAttribute", "maxDistance", "partyAggregation"), _batch_distance),
    "absoluteSort": (("sortDirection", "sortAttribute", "mapKey", "partyAggregation"), _sort),
    "distanceSort": (("sortDirection", "sortAttribute", "mapKey", "partyAggregation"), _sort),
    "compound": (("statement",), _compound),
}
