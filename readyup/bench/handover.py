"""How long a match is away when its game server is killed with -9, and whether one is lost.

The whole demo runs, with matches long enough to be struck in their middle. Again and again
a server with a match in play is killed; the history of the run then tells for each such
match when all players who were in it played again, and what the time went by on. Beside
it stands what a plain way in takes in the same run: from the moment at which a player is
told a new match's address to the moment at which its server lets the player in. At the
end some servers are told to go with SIGTERM instead, as by whoever drains their node.
"""

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from core import dice
from core.clock import SystemClock
from core.game_server import ServerView
from core.ids import RoomId, room_id
from readyup.bench.machine import machine
from readyup.bots.report import percentile
from readyup.demo.asked import DemoSettings
from readyup.demo.run import Demo
from readyup.demo.screen import Show
from readyup.demo.stack import Stack
from readyup.settings import Config

BETWEEN_S = 1.5
"""After a kill, at least: on two busy cores less than it takes until another server is there."""

DRAINED_SHARE = 0.1
"""As many servers of these are told to go with SIGTERM, after the kills."""

PLAYERS = 40
MATCH_S = {"duel": 10, "squad": 14}
"""Long enough that a kill finds matches in play, and short enough for many of them."""

STAGES = ("noticed", "taken", "told", "playing")
"""The allocator hands over; the next server acks; the first player hears of it; all play."""

NO_WARM_SERVER = "no warm server"
"""What became of a match that waited for one until its deadline: no fault of the handing over."""

_CLOCK = SystemClock()
_view = msgspec.json.Decoder(ServerView).decode


@dataclass(frozen=True, slots=True)
class Kill:
    """One server, and the matches that were in play on it."""

    at_ms: int
    how: signal.Signals
    matches: Mapping[str, int]
    """Match to its session's epoch."""


@dataclass
class Kills:
    """Ends servers in play until there were enough, then the run."""

    signals: Sequence[signal.Signals]
    stop: asyncio.Event
    chance: random.Random = field(default_factory=lambda: dice.stream(1, "kills"))
    done: list[Kill] = field(default_factory=list)

    async def meanwhile(self, stack: Stack) -> None:
        """Beside the bots of a demo."""
        await asyncio.sleep(3.0)  # until matches are in play
        while len(self.done) < len(self.signals):
            if there := await self._in_play(stack):
                pid, matches = self.chance.choice(there)
                kill = Kill(_CLOCK.wall_ms(), self.signals[len(self.done)], matches)
                os.kill(pid, kill.how)
                self.done.append(kill)
            await asyncio.sleep(BETWEEN_S)
        await asyncio.sleep(5.0)  # for the last ones to be back
        self.stop.set()

    async def _in_play(self, stack: Stack) -> list[tuple[int, dict[str, int]]]:
        """Servers with matches in play."""
        fleet = stack.config.fleets[0]
        slot = f"{{f:{fleet.name}}}"
        there = sorted(map(_view, await stack.store.call("HVALS", f"{slot}:backend")), key=_name)
        found = []
        for server in there:
            matches: dict[str, int] = {}
            for n in range(server.rooms):
                match = await _match_in(stack, slot, room_id(server.uid, n))
                session = f"{slot}:session:{match}"
                state, epoch = await stack.store.call("HMGET", session, "state", "epoch")
                if state == "active":
                    matches[match] = int(epoch)
            if matches and server.pid:
                found.append((server.pid, matches))
        return found


async def bench_handover(
    config: Config, run_dir: Path, *, kills: int, show: Show
) -> dict[str, Any]:
    """Run it, and read its history."""
    ran_on = machine()
    fleet = config.fleets[0]
    longer = {**fleet.env, "ARENA_SECONDS": msgspec.json.encode(MATCH_S).decode()}
    config = replace(config, fleets=(replace(fleet, env=longer), *config.fleets[1:]))
    stop = asyncio.Event()
    drains = max(1, round(DRAINED_SHARE * kills))
    harm = Kills([signal.SIGKILL] * kills + [signal.SIGTERM] * drains, stop)
    demo = Demo(config, DemoSettings(players=PLAYERS), run_dir)
    outcome = await demo.play(stop, show, harm.meanwhile)
    with (run_dir / "history.jsonl").open("rb") as lines:
        history = list(map(msgspec.json.Decoder(dict[str, Any]).decode, lines))
    told, waits_ms = Told(history), waits(history)
    return {
        "machine": ran_on | {"load_after": round(os.getloadavg()[0], 2)},
        "kills": kills,
        **figures(told, [kill for kill in harm.done if kill.how is signal.SIGKILL]),
        "waited_for_a_server": {"times": len(waits_ms), "ms": _quantiles(waits_ms)},
        "drains": drains,
        "drained": figures(told, [kill for kill in harm.done if kill.how is signal.SIGTERM]),
        "handovers_of_players": outcome.report["handovers"],
        "repairs": outcome.report["repairs"],
        "breaches": outcome.report["breaches"],
        "events": outcome.report["events"],
        "unexpected": outcome.unexpected,
    }


class Told:
    """What the history tells of each match: who was in, and what came when."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self.joins: defaultdict[tuple[str, int], dict[str, int]] = defaultdict(dict)
        self.assigned: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self.left: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self.noticed: dict[tuple[str, int], int] = {}
        self.taken: dict[tuple[str, int], int] = {}
        self.ended: dict[str, str] = {}
        self.ways_in_ms: list[float] = []
        sent: dict[tuple[str, str, int], int] = {}
        for e in events:
            match e["k"]:
                case "bot.assigned":
                    at = (e["match"], e["session_epoch"])
                    self.assigned[at].append(e["t"])
                    sent[e["player"], *at] = e["t"]
                case "bot.joined":
                    at = (e["match"], e["session_epoch"])
                    self.joins[at].setdefault(e["player"], e["t"])
                    began_ms = sent.pop((e["player"], *at), None)
                    if began_ms is not None and at[1] == 1:
                        self.ways_in_ms.append(e["t"] - began_ms)
                case "bot.dropped" | "bot.crashed" | "bot.left" | "bot.result":
                    self.left[e["player"]].append((e["t"], e.get("match", "")))
                case "session.handover":
                    self.noticed.setdefault((e["match"], e["session_epoch"]), e["t"])
                case "room.acked":
                    self.taken.setdefault((e["match"], e["session_epoch"]), e["t"])
                case "session.ended":
                    self.ended[e["match"]] = e["reason"]

    def in_play(self, match: str, epoch: int, at_ms: int) -> set[str]:
        """Players who were in the match at that moment, and stayed until it went on."""
        return {
            player
            for player, joined_ms in self.joins[match, epoch].items()
            if joined_ms <= at_ms and not self._gone(player, joined_ms, match, epoch)
        }

    def _gone(self, player: str, since_ms: int, match: str, epoch: int) -> bool:
        again_ms = self.joins[match, epoch + 1].get(player)
        return again_ms is None and any(at_ms >= since_ms for at_ms, _ in self.left[player])


def waits(events: Iterable[Mapping[str, Any]]) -> list[float]:
    """How long each match waited, in milliseconds, that had left its server and found none warm."""
    since_ms: dict[str, int] = {}
    waited_ms: list[float] = []
    for e in events:
        if e["k"] == "match.waiting" and "from" in e:
            since_ms[e["match"]] = e["t"]
        elif e["k"] in ("session.moved", "session.ended") and e["match"] in since_ms:
            waited_ms.append(e["t"] - since_ms.pop(e["match"]))
    return waited_ms


def figures(told: Told, kills: Sequence[Kill]) -> dict[str, Any]:
    """What became of each match that a kill struck, and how long it was away."""
    spent: dict[str, list[float]] = {stage: [] for stage in STAGES}
    fates: defaultdict[str, int] = defaultdict(int)
    lost: dict[str, str] = {}
    for kill in kills:
        for match, epoch in kill.matches.items():
            fate, times = _struck(told, kill.at_ms, match, epoch)
            fates[fate] += 1
            if fate == "lost":
                lost[match] = told.ended.get(match, "") or "never ended"
            for stage, at_ms in times.items():
                spent[stage].append(at_ms - kill.at_ms)
    away, plain = _quantiles(spent["playing"]), _quantiles(told.ways_in_ms)
    return {
        "matches_struck": sum(fates.values()),
        "fates": dict(sorted(fates.items())),
        "sessions_lost": len(lost),
        "lost_because": sorted(lost.values()),
        "kill_to_all_playing_ms": away,
        "stages_p50_ms": {stage: _quantiles(spent[stage])["p50"] for stage in STAGES},
        "plain_way_in_ms": plain,
        "ratio_to_plain_way_in": round(away["p50"] / plain["p50"], 1) if plain["p50"] else None,
    }


def _struck(told: Told, at_ms: int, match: str, epoch: int) -> tuple[str, dict[str, int]]:
    """What became of one match, and when each stage of its way was reached."""
    reason = told.ended.get(match, "")
    noticed_ms = told.noticed.get((match, epoch))
    if noticed_ms is None:
        return ("finished before" if reason == "finished" else "lost"), {}
    if reason == "abandoned":
        return NO_WARM_SERVER, {}
    if reason in ("lost", "failed"):
        return "lost", {}
    after = (match, epoch + 1)
    back = told.joins[after]
    players = told.in_play(match, epoch, at_ms)
    if not players <= back.keys() or not players:
        # It moved once more before all were back, or nobody had stayed to come back.
        again = (match, epoch + 1) in told.noticed or not players or reason == "finished"
        return ("struck again or left" if again else "lost"), {}
    times = {"noticed": noticed_ms, "playing": max(back[player] for player in players)}
    if after in told.taken:
        times["taken"] = told.taken[after]
    if told.assigned[after]:
        times["told"] = min(told.assigned[after])
    return "played on", times


def _quantiles(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(percentile(ordered, q), 1) for name, q in shares.items()} | {
        "max": round(ordered[-1], 1)
    }


def _name(server: ServerView) -> str:
    return server.name


async def _match_in(stack: Stack, slot: str, room: RoomId) -> str:
    return str(await stack.store.call("HGET", f"{slot}:room:{room}", "match") or "")
