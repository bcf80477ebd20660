"""Agones' allocation beside ours, in one run on one cluster: one server claimed, again and again.

Rivals are Agones' allocation API and its allocator service, as they come and tuned, and our
claim: the pool's answer, and the moment when the server has acknowledged. All clients are in
this process, in a closed loop, and rivals take turns, so that what else the machine does
falls on each. Agones' servers are set back to Ready between turns, which is not timed; ours
come back by themselves, and that is timed.
"""

import asyncio
import contextlib
import shlex
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allocator.pool import Pool
from core.clock import SystemClock
from core.errors import Unreachable
from core.ids import FleetName
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange
from readyup.bench.allocate_asked import ClusterAsked
from readyup.bench.allocate_busy import Busy
from readyup.bench.allocate_ground import Ground, ground, say
from readyup.bench.allocate_ours import Ours, Warm, warm
from readyup.bench.allocate_rivals import Allocate, allocation_api, allocator_service
from readyup.bench.allocate_turns import Turn, claims, closed_loop, figures, known, scripts
from readyup.bench.machine import machine
from readyup.settings import Config

SERVERS = 1_000
THEIRS, OURS, SCRIPTS = FleetName("bench-agones"), FleetName("bench-ours"), FleetName("bench-pool")
"""Fleets: of Agones' turns, of ours, and of nobody, whose rooms have no servers."""

CLAIM, KNOWN, SUSTAINED = "ours: claim", "ours: server knows", "ours: scripts alone"

TUNINGS = ("default", "tuned")
PATIENCE_S = 60.0
"""Agones' turn ends after this, however many answers are missing."""

WARM_UP = 3
"""Allocations in a row that must succeed before a turn: Agones may have just been restarted."""

_CLOCK = SystemClock()


@dataclass(slots=True)
class Board:
    """Everything measured so far."""

    asked: ClusterAsked
    servers: int
    seconds: float
    turns: defaultdict[tuple[str, int], list[Turn]] = field(
        default_factory=lambda: defaultdict(list)
    )
    cycles_per_s: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    busy: dict[tuple[str, int], Busy] = field(default_factory=dict)

    def calls(self, clients: int) -> int:
        """Allocations in one of Agones' turns; each uses up a server."""
        return min(max(30, 12 * clients), self.servers // 2)


async def bench_allocate(
    config: Config, asked: ClusterAsked, run_dir: Path, *, seconds: float
) -> dict[str, Any]:
    """Run it; milliseconds throughout.

    Raises:
        Invalid: there is no such cluster.
        Unreachable: it does not do what is asked, or not in time.
    """
    ran_on, board = machine(), Board(asked, asked.size(SERVERS), seconds)
    async with ground(asked.settings()) as here:
        say(f"{board.servers} servers are made Ready …")
        began_s = _CLOCK.elapsed_s()
        await here.make(_fleet(THEIRS, asked.image, board.servers))
        ready_s = _CLOCK.elapsed_s() - began_s
        say(f"Ready after {ready_s:.0f} s; our reserve is filled with {asked.reserve} …")
        ours = _fleet(OURS, asked.image, asked.reserve, reserve=asked.reserve)
        async with warm(here, config, ours, run_dir) as reserve:
            for n in range(asked.rounds):
                await _round(board, here, reserve, n)
            filled_s = reserve.filled_s
    return {
        "machine": ran_on,
        "servers": board.servers,
        "reserve": asked.reserve,
        "rounds": asked.rounds,
        "servers_ready_s": round(ready_s, 1),
        "reserve_filled_s": round(filled_s, 1),
        **told(board),
    }


def _fleet(name: FleetName, image: str, replicas: int, *, reserve: int = 0) -> FleetSpec:
    pod = PodSpec(image, host_network=False, node_labels={}, tolerations=(), arch="")
    return FleetSpec(name, (), PortRange(7000, 8000), replicas=replicas, reserve=reserve, pod=pod)


async def _round(board: Board, here: Ground, reserve: Warm, n: int) -> None:
    """One turn of everybody; who begins changes from round to round."""
    tunings = TUNINGS if board.asked.retune else TUNINGS[:1]
    for tuning in tunings if n % 2 == 0 else reversed(tunings):
        say(f"round {n + 1} of {board.asked.rounds}, Agones {tuning} …")
        await _retune(board.asked, tuning)
        for clients in board.asked.clients():
            await _theirs(board, here, reserve, tuning, clients)
            if tuning == tunings[0]:
                await _ours(board, reserve, clients)


async def _theirs(board: Board, here: Ground, reserve: Warm, tuning: str, clients: int) -> None:
    async with _rivals(board.asked, here) as rivals:
        for name, allocate in rivals.items():
            await _until_it_answers(name, allocate)
            rival = f"{name}, {tuning}"
            with _busy(board, reserve, rival, clients):
                turn = await closed_loop(
                    allocate, clients=clients, calls=board.calls(clients), seconds=PATIENCE_S
                )
            board.turns[rival, clients].append(turn)
            await here.free(THEIRS, board.servers)


async def _ours(board: Board, reserve: Warm, clients: int) -> None:
    ours, rooms, seconds = reserve.ours, reserve.rooms, board.seconds
    await ours.until_free(rooms)
    with _busy(board, reserve, CLAIM, clients):
        turn = await claims(ours, rooms, clients=clients, seconds=seconds)
    board.turns[CLAIM, clients].append(turn)
    with _busy(board, reserve, KNOWN, clients):
        turn, cycles_per_s = await known(ours, rooms, clients=clients, seconds=seconds)
    board.turns[KNOWN, clients].append(turn)
    board.cycles_per_s[clients].append(cycles_per_s)
    with _busy(board, reserve, SUSTAINED, clients):
        pool = Pool(ours.pool.store, SCRIPTS)
        name = f"scripts-{clients}-{len(board.turns[SUSTAINED, clients])}"
        turn = await scripts(Ours(pool, name), clients=clients, seconds=seconds)
    board.turns[SUSTAINED, clients].append(turn)


def _busy(board: Board, reserve: Warm, rival: str, clients: int) -> Busy:
    return board.busy.setdefault((rival, clients), Busy(reserve.pids))


@contextlib.asynccontextmanager
async def _rivals(asked: ClusterAsked, here: Ground) -> AsyncIterator[dict[str, Allocate]]:
    async with contextlib.AsyncExitStack() as doors:
        api = allocation_api(here.kube.settings, THEIRS)
        rivals = {"Agones' API": await doors.enter_async_context(api)}
        if asked.agones_allocator:
            service = allocator_service(asked, THEIRS)
            rivals["Agones' allocator"] = await doors.enter_async_context(service)
        yield rivals


async def _until_it_answers(name: str, allocate: Allocate) -> None:
    in_a_row = 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            while in_a_row < WARM_UP:
                in_a_row = in_a_row + 1 if await allocate() else 0
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise Unreachable(f"{name} allocates nothing within {PATIENCE_S:g} s") from None


async def _retune(asked: ClusterAsked, tuning: str) -> None:
    if not asked.retune:
        return
    process = await asyncio.create_subprocess_exec(*shlex.split(asked.retune), tuning)
    if code := await process.wait():
        raise Unreachable(f"--retune: {asked.retune} {tuning} ended with {code}")


def told(board: Board) -> dict[str, Any]:
    """The figures, and ours as a ratio to the better of Agones' doors at its best tuning."""
    rivals: dict[str, dict[str, Any]] = defaultdict(dict)
    for rival, clients in sorted(board.turns, key=lambda one: one[0].startswith("ours")):
        turns = board.turns[rival, clients]
        busy = board.busy[rival, clients]
        own = busy.us_each(sum(len(turn.took_ms) for turn in turns))
        rivals[rival][str(clients)] = {
            **figures(turns),
            "cores": busy.cores(),
            **({"us_each": own} if rival.startswith("ours") else {}),
        }
    for clients, per_s in board.cycles_per_s.items():
        rivals[KNOWN][str(clients)]["cycles_per_s"] = round(sum(per_s) / len(per_s), 1)
    return {"rivals": dict(rivals), "ratios": ratios(rivals)}


def ratios(rivals: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How many times better ours is: Agones' figure over ours, at each concurrency.

    Agones' figure is the better one of its doors, tuned where both were measured.
    """
    best = "tuned" if any(name.endswith("tuned") for name in rivals) else "default"
    theirs = [one for name, one in rivals.items() if name.startswith("Agones") and best in name]
    found: dict[str, dict[str, float]] = {}
    for clients in rivals[KNOWN]:
        row = found[clients] = {}
        for ours in (CLAIM, KNOWN):
            for share in ("p50", "p99"):
                agones = min(one[clients][share] for one in theirs)
                row[f"{ours.removeprefix('ours: ')} {share}"] = round(
                    agones / max(0.001, rivals[ours][clients][share]), 1
                )
    return found
