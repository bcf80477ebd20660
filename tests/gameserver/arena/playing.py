"""Matches of the arena over a line, and what their players saw of it.

    python -m tests.gameserver.arena.playing --seconds 30

prints the table of docs/arena-protocol.md. As root: see line.py.
"""

import argparse
import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from core import dice
from gameserver.arena.client import ArenaClient, Ending
from gameserver.arena.path import PathMeter
from gameserver.arena.wire import NEVER, Timing
from tests.gameserver.arena.house import house
from tests.gameserver.arena.line import CLEAN, Line, Quality
from tests.gameserver.fakes import assign, token

DSCP = 46
JITTERY = Quality(delay_ms=20, jitter_ms=10, lost_share=0.02)
ROUGH = Quality(delay_ms=60, jitter_ms=5, lost_share=0.05, early_share=0.25, doubled_share=0.02)
QUALITIES = (CLEAN, JITTERY, ROUGH)


class Samples(PathMeter):
    """A meter that also keeps every round trip, and every pause between two newer worlds."""

    def __init__(self) -> None:
        super().__init__()
        self.round_trips_ms: list[float] = []
        self.pauses_ms: list[float] = []
        self.late = 0
        """Datagrams that came after one that was sent later."""

    def heard(self, sequence: int, timing: tuple[int, int, int] | Timing, now_us: int) -> None:
        _, echo_us, held_us = timing
        if held_us != NEVER:
            self.round_trips_ms.append(((now_us - echo_us - held_us) & NEVER) / 1000)
        if sequence < self._highest:
            self.late += 1
        elif self._heard_us is not None:
            self.pauses_ms.append((now_us - self._heard_us) / 1000)
        super().heard(sequence, timing, now_us)


@dataclass
class Played:
    """What became of the matches on one line."""

    line: Line
    refusals: list[str] = field(default_factory=list)
    endings: list[tuple[str, str, Ending]] = field(default_factory=list)
    """Match, player, and how it ended for that player."""

    results: dict[str, Any] = field(default_factory=dict)
    """By match, as the allocator was told."""

    events: list[str] = field(default_factory=list)
    samples: list[Samples] = field(default_factory=list)

    def round_trips_ms(self) -> list[float]:
        return sorted(one for kept in self.samples for one in kept.round_trips_ms)

    def pauses_ms(self) -> list[float]:
        return sorted(one for kept in self.samples for one in kept.pauses_ms)


async def play(quality: Quality, *, seconds: float, matches: int, seed: int = 1) -> Played:
    """Duels at one server, all at once, to their ends."""
    line = Line(quality, dice.stream(seed, "line"))
    played = Played(line)
    with contextlib.closing(line):
        async with house(seconds, rooms=matches, line=line, dscp=DSCP) as h:
            players: list[tuple[str, str, ArenaClient]] = []
            for n in range(matches):
                match = f"duel.{n:032x}"
                await h.allocator.say(**assign(match, room=n))
                await h.allocator.hears("ack", n + 1)
                for name in ("ann", "bob"):
                    player = h.player()
                    player._path = kept = Samples()
                    played.samples.append(kept)
                    opens = token(name, match=match)
                    outcome = await player.connect(h.address, h.arena.port, opens)
                    played.refusals += [outcome.reason] if outcome.reason else []
                    players.append((match, name, player))
            async with asyncio.timeout(seconds + 10):
                for match, name, player in players:
                    played.endings.append((match, name, await player.ended()))
                await h.allocator.hears("release", matches)
            played.results = {it["match"]: it["result"] for it in h.allocator.all("result")}
            played.events = h.witness.kinds()
    return played


def share(ordered: list[float], part: float) -> float:
    """The value below which ``part`` of them lie."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


PARTS = (0.5, 0.95, 0.99)


def row(name: str, values: list[float], clean: list[float]) -> str:
    """p50, p95 and p99 in ms, and how many times those of the clean line."""
    told = [share(values, part) for part in PARTS]
    times = [f"{one / share(clean, part):.3g}" for one, part in zip(told, PARTS, strict=True)]
    return f"{name}: {' / '.join(f'{one:.1f}' for one in told)} ms ({' / '.join(times)})"


def main() -> None:
    """Every line in every round, so that the machine's other work falls on all alike."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seconds", type=float, default=30.0, help="of play on each line")
    asked.add_argument("--matches", type=int, default=4)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    lines: dict[Quality, list[Played]] = {quality: [] for quality in QUALITIES}
    for n in range(given.rounds):
        for quality, runs in lines.items():
            seconds = given.seconds / given.rounds
            runs.append(asyncio.run(play(quality, seconds=seconds, matches=given.matches, seed=n)))
    clean = lines[CLEAN]
    for quality, runs in lines.items():
        print(f"{quality}{' by netem' if runs[0].line.by_netem else ''}")
        for what in (Played.round_trips_ms, Played.pauses_ms):
            told, usual = (sorted(v for run in them for v in what(run)) for them in (runs, clean))
            print(" ", row(what.__name__, told, usual), f"of {len(told)}")
        lost, sent = sum(run.line.lost for run in runs), sum(run.line.sent for run in runs)
        late = sum(kept.late for run in runs for kept in run.samples)
        print(f"  lost {lost} of {sent}, {late} snapshots came late")


if __name__ == "__main__":
    main()
