"""One run of the demo: the stack, a crowd of bots, the console, then the verdict."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.children import dies_with_parent
from core.clock import SystemClock
from core.dice import stream, unguessable
from core.errors import StoreUnreachable
from matchmaker.store import QueueStore
from readyup.commands.record import write
from readyup.demo.asked import DemoSettings, sized
from readyup.demo.chaos import Chaos, summary
from readyup.demo.counts import Counts
from readyup.demo.report import burst_of, report_of
from readyup.demo.screen import DRAINING, JUDGING, PLAYING, Scene, Show
from readyup.demo.stack import Stack, running_stack
from readyup.history.check import Verdict, check
from readyup.history.record import Recorder
from readyup.settings import Config
from readyup.wiring.embedded import run_console
from readyup.wiring.house import House

DRAINED_S = 15.0
"""How long tickets and sessions may take to end once the bots have gone."""


CROWD = "bot"
"""What the run's own players are called; whoever else asks for a match comes from outside."""

Meanwhile = Callable[[Stack], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went."""

    report: dict[str, Any]
    verdict: Verdict
    unexpected: dict[str, int]
    """Errors the bots saw that nothing in the run explains."""

    nothing_happened: bool = False
    """It was stopped before anybody enqueued: there is nothing to prove, and nothing wrong."""

    def exit_code(self) -> int:
        """0 when every promise was kept and no bot saw an unexplained error."""
        if self.nothing_happened:
            return 0
        return 1 if self.verdict.exit_code or self.unexpected else 0


class Demo:
    """One run; ``play`` is called once."""

    def __init__(self, config: Config, settings: DemoSettings, run_dir: Path) -> None:
        self._settings = settings
        self._run_dir = run_dir
        self._config = sized(config, settings.servers)
        self._history = run_dir / "history.jsonl"
        chance = stream(settings.seed, "chaos")
        self._chaos = Chaos(settings.chaos, chance, for_s=settings.duration_s)

    async def play(
        self, stop: asyncio.Event, show: Show, meanwhile: Meanwhile | None = None
    ) -> Outcome:
        """Run until the duration is over or ``stop`` is set; then judge.

        ``meanwhile`` is run beside the bots, e.g. to kill something.

        Raises:
            Unreachable: the service did not come up.
        """
        if meanwhile is None and self._settings.chaos:
            meanwhile = self._chaos.meanwhile
        async with running_stack(
            self._config,
            self._run_dir,
            directors=self._settings.directors,
            redis=self._settings.redis,
        ) as stack:
            recorded = asyncio.Event()
            with Recorder(stack.store, stack.streams(), self._history) as recorder:
                recorder.write(
                    "run.started",
                    crowd=CROWD,
                    seed=self._settings.seed,
                    players=self._settings.players,
                    servers=stack.servers.size_max,
                )
                console = stack.config.console
                url = f"http://{console.host}:{console.port}"
                scene = Scene(url, stack.api_url(), _short(self._run_dir))
                async with asyncio.TaskGroup() as group:
                    group.create_task(recorder.run(recorded), name="recorder")
                    look = _look(stack, scene, show, play_s=self._settings.duration_s)
                    looking = group.create_task(look, name="scene")
                    async with self._console(stack):
                        await stack.until_up()
                        fault = None
                        if meanwhile is not None:
                            fault = group.create_task(
                                _once_they_play(scene, meanwhile, stack), name="meanwhile"
                            )
                        scene.phase = PLAYING
                        crowd = await self._crowd(stack, stop, scene)
                        scene.phase = DRAINING
                        if fault is not None:
                            fault.cancel()
                        if await _drained(stack, recorder):
                            recorder.write("run.drained")
                        repairs = await _repairs(stack)
                        looking.cancel()
                        scene.phase = JUDGING
                        show(scene)
                        await self._stop(stack)
                    recorded.set()
                events = sorted((self._run_dir / "events").glob("*.jsonl"))
                await recorder.end(await stack.final(), events)
        return await self._judged(stack, crowd, repairs, stopped=stop.is_set())

    async def _judged(
        self, stack: Stack, crowd: dict[str, Any], repairs: dict[str, int], *, stopped: bool
    ) -> Outcome:
        """What the log of the run says, when everything has ended."""
        verdict = await asyncio.to_thread(check, self._history)
        counts = await asyncio.to_thread(Counts.of, self._history)
        report = report_of(
            counts,
            crowd,
            history=self._history,
            verdict=verdict,
            repairs=repairs,
            restarts={name: p.restarts for name, p in stack.processes.items()},
            parts={
                "chaos": summary(self._chaos.faults),
                "burst": burst_of(counts.burst, stack.servers),
            },
        )
        nothing = stopped and not counts.kinds["ticket.enqueued"]
        return Outcome(report, verdict, crowd.get("unexpected", {}), nothing)

    async def _stop(self, stack: Stack) -> None:
        """End the roles, then write down what the queues did."""
        await stack.stop_roles()
        queues = (QueueStore(stack.store, one) for one in stack.config.queues.values())
        await write(queues, self._run_dir / "replay.jsonl")

    @contextlib.asynccontextmanager
    async def _console(self, stack: Stack) -> AsyncIterator[None]:
        stop = asyncio.Event()
        house = House(
            stack.config,
            stack.store,
            self._run_dir,
            "demo",
            SystemClock(),
            unguessable(),
            # The console's handler closes what it serves on; the stack closes what it opened.
            {"console": stack.doors["console"].dup()},
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(run_console(house, stop), name="console")
            try:
                yield
            finally:
                stop.set()

    async def _bots(self, url: str, answer: Path) -> asyncio.subprocess.Process:
        settings, run_dir = self._settings, self._run_dir
        with (run_dir / "logs" / "bots.log").open("ab") as said:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "readyup", "bots", "--url", url, "--progress", "json"),
                *("--name", CROWD),
                *("--players", str(settings.players), "--seed", str(settings.seed)),
                *("--duration", str(settings.duration_s or 7 * 86_400)),
                *(("--burst", str(settings.burst)) if settings.burst else ()),
                *("--events", str(run_dir / "events" / "bots.jsonl"), "--json", str(answer)),
                stdout=asyncio.subprocess.PIPE,
                stderr=said,
                stdin=asyncio.subprocess.DEVNULL,
                env=dict(os.environ),
                preexec_fn=dies_with_parent(),
            )

    async def _crowd(self, stack: Stack, stop: asyncio.Event, scene: Scene) -> dict[str, Any]:
        """Let the bots play in a process of their own; returns their report."""
        answer = self._run_dir / "bots.json"
        bots = await self._bots(stack.api_url(), answer)
        async with asyncio.TaskGroup() as group:
            telling = [
                group.create_task(_read_figures(bots, scene), name="figures"),
                group.create_task(_tell_when(stop, bots, scene), name="stop-bots"),
            ]
            try:
                await bots.wait()
            finally:
                for task in telling:
                    task.cancel()
        if not answer.exists() and stop.is_set():
            return {}  # stopped before they had begun
        if not answer.exists():
            return {"errors": {"the bots died": 1}, "unexpected": {"the bots died": 1}}
        return msgspec.json.decode(answer.read_bytes(), type=dict[str, Any])


def _short(folder: Path) -> str:
    """As seen from here, where that is below us."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


async def _read_figures(bots: asyncio.subprocess.Process, scene: Scene) -> None:
    assert bots.stdout is not None
    async for line in bots.stdout:
        with contextlib.suppress(msgspec.DecodeError):
            scene.crowd = msgspec.json.decode(line, type=dict[str, Any])


async def _look(stack: Stack, scene: Scene, show: Show, *, play_s: float) -> None:
    while True:
        if play_s and scene.crowd.get("t_s", 0.0) >= play_s:
            scene.phase = DRAINING
        with contextlib.suppress(StoreUnreachable):
            scene.warm, scene.servers = await stack.warm_servers()
        scene.roles = {name: (p.pid, p.restarts) for name, p in stack.processes.items()}
        show(scene)
        await asyncio.sleep(0.25)


async def _once_they_play(scene: Scene, meanwhile: Meanwhile, stack: Stack) -> None:
    """Harm before anybody plays would only keep the bots from beginning."""
    while not scene.crowd:
        await asyncio.sleep(0.1)
    await meanwhile(stack)


async def _tell_when(stop: asyncio.Event, bots: asyncio.subprocess.Process, scene: Scene) -> None:
    await stop.wait()
    scene.phase = DRAINING
    with contextlib.suppress(ProcessLookupError):
        bots.send_signal(signal.SIGTERM)


async def _drained(stack: Stack, recorder: Recorder) -> bool:
    """Wait until nobody waits and nothing is played; False when that takes too long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAINED_S):
            while True:
                with contextlib.suppress(StoreUnreachable):
                    final = await stack.final()
                    left = final["live_tickets"] + final["sessions"] + final["held_rooms"]
                    if not left and not recorder.open_matches:
                        return True
                await asyncio.sleep(0.1)
    return False


async def _repairs(stack: Stack) -> dict[str, int]:
    repairs: dict[str, int] = {}
    for fleet in stack.config.fleets:
        counted = await stack.store.call("HGETALL", f"{{f:{fleet.name}}}:repairs")
        for kind, times in counted.items():
            repairs[kind] = repairs.get(kind, 0) + int(times)
    return repairs
