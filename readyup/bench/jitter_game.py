"""The example game as the jitter benchmark watches it: a process that plays when told.

Started as ``python -m readyup.bench.jitter_game SECONDS``; each line on its standard input is
an ``Order``, each line it prints an ``Answer``. The game is the real one, its loop, its ticks
and its socket; its players are in the same process, so that no third party needs a core.
"""

import asyncio
import contextlib
import gc
import os
import resource
import selectors
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from core import dice
from core.errors import Unreachable
from core.ids import MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId
from core.join_token import Seat
from core.placement import SeatedPlayer
from gameserver.admission import Admitted, TurnedAway
from gameserver.arena.client import ArenaClient, ArenaPort, wander
from gameserver.arena.server import ArenaServer
from gameserver.cores import render_cores
from gameserver.evidence import read
from gameserver.rooms import Assignment
from gameserver.tick import TickFigures, TickLoop
from readyup.bench.cpusets import describe_own

MATCHES: Final = 4
TEAMS: Final = ("red", "blue")

REALTIME_S_MAX: Final = 1.0
"""A real-time process that runs for so long without a wait is ended by the kernel: a game that
loops for ever must not take the core from everybody else's work."""

_UID: Final = ServerUid("jitter")


class Order(msgspec.Struct, frozen=True):
    """Play for some seconds."""

    cores: tuple[int, ...]
    """Where; empty changes nothing."""

    fifo: int
    """Priority in SCHED_FIFO; 0 stays in the ordinary class."""

    seconds: float
    warm_s: float
    """How long before anything is counted; players join then."""


class Proof(msgspec.Struct, frozen=True):
    """What the kernel answered inside the process, while it played."""

    cores: str = ""
    """Cpus_allowed_list, e.g. ``0-1``."""

    cpuset: str = ""
    """The cpuset's own cores, by cgroup version, and whether it is exclusive."""

    policy: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came of an order."""

    refused: str = ""
    """Why not; empty when it was played."""

    figures: dict[str, Any] = {}
    """``TickFigures`` of all orders so far, as far as the window reaches."""

    proof: Proof = Proof()
    waited_s: float = 0.0
    """How long the process could have run, and another had the core."""

    preempted: int = 0
    """How often another took the core from it."""


class _Doorman:
    """The game's host: whoever says match and seat is let in."""

    def admit(self, token: str) -> Admitted | TurnedAway:
        match, team = token.split("/")
        player = PlayerId(token)
        seat = Seat(_UID, MatchId(match), 1, player, TicketId(token), team, 0)
        return Admitted(seat, RoomId(match), token, rejoin=False)

    def left(self, match: MatchId, player: PlayerId) -> None:
        """Nobody is told."""

    def snapshot(self, match: MatchId, state: bytes) -> None:
        """Nobody keeps it."""

    def backfill(
        self, match: MatchId, open_: Mapping[str, int], gone: Collection[PlayerId] = ()
    ) -> None:
        """Nobody comes."""

    def finished(self, match: MatchId, result: dict[str, Any]) -> None:
        """Nobody is told."""


async def play(order: Order, ticks: TickLoop) -> Answer:
    """Carry out one order; ``ticks`` takes the figures of all of them together."""
    async with _game(order.warm_s + order.seconds) as game, _players(game, order.warm_s):
        gc.collect()
        gc.freeze()
        before_s, before = _waited_s(), _preempted()
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(order.seconds, stop.set)
        await ticks.run(game.tick, stop)
        return Answer(
            proof=prove(),
            waited_s=_waited_s() - before_s,
            preempted=_preempted() - before,
        )


@contextlib.contextmanager
def placed(order: Order) -> Iterator[None]:
    """Be where the order says, in the scheduler's class that it says.

    Afterwards the class is the ordinary one again; every order names its cores anew.

    Raises:
        OSError: not permitted.
    """
    if order.cores:
        os.sched_setaffinity(0, order.cores)
    if not order.fifo:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (round(REALTIME_S_MAX * 1e6), hard))
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(order.fifo))
        try:
            yield
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    finally:
        resource.setrlimit(resource.RLIMIT_RTTIME, (soft, hard))


def prove() -> Proof:
    """Ask the kernel about this process."""
    names = {os.SCHED_OTHER: "SCHED_OTHER", os.SCHED_FIFO: "SCHED_FIFO", os.SCHED_RR: "SCHED_RR"}
    policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    priority = os.sched_getparam(0).sched_priority
    said = names.get(policy, f"policy {policy}") + (f" {priority}" if priority else "")
    return Proof(render_cores(read().cores), describe_own(), said)


@contextlib.asynccontextmanager
async def _game(seconds: float) -> AsyncIterator[ArenaServer]:
    """An open arena with its matches started, which outlast what is watched."""
    chance = dice.stream(1, "links")
    game = ArenaServer("127.0.0.1", 0, seconds={}, seconds_default=60 + seconds, chance=chance)
    await game.open(_Doorman())
    try:
        for n in range(MATCHES):
            match = f"m{n}"
            players = tuple(
                SeatedPlayer(PlayerId(f"{match}/{team}"), TicketId(match), team, 0)
                for team in TEAMS
            )
            game.start(
                Assignment(MatchId(match), RoomId(match), 1, QueueName("duel"), players, 60.0)
            )
        yield game
    finally:
        game.close()


@contextlib.asynccontextmanager
async def _players(game: ArenaServer, warm_s: float) -> AsyncIterator[None]:
    """Everybody has joined, and the game has run for ``warm_s`` at least."""
    with ArenaPort() as port:
        warm = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(TickLoop(game.tick_hz).run(game.tick, warm), name="warm-up")
            await asyncio.sleep(warm_s)
            for n in range(MATCHES):
                for team in TEAMS:
                    player = ArenaClient(port, steer=wander(dice.stream(n, team)))
                    joined = await player.connect("127.0.0.1", game.port, f"m{n}/{team}")
                    if not joined.joined:
                        raise Unreachable(f"a player of the example game: {joined.reason}")
            warm.set()
        yield


def _waited_s() -> float:
    """Time in the run queue, of the main thread; 0 where the kernel does not count it."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _preempted() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _loop() -> asyncio.AbstractEventLoop:
    """The game server's own kind of loop, see gameserver/process.py."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def obey(order: Order, ticks: TickLoop, runner: asyncio.Runner) -> Answer:
    """Place, play, and come back; figures are reckoned once the class is ordinary again."""
    try:
        with placed(order):
            answer = runner.run(play(order, ticks))
    except OSError as refused:
        return Answer(refused=why_not(order, refused))
    figures: TickFigures = ticks.figures()
    return msgspec.structs.replace(answer, figures=msgspec.to_builtins(figures))


def why_not(order: Order, refused: OSError) -> str:
    """In words, with the cure."""
    if isinstance(refused, PermissionError) and order.fifo:
        return (
            "SCHED_FIFO is not permitted: it needs CAP_SYS_NICE and, below a cgroup v1 cpu "
            "controller with real-time groups, a budget in cpu.rt_runtime_us"
        )
    return f"{refused.strerror or refused}, on cores {render_cores(order.cores) or 'unchanged'}"


def main() -> int:
    """Obey orders until the benchmark closes our input, or is gone when we answer."""
    ticks = TickLoop(ArenaServer.tick_hz, window_s=float(sys.argv[1]))
    with asyncio.Runner(loop_factory=_loop) as runner, contextlib.suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            answer = obey(msgspec.json.decode(line, type=Order), ticks, runner)
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
            sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
