"""Rule sets and tickets written short, and what comes of them offline."""

import json
from collections.abc import Mapping
from typing import Any

from matchmaker.arrivals import Arrival
from matchmaker.offline import Outcome, run
from matchmaker.rules import flexmatch


def rule_set(**parts: object) -> str:
    return json.dumps({"ruleLanguageVersion": "1.0", **parts})


def number(name: str, default: float | None = None) -> dict[str, Any]:
    return {"name": name, "type": "number"} | ({} if default is None else {"default": default})


def teams(*sizes: tuple[int, int], names: str = "red blue green") -> list[dict[str, Any]]:
    return [
        {"name": name, "minPlayers": low, "maxPlayers": high}
        for name, (low, high) in zip(names.split(), sizes, strict=False)
    ]


def ticket(
    name: str,
    at_s: float = 0.0,
    *players: Mapping[str, Any],
    latency_ms: Mapping[str, float] | None = None,
    cancel_at_s: float | None = None,
) -> Arrival:
    told = [
        {"id": f"{name}.{n}" if n else name, "attributes": one, "latency_ms": latency_ms or {}}
        for n, one in enumerate(players or ({},))
    ]
    return Arrival(name, told, at_s, cancel_at_s)


def tried(text: str, *tickets: Arrival, until_s: float | None = None) -> Outcome:
    return run(flexmatch.load(text), tickets, until_s=until_s)


def who(outcome: Outcome, n: int = 0) -> set[str]:
    return {one for team in outcome.matches[n].teams.values() for one in team}


def rules(*some: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rules with names of their own: r0, r1 and so on."""
    return [{"name": f"r{n}", **one} for n, one in enumerate(some)]


def widening(target: str, wait_s: float, value: object) -> dict[str, Any]:
    """An expansion of one step."""
    return {"target": target, "steps": [{"waitTimeSeconds": wait_s, "value": value}]}


def met(outcome: Outcome) -> list[tuple[float, str]]:
    """When each match was made, and who is in it: their names one after the other, sorted."""
    return [
        (made.time_s, "".join(sorted(who(outcome, n)))) for n, made in enumerate(outcome.matches)
    ]
