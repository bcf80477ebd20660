"""The crowd: players arrive as a Poisson process, live their lives, and leave nothing behind."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from core import dice
from core.clock import Clock, SystemClock
from core.errors import Invalid
from core.eventfile import EventFile
from core.ids import PLAYER
from readyup.bots.behaviour import Mood
from readyup.bots.burst import ASKED_WITHIN_S, LEAD_S, Burst, burst_name
from readyup.bots.diary import Diary
from readyup.bots.habits import (
    ROUND_S_GUESS,
    Habits,
    arrivals_per_s,
    draw_group,
    draw_latencies,
    draw_rating,
    draw_roles,
    draw_rounds,
)
from readyup.bots.party import Party
from readyup.bots.player import Player
from readyup.bots.ports import Api, Game
from readyup.bots.report import CrowdReport, Figures, figures_of, report_of
from readyup.bots.tally import Tally, Trouble
from readyup.bots.world import Who, World

log = structlog.get_logger("readyup.bots")

TICK_S = 1.0
GUESS_WEIGHT = 50
"""Measured rounds that weigh as much as the guess of a round's length."""

GOODBYE_S = 2.0
"""For closing lines after the drain's deadline, before whoever hangs is cancelled."""


@dataclass(frozen=True, slots=True)
class CrowdSettings:
    """What is asked of a run."""

    url: str = "http://127.0.0.1:8081"
    """Base of the player API."""

    players: int = 200
    """About how many are present at a time."""

    duration_s: float = 60.0
    """Until nobody comes or enqueues any more; the drain follows."""

    drain_s: float = 12.0
    """For running matches to finish after that."""

    quick_drain_s: float = 3.0
    """The same when the run is stopped from outside."""

    seed: int = 1
    habits: Habits = field(default_factory=Habits)
    key: str = "dev-player:{player}"
    """A player's bearer key, with the player's id in it."""

    name: str = "bot"
    """Players are called <name>-<n>; two processes on one service need two names."""

    events: Path | None = None
    """Where the players' own witness is written; None for nowhere."""

    burst: Burst | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise Invalid(f"{self.url!r} must start with http:// or https://", field="$.url")
        if not 1 <= self.players <= 18_000:
            raise Invalid(
                f"{self.players} players: give 1 to 18000 to a process (each keeps a socket)",
                field="$.players",
            )
        if not 0.0 < self.duration_s <= 7 * 86_400.0:
            raise Invalid("the duration is more than 0 s and at most a week", field="$.duration_s")
        if self.drain_s < 0.0 or self.quick_drain_s < 0.0:
            raise Invalid("drain_s and quick_drain_s are seconds, 0 or more", field="$.drain_s")
        if not PLAYER.fullmatch(f"{self.name}-1234567"):
            raise Invalid(
                f"{self.name!r} makes no player ids; take letters, digits, '.', '_', '-'",
                field="$.name",
            )
        if "{player}" not in self.key:
            raise Invalid("the key needs a {player} in it, once per player", field="$.key")


class Crowd:
    """One run of a crowd over given ports; ``run`` is called once."""

    def __init__(
        self,
        settings: CrowdSettings,
        api: Api,
        game: Game,
        *,
        clock: Clock | None = None,
        witness: EventFile | None = None,
    ) -> None:
        """``witness`` is written to in the place of ``settings.events``."""
        self._settings = settings
        self._clock = clock or SystemClock()
        # Two runs of one seed must not share idempotency keys.
        self._world = World(
            api, game, settings.habits, run=f"{self._clock.wall_us():x}", key=settings.key
        )
        self._tally = Tally()
        self._events = witness
        if witness is None and settings.events is not None:
            self._events = EventFile(settings.events, f"bot/{settings.name}", self._clock)
        self._dice = dice.stream(settings.seed, "crowd", settings.name)
        self._present: dict[str, tuple[Party, Player]] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._born = self._burst = 0
        """Who came by themselves, and who with the burst."""

        self._began_s = 0.0
        self._empty = asyncio.Event()

    async def run(
        self, *, stop: asyncio.Event, on_tick: Callable[[Figures], None] | None = None
    ) -> CrowdReport:
        """Arrivals until the duration is over or ``stop`` is set, then the drain.

        ``on_tick`` is called about once a second with the figures of the moment.
        """
        self._began_s = _now_s()
        try:
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(self._tick(on_tick), name="figures")
                async with asyncio.TaskGroup() as lives:
                    bursting = lives.create_task(self._burst_in(lives), name="burst")
                    await self._arrive(lives, stop)
                    bursting.cancel()
                    await self._drain(stop)
                ticking.cancel()
        finally:
            if self._events is not None:
                self._events.close()
        return report_of(
            self._tally, players=self._born + self._burst, duration_s=_now_s() - self._began_s
        )

    def figures(self) -> Figures:
        """The crowd now."""
        phases = [(party.queue, player.phase) for party, player in self._present.values()]
        return figures_of(self._tally, phases, t_s=_now_s() - self._began_s)

    def troubles(self) -> tuple[Trouble, ...]:
        """The errors that fail the run, one by one: the last thousand."""
        return tuple(self._tally.troubles)

    async def _tick(self, on_tick: Callable[[Figures], None] | None) -> None:
        while on_tick is not None:
            await asyncio.sleep(TICK_S)
            on_tick(self.figures())

    async def _arrive(self, lives: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """The first crowd at once, then a Poisson process that replaces who leaves."""
        settings, round_s = self._settings, self._settings.habits.think_s_mean + ROUND_S_GUESS
        while self._born < settings.players:
            # Spread over a round, as if they had been there before: the first match comes
            # at once, and no wave of 200 goes through the rooms.
            self._welcome(lives, first_think_s=self._dice.uniform(0.0, round_s))
        end_s = self._began_s + settings.duration_s
        while not stop.is_set():
            gap_s = self._dice.expovariate(self._rate_per_s())
            if _now_s() + gap_s >= end_s:
                await _until(end_s, stop)
                return
            await _until(_now_s() + gap_s, stop)
            if not stop.is_set():
                self._welcome(lives, first_think_s=self._dice.uniform(0.0, 0.5))

    def _rate_per_s(self) -> float:
        tally = self._tally
        seen = GUESS_WEIGHT + tally.rounds
        round_s = (GUESS_WEIGHT * ROUND_S_GUESS + tally.round_s_sum) / seen
        return arrivals_per_s(self._settings.habits, self._settings.players, round_s)

    def _welcome(self, lives: asyncio.TaskGroup, *, first_think_s: float) -> None:
        """One group comes: its size, queue and rounds from the crowd's dice, the rest its own."""
        habits = self._settings.habits
        queue, size = draw_group(habits, self._dice)
        party = Party(queue, draw_rounds(habits, self._dice))
        shared = dice.stream(self._settings.seed, self._settings.name, "party", self._born)
        latency_ms = draw_latencies(shared)
        for role in draw_roles(size, shared):
            self._born += 1
            name = f"{self._settings.name}-{self._born}"
            own = dice.stream(self._settings.seed, self._settings.name, self._born)
            who = Who(name, draw_rating(own), own, role, latency_ms)
            self._join(lives, party, who, first_think_s=first_think_s)

    async def _burst_in(self, lives: asyncio.TaskGroup) -> None:
        """Those of the burst come a little before it, and ask at its moment."""
        burst, settings = self._settings.burst, self._settings
        if burst is None:
            return
        await asyncio.sleep(max(0.0, burst.at_s - LEAD_S))
        asks_s = self._began_s + burst.at_s
        while self._burst < 2 * burst.matches:
            self._burst += 1
            name = burst_name(settings.name, self._burst)
            own = dice.stream(settings.seed, settings.name, "burst", self._burst)
            who = Who(name, draw_rating(own), own)
            think_s = asks_s - _now_s() + self._dice.uniform(0.0, ASKED_WITHIN_S)
            self._join(lives, Party("duel", rounds=1), who, first_think_s=think_s)

    def _join(
        self, lives: asyncio.TaskGroup, party: Party, who: Who, *, first_think_s: float
    ) -> None:
        diary = Diary(who.id, party.queue, self._tally, self._events)
        player = Player(who, self._world, party, diary, first_think_s=first_think_s)
        party.members.append(player)
        self._present[who.id] = party, player
        self._lives[who.id] = lives.create_task(self._live(player), name=who.id)

    async def _live(self, player: Player) -> None:
        try:
            await player.live()
        except Exception:
            # A bot that breaks is a mistake of ours: it is counted, said, and fails the run.
            self._tally.error(Trouble(_now_s(), "bot_broke", player.id, ""))
            log.exception("bot.broke", player=player.id)
        finally:
            del self._present[player.id], self._lives[player.id]
            if not self._present:
                self._empty.set()

    async def _drain(self, stop: asyncio.Event) -> None:
        """Nobody enqueues any more; who waits cancels, who plays finishes, until the deadline."""
        self._turn(Mood.CLOSING)
        began_s = _now_s()
        self._empty.clear()
        settings = self._settings
        while self._present and not self._empty.is_set():
            limit_s = settings.quick_drain_s if stop.is_set() else settings.drain_s
            left_s = began_s + min(limit_s, settings.drain_s) - _now_s()
            if left_s <= 0.0:
                break
            await _until(_now_s() + min(0.25, left_s), self._empty)
        self._turn(Mood.CLOSED)
        if self._present:
            await _until(_now_s() + GOODBYE_S, self._empty)
        for life in list(self._lives.values()):
            life.cancel()

    def _turn(self, mood: Mood) -> None:
        self._world.mood = mood
        for _, player in list(self._present.values()):
            player.nudge()


async def run_crowd(
    settings: CrowdSettings,
    *,
    on_tick: Callable[[Figures], None] | None = None,
    stop: asyncio.Event | None = None,
) -> CrowdReport:
    """A crowd over HTTP, WebSocket and the arena's UDP.

    Raises:
        Unreachable: no player API answers at the address.
        Unauthorized: the API refuses the players' keys.
    """
    from readyup.bots.api import HttpApi
    from readyup.bots.arena import Arena

    chance: random.Random = dice.stream(settings.seed, "steer", settings.name)
    async with HttpApi(settings.url, key=settings.key) as api:
        # A wrong address or key is told at once, and not by thousands of lost lines.
        await (await api.dial(f"{settings.name}-0")).close()
        with Arena(chance) as game:
            crowd = Crowd(settings, api, game)
            return await crowd.run(stop=stop or asyncio.Event(), on_tick=on_tick)


async def _until(when_s: float, sooner: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(when_s):
            await sooner.wait()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
