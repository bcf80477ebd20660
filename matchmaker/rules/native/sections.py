"""The sections of a rules file, and the rules that each of them stands for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from matchmaker.rules.native.document import Place
from matchmaker.rules.native.phrases import Range, Step
from matchmaker.rules.native.sheet import Sheet
from matchmaker.rules.ruleset import PARTY_SIZE, SIGMA

RATING: Final = "rating"
"""The attribute that the API fills with a player's rating."""

PARTY: Final = {"average": "avg", "weakest": "min", "strongest": "max"}
PARTY_LATENCY: Final = {"average": "avg", "slowest": "max", "fastest": "min"}
PLATFORMS: Final = {"same": "same", "shared": "shared", "any": "any"}

ALL: Final = "flatten(teams[*].players.attributes[{}])"


def teams(sheet: Sheet, place: Place) -> None:
    """``{red: 5, blue: 4 to 5}`` or ``{squad: 25 of 4}``."""
    read = sheet.read
    sheet.places["$.teams"] = place
    for name, at in read.table(place, "as in {red: 5, blue: 5}").items():
        keys = read.block(at, ("players", "widen"), main="players", needed=("players",))
        said = read.teams(keys["players"]) if "players" in keys else None
        if said is None:
            continue
        times, (low, high) = said
        quantity = {"quantity": times} if times > 1 else {}
        sheet.team(at, {"name": name, "minPlayers": low, "maxPlayers": high, **quantity})
        steps = read.steps(keys.get("widen"), read.range)
        for n, key in enumerate(("minPlayers", "maxPlayers")):
            sheet.expand(at, f"teams[{name}].{key}", _changes(steps, n, (low, high)[n]))


def skill(sheet: Sheet, place: Place) -> None:
    """``{attribute: mmr, within: 100, widen: {after 10s: 200}}``."""
    read = sheet.read
    known = ("attribute", "within", "widen", "party", "sigma")
    keys = read.block(place, known, main="within", needed=("within",))
    name = read.text(keys.get("attribute"), RATING)
    within = read.number(keys["within"]) if "within" in keys else None
    sheet.attribute(name, "number", place)
    if "sigma" in keys:
        sheet.attribute(name + SIGMA, "number", keys["sigma"])
        sheet.draft.attributes[name + SIGMA].setdefault("default", read.number(keys["sigma"]))
    rule = {
        "name": "skill",
        "type": "batchDistance",
        "batchAttribute": name,
        "maxDistance": within,
        "partyAggregation": read.choice(keys.get("party"), PARTY, "average"),
    }
    sheet.rule(place, rule, {"maxDistance": read.steps(keys.get("widen"), read.number)})


def balance(sheet: Sheet, place: Place) -> None:
    """``mmr``, or ``{attribute: mmr, within: 30}``: how far teams' averages may lie apart."""
    read = sheet.read
    keys = read.block(place, ("attribute", "within", "widen"), main="attribute")
    name = read.text(keys.get("attribute"), RATING)
    sheet.attribute(name, "number", place)
    sheet.draft.algorithm["balancedAttribute"] = name
    sheet.places["$.algorithm"] = place
    if "within" not in keys:
        if "widen" in keys:
            read.error(keys["widen"], "widens nothing; write 'within' beside it")
        return
    averages = f"avg(teams[*].players.attributes[{name}])"
    rule = {
        "name": "balance",
        "type": "distance",
        "measurements": [f"max({averages})"],
        "referenceValue": f"min({averages})",
        "maxDistance": read.number(keys["within"]),
    }
    sheet.rule(place, rule, {"maxDistance": read.steps(keys.get("widen"), read.number)})


def latency(sheet: Sheet, place: Place) -> None:
    """``{at most: 80, widen: {after 20s: 150}}``, in milliseconds, in a region in common."""
    read = sheet.read
    keys = read.block(place, ("at most", "widen", "party"), main="at most", needed=("at most",))
    rule = {
        "name": "latency",
        "type": "latency",
        "maxLatency": read.number(keys["at most"]) if "at most" in keys else None,
        "partyAggregation": read.choice(keys.get("party"), PARTY_LATENCY, "average"),
    }
    sheet.rule(place, rule, {"maxLatency": read.steps(keys.get("widen"), read.number)})


def roles(sheet: Sheet, place: Place) -> None:
    """``{tank: 1, healer: 1 to 2}``: how many of each team's players have the role."""
    read = sheet.read
    table = read.table(place, "as in {tank: 1, healer: 1}")
    attribute = "role"
    if "each team" in table:
        keys = read.block(place, ("attribute", "each team"))
        attribute = read.text(keys.get("attribute"), attribute)
        table = read.table(keys["each team"], "as in {tank: 1, healer: 1}")
    sheet.attribute(attribute, "string", place)
    where = [f"teams[{team}].players.attributes[{attribute}]" for team in sheet.team_names()]
    for role, at in table.items():
        keys = read.block(at, ("players", "widen"), main="players", needed=("players",))
        players = read.range(keys["players"]) if "players" in keys else None
        if players is None:
            continue
        steps = read.steps(keys.get("widen"), read.range)
        rule = {
            "name": role,
            "type": "collection",
            "operation": "contains",
            "measurements": where,
            "referenceValue": role,
            "minCount": players[0],
            "maxCount": players[1],
        }
        changes = {
            key: _changes(steps, n, players[n]) for n, key in enumerate(("minCount", "maxCount"))
        }
        sheet.rule(at, rule, changes)


def parties(sheet: Sheet, place: Place) -> None:
    """``{at most: 3, widen: {after 1m: 5}}``: players of a party."""
    read = sheet.read
    keys = read.block(place, ("at most", "widen"), main="at most", needed=("at most",))
    sheet.attribute(PARTY_SIZE, "number", place)
    rule = {
        "name": "parties",
        "type": "comparison",
        "measurements": [ALL.format(PARTY_SIZE)],
        "operation": "<=",
        "referenceValue": read.whole(keys["at most"], 1) if "at most" in keys else None,
    }
    steps = read.steps(keys.get("widen"), lambda at: read.whole(at, 1))
    sheet.rule(place, rule, {"referenceValue": steps})


def platforms(sheet: Sheet, place: Place) -> None:
    """``same``, ``shared`` or ``any``: who plays with whom across platforms."""
    read = sheet.read
    keys = read.block(place, ("allow", "attribute", "widen"), main="allow", needed=("allow",))
    allow = read.choice(keys.get("allow"), PLATFORMS, "any")
    steps = read.steps(keys.get("widen"), lambda at: read.choice(at, {"any": True}, "any"))
    if len(steps) > 1:
        read.error(steps[1][2], "any platform is allowed already")
    if allow == "any":
        if "widen" in keys:
            read.error(keys["widen"], "widens nothing; any platform is allowed already")
        return
    if allow == "shared":
        name = read.text(keys.get("attribute"), "platforms")
        _in_common(sheet, place, name, 1, [(wait_s, 0, at) for wait_s, _, at in steps])
        return
    name = read.text(keys.get("attribute"), "platform")
    if not steps:
        _alike(sheet, place, name)
        return
    sheet.attribute(name, "string", place)
    measured = {"measurements": [ALL.format(name)], "operation": "="}
    sheet.rule(place, {"name": name, "type": "comparison", **measured})
    if not sheet.draft.large():
        sheet.switched(place, f"{name}-while", name, [(0.0, True), (steps[0][0], False)])


def same(sheet: Sheet, place: Place) -> None:
    """``[mode, build]``: texts that are equal for everybody in a match."""
    if not isinstance(place.value, list) or not place.value:
        sheet.read.error(place, f"is {place.shown()}; write a list, as in [mode, build]")
        return
    for one in place.value:
        if name := sheet.read.text(one):
            _alike(sheet, one, name)


def in_common(sheet: Sheet, place: Place) -> None:
    """``{maps: 1}``: how much of their lists everybody in a match has in common."""
    read = sheet.read
    for name, at in read.table(place, "as in {maps: 1}").items():
        keys = read.block(at, ("at least", "widen"), main="at least", needed=("at least",))
        least = read.whole(keys["at least"], 1) if "at least" in keys else None
        if least is not None:
            _in_common(sheet, at, name, least, read.steps(keys.get("widen"), read.whole))


def avoid(sheet: Sheet, place: Place) -> None:
    """``blocked``: nobody meets a player whose id is in their list of this name."""
    name = sheet.read.text(place)
    sheet.attribute(name, "string_list", place)
    sheet.draft.attributes[name].setdefault("default", [])
    rule = {
        "name": "avoid",
        "type": "collection",
        "operation": "reference_intersection_count",
        "measurements": [ALL.format(name)],
        "referenceValue": "flatten(teams[*].players[playerId])",
        "maxCount": 0,
    }
    sheet.rule(place, rule)


def widen_by(sheet: Sheet, place: Place) -> None:
    """``newest`` or ``oldest``: whose wait counts for what widens."""
    ages = {"newest": "newest", "oldest": "oldest"}
    sheet.draft.algorithm["expansionAgeSelection"] = sheet.read.choice(place, ages, "newest")


def backfill(sheet: Sheet, place: Place) -> None:
    """``normal``, ``low`` or ``high``: running matches that lack players, against new ones."""
    priorities = {"normal": "normal", "low": "low", "high": "high"}
    sheet.draft.algorithm["backfillPriority"] = sheet.read.choice(place, priorities, "normal")


SECTIONS: Final[Mapping[str, Callable[[Sheet, Place], None]]] = {
    "teams": teams,
    "skill": skill,
    "balance": balance,
    "latency": latency,
    "roles": roles,
    "parties": parties,
    "platforms": platforms,
    "same": same,
    "in common": in_common,
    "avoid": avoid,
    "widen by": widen_by,
    "backfill": backfill,
}
"""In the order in which their rules are written. Teams come first: others name them."""


def _alike(sheet: Sheet, place: Place, name: str) -> None:
    sheet.attribute(name, "string", place)
    sheet.rule(place, {"name": name, "type": "batchDistance", "batchAttribute": name})


def _in_common(
    sheet: Sheet, place: Place, name: str, least: int, steps: Sequence[Step[int]]
) -> None:
    sheet.attribute(name, "string_list", place)
    rule = {
        "name": name,
        "type": "collection",
        "operation": "intersection",
        "partyAggregation": "intersection",
        "measurements": [ALL.format(name)],
        "minCount": least,
    }
    sheet.rule(place, rule, {"minCount": steps})


def _changes(steps: Sequence[Step[Range]], end: int, value: int) -> list[Step[int]]:
    """Steps of one end of a range, where it changes."""
    found: list[Step[int]] = []
    for wait_s, said, at in steps:
        if said[end] != value:
            value = said[end]
            found.append((wait_s, value, at))
    return found
