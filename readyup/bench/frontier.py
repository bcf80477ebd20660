"""Waiting against quality: what each policy makes of the same evening of arrivals.

Time is virtual. Every policy is asked once a second; the rules stand still, so that a
quality means the same in every match. Who is never matched counts with the wait until the
end. Policies: our engine at several settings of its dial; first come, first seated;
anchor by anchor as FlexMatch does it; and our engine asked only every so many seconds.
"""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matchmaker.engine.dial import Dial
from matchmaker.engine.engine import Engine
from matchmaker.engine.forming import Former
from matchmaker.engine.quality import quality
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import RuleSet
from readyup.bench.crowds import GAMES, Game
from readyup.bench.fifo import Fifo
from readyup.bench.machine import machine

Policy = Callable[[dict[str, Party], int], Sequence[Lineup]]
"""From who waits, by ticket, and the second, to the matches that are made."""

ANCHOR_STEPS = 2_000
"""Parties that the anchor policy may seat in a second; it makes up for it later."""


@dataclass(frozen=True, slots=True)
class FrontierSettings:
    """What is measured."""

    seconds: int = 180
    """Of arrivals. The first and the last sixth fill and empty the queue: they do not count."""

    per_s: float = 8.0
    """Tickets that come each second."""

    games: tuple[str, ...] = ("duel", "squads")
    dials_s: tuple[float, ...] = (0.0, 15.0, 40.0, 100.0, 300.0)
    batches_s: tuple[int, ...] = (2, 5, 10, 20, 40)
    seed: int = 1


def bench_frontier(
    settings: FrontierSettings, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Wait and quality of every policy, for each game."""
    before, rows = machine(), []
    for game in GAMES:
        if game.name not in settings.games:
            continue
        rules = replace(game.rules(), expansions=())
        arrivals = _arrivals(game, settings)
        for name, setting, policy in _policies(rules, settings):
            progress(f"{game.told}: {name} {setting:g}")
            evening = _evening(arrivals, policy, rules, settings)
            rows.append({"game": game.name, "policy": name, "setting_s": setting, **evening})
    return {"machine": before, "seconds": settings.seconds, "per_s": settings.per_s, "rows": rows}


def _arrivals(game: Game, settings: FrontierSettings) -> list[Party]:
    dice = random.Random(settings.seed)
    at_s = 0.0
    coming: list[Party] = []
    while (at_s := at_s + dice.expovariate(settings.per_s)) < settings.seconds:
        coming.append(game.party(len(coming), at_s, dice))
    return coming


def _policies(rules: RuleSet, settings: FrontierSettings) -> list[tuple[str, float, Policy]]:
    found = [("dial", wait_s, _engine(rules, wait_s, 1)) for wait_s in settings.dials_s]
    found += [("batch", float(each), _engine(rules, 0.0, each)) for each in settings.batches_s]
    return [*found, ("fifo", 0.0, _fifo(rules)), ("anchor", 0.0, _anchor(rules))]


def _engine(rules: RuleSet, wait_s: float, each_s: int) -> Policy:
    engine = Engine(rules, Dial(wait_s))

    def policy(waiting: dict[str, Party], now_s: int) -> Sequence[Lineup]:
        for party in waiting.values():
            if party.id not in engine:
                engine.add(party)
        if now_s % each_s:
            return []
        made = [match.lineup for match in engine.pass_(float(now_s), seed=now_s)]
        for party in [party for lineup in made for party in lineup.parties()]:
            engine.remove(party.id)
        return made

    return policy


def _fifo(rules: RuleSet) -> Policy:
    def policy(waiting: dict[str, Party], now_s: int) -> Sequence[Lineup]:
        del now_s
        fifo = Fifo(rules)
        fifo.run(waiting.values())
        return fifo.matches

    return policy


def _anchor(rules: RuleSet) -> Policy:
    former = Former(rules)

    def policy(waiting: dict[str, Party], now_s: int) -> Sequence[Lineup]:
        formed = former.form(waiting.values(), float(now_s), steps=ANCHOR_STEPS)
        return [made.lineup for made in formed]

    return policy


def _evening(
    arrivals: Sequence[Party], policy: Policy, rules: RuleSet, settings: FrontierSettings
) -> dict[str, float]:
    waiting: dict[str, Party] = {}
    left_s: dict[str, float] = {}
    qualities, n = [], 0
    first_s, last_s = settings.seconds / 6, settings.seconds * 5 / 6
    for now_s in range(1, settings.seconds + 1):
        while n < len(arrivals) and arrivals[n].at_s <= now_s:
            waiting[arrivals[n].id] = arrivals[n]
            n += 1
        for lineup in policy(waiting, now_s):
            if first_s <= now_s <= last_s:
                qualities.append(quality(lineup, rules))
            for party in lineup.parties():
                del waiting[party.id]
                left_s[party.id] = float(now_s)
    waits = sorted(
        left_s.get(party.id, settings.seconds) - party.at_s
        for party in arrivals
        if first_s <= party.at_s <= last_s
        for _ in party.players
    )
    return {
        "wait_s_mean": round(statistics.mean(waits), 2),
        "wait_s_p90": round(waits[int(0.9 * (len(waits) - 1))], 2),
        "quality": round(statistics.mean(qualities), 4) if qualities else 0.0,
        "matches": len(qualities),
        "left_waiting": len(waiting),
    }
