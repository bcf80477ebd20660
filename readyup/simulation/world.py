"""One simulated evening: the whole service under virtual time, faults, and the verdict.

Everything that is drawn comes from one seed, and everything that happens is written down
in the order in which it happens, so the same seed gives the same history, byte for byte.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec
import structlog

from core import dice
from core.clock import Clock, LoopClock
from core.eventfile import EventFile
from core.eventlog import decode
from core.join_token import Minter
from core.redis import Entry
from readyup.bots.crowd import Crowd, CrowdSettings
from readyup.history.check import judge
from readyup.settings import load
from readyup.simulation.accidents import Accidents
from readyup.simulation.evening import Evening, Outcome, needs_fakeredis, shaped
from readyup.simulation.explained import unexplained
from readyup.simulation.faults import Fault, draw_faults, split
from readyup.simulation.game import Doors
from readyup.simulation.loop import run
from readyup.simulation.players import VirtualApi
from readyup.simulation.process import Role
from readyup.simulation.wire import Network

if TYPE_CHECKING:
    from readyup.simulation.engine import Engine
    from readyup.simulation.roles import Town
    from readyup.simulation.servers import Write
    from readyup.simulation.store import Road

CALM_S = 5.0
"""Before the first fault, so that there is something to break."""

PLAY_S = (3.0, 8.0)
"""How long a match lasts once somebody is in."""

LEFT_S_MAX = 300.0
"""After the faults and the crowd, until everything must have come to its end: longer than
any patience of the service but a session's two hours, which a room's server ends."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def simulate(evening: Evening, *, watch: Callable[[float], None] | None = None) -> Outcome:
    """Run it; the same evening gives the same outcome.

    ``watch`` hears, at each event, how many virtual seconds have gone by.

    Raises:
        Invalid: fakeredis with Lua is not installed.
    """
    needs_fakeredis()
    with _silence():
        return run(_World(evening, watch).play(), seed=evening.seed)


class _World:
    def __init__(self, evening: Evening, watch: Callable[[float], None] | None) -> None:
        self._evening = evening
        self._watch = watch
        self._clock = LoopClock()
        self._lines: list[bytes] = []
        self._announced: set[str] = set()
        self._over: set[str] = set()
        """Matches whose end the queue has told."""

        self._gone_s: dict[str, float] = {}
        """When each session ended."""
        self._marks: dict[str, int] = {}
        self._road: Road | None = None
        self._dice = {
            name: dice.stream(evening.seed, "simulation", name)
            for name in ("shape", "faults", "road", "network", "servers", "chance", "accidents")
        }
        self._config = shaped(load(environ={}), evening, self._dice["shape"])
        queues = {f"{q.base()}:log": f"queue/{n}" for n, q in self._config.queues.items()}
        fleets = {f"{{f:{f.name}}}:log": f"fleet/{f.name}" for f in self._config.fleets}
        self._sources = queues | fleets

    async def play(self) -> Outcome:
        from readyup.simulation.engine import Engine, on_virtual_time
        from readyup.simulation.roles import Town
        from readyup.simulation.servers import Ground
        from readyup.simulation.store import Road

        evening = self._evening
        until_s = evening.minutes * 60.0
        faults = evening.faults
        if faults is None:
            late = draw_faults(self._dice["faults"], until_s=max(0.0, until_s - CALM_S))
            faults = tuple(_later(fault, CALM_S) for fault in late)
        calls, timed = split(faults)
        with on_virtual_time(self._clock):
            engine = Engine(self._clock, self._entry)
            network = Network(self._dice["network"])
            accidents = Accidents(network, self._dice["accidents"], self._clock)
            road = self._road = Road(engine, self._dice["road"], calls, accidents.crash)
            ground = Ground(network, Doors(), self._write, self._dice["servers"], PLAY_S)
            chance = self._dice["chance"]
            town = Town(self._config, road, ground, chance, Minter.from_hex(f"{7:064x}"))
            roles = self._roles(town)
            accidents.begin(roles, ground, road)
            self._write(
                "run.started",
                "run",
                self._clock,
                seed=evening.seed,
                players=evening.players,
                servers=evening.servers,
            )
            async with asyncio.TaskGroup() as group:
                keeping = [group.create_task(role.run(), name=role.name) for role in roles]
                bringing = group.create_task(accidents.bring(timed), name="accidents")
                crowd = self._crowd(VirtualApi(network, town.desks), ground.doors, until_s)
                report = await crowd.run(stop=asyncio.Event())
                bringing.cancel()
                accidents.heal()
                await self._left(engine)
                self._write("run.drained", "run", self._clock)
                for task in keeping:
                    task.cancel()
            final = self._final(engine)
            self._write("run.ended", "run", self._clock, final=final)
        delays = [*accidents.delays, *road.delays]
        broke = [*network.broke, *(wrong for role in roles for wrong in role.broke)]
        return Outcome(
            seed=evening.seed,
            digest=hashlib.sha256(b"".join(self._lines)).hexdigest(),
            verdict=judge(self._lines, f"seed {evening.seed}"),
            report=report,
            calls=road.calls,
            marks=self._marks,
            virtual_s=self._clock.elapsed_s(),
            faults=accidents.happened + road.struck,
            broke=tuple(map(repr, broke)),
            errors=tuple(unexplained(crowd.troubles(), delays, self._gone_s)),
            history=tuple(self._lines),
        )

    def _roles(self, town: "Town") -> list[Role]:
        names = "abcdefgh"
        allocators = self._dice["shape"].choice((1, 2))
        return [
            Role("fleets", town.fleets),
            *(Role(f"allocator-{names[n]}", town.allocator) for n in range(allocators)),
            *(Role(f"api-{names[n]}", town.api) for n in range(2)),
            *(Role(f"director-{names[n]}", town.director) for n in range(self._evening.directors)),
        ]

    def _crowd(self, api: VirtualApi, doors: Doors, until_s: float) -> Crowd:
        evening = self._evening
        settings = CrowdSettings(
            players=evening.players,
            duration_s=until_s,
            drain_s=30.0,
            seed=evening.seed,
            habits=evening.habits,
        )
        witness = _Witness(self._write, self._clock)
        return Crowd(settings, api, doors, clock=self._clock, witness=witness)

    async def _left(self, engine: "Engine") -> None:
        """Until nothing is left over, or it should long have been."""
        until_s = self._clock.elapsed_s() + LEFT_S_MAX
        while any(self._final(engine).values()) or self._goes_on(engine):
            if self._clock.elapsed_s() > until_s:
                return
            await asyncio.sleep(0.5)

    def _goes_on(self, engine: "Engine") -> bool:
        """Whether players wait for a match's end, or a match for a room: up to its deadline."""
        lines = (f"{{f:{fleet.name}}}:waiting" for fleet in self._config.fleets)
        return bool(self._announced - self._over) or any(engine.command("ZCARD", n) for n in lines)

    def _entry(self, key: str, entry: str, fields: dict[str, str]) -> None:
        """A stream has a new entry; what nobody records passes by."""
        src = self._sources.get(key)
        if src is None:
            return
        event = decode(Entry(entry, fields))
        if self._road is not None:
            self._marks.setdefault(event["k"], self._road.calls)
        if event["k"] == "match.announced" and "of" not in event:
            self._announced.add(event["match"])
        elif event["k"] == "match.ended":
            self._over.add(event["match"])
        elif event["k"] == "session.ended":
            self._gone_s.setdefault(event["match"], self._clock.elapsed_s())
        self._note({"src": src, **event})

    def _write(self, kind: str, src: str, clock: Clock, **fields: object) -> None:
        self._note({"t": clock.wall_ms(), "src": src, "k": kind, **fields})

    def _note(self, line: dict[str, object]) -> None:
        self._lines.append(_encode(line) + b"\n")
        if self._watch is not None:
            self._watch(self._clock.elapsed_s())

    def _final(self, engine: "Engine") -> dict[str, int]:
        waiting = live = held = sessions = 0
        for queue in self._config.queues.values():
            for ticket in engine.command("ZRANGE", f"{queue.base()}:live", 0, -1):
                players = engine.command("HGET", f"{queue.base()}:ticket:{ticket}", "players")
                live += 1
                waiting += len(msgspec.json.decode(players))
        for fleet in self._config.fleets:
            slot = f"{{f:{fleet.name}}}"
            sessions += int(engine.command("ZCARD", f"{slot}:sessions"))
            for room in engine.command("SMEMBERS", f"{slot}:rooms"):
                held += engine.command("HGET", f"{slot}:room:{room}", "state") == "held"
        counts = {"waiting": waiting, "live_tickets": live, "held_rooms": held}
        return {**counts, "sessions": sessions, "processes": 0}


class _Witness(EventFile):
    """The players' own witness, in memory."""

    def __init__(self, write: "Write", clock: Clock) -> None:
        # Not the parent's: there is no file.
        self._line = write
        self._time = clock

    def write(self, kind: str, *, src: str | None = None, **fields: object) -> None:
        self._line(kind, src or "bot/crowd", self._time, **fields)

    def close(self) -> None:
        """Nothing is open."""


def _later(fault: Fault, by_s: float) -> Fault:
    assert fault.at_s is not None
    return msgspec.structs.replace(fault, at_s=fault.at_s + by_s)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Faults by the dozen make a noise that nobody wants to read."""
    before, level = structlog.get_config(), logging.root.manager.disable
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.disable(level)
