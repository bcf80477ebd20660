"""``readyup bench``: the benchmarks, each beside its baseline."""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from core.errors import Invalid, ReadyUpError
from readyup.bench.allocate_asked import ClusterAsked
from readyup.commands import bench_engine as of_engine, bench_failover as of_failover
from readyup.commands.bench_told import PICTURES, TOLD
from readyup.commands.process import configure_logging, loop_factory, our_errors
from readyup.settings import load

What = Literal[
    "idle", "claim", "failover", "handover", "overload", "profile", "jitter", "allocate", "fleet",
    "burst", "engine", "frontier",
]  # fmt: skip
HERE = ClusterAsked()
"""The cluster that the kubeconfig means."""


def bench(  # noqa: PLR0913 - the options of a command
    what: What = "idle",
    /,
    *,
    matches: int = 400,
    kills: int = 3,
    seconds: float | None = None,
    redis: of_failover.Store = "server",
    json_path: Annotated[Path | None, Parameter(name="--json", allow_leading_hyphen=True)] = None,
    plot: Path | None = None,
    cluster: Annotated[ClusterAsked, Parameter(name="*")] = HERE,
) -> int:
    """Measure, on this machine, with every part the real one.

    Args:
        what: idle: enqueue to pushed assignment on an idle queue with warm servers.
            claim: a room claimed from a pool of 2,000, at concurrency 1, 16 and 64.
            handover: how long a match is away when its game server is killed with -9.
            failover: how long nobody leads after kill -9 of the leading director, under bots;
            with --redis, how long nobody is served when a primary is killed or stopped.
            overload: what an API process does at 1, 2 and 10 times its capacity, and after.
            profile: where one ticket's processor time goes, part by part, under bots.
            jitter: how late a game's ticks are beside a noisy neighbour, by how it is pinned.
            allocate: a server claimed, Agones' ways beside ours, on the cluster of a kubeconfig.
            burst: 50 matches at once on a fleet that expected none, beside the plain plan.
            engine: one pass of matching over 1,000 to 1,000,000 tickets, of three games.
            frontier: waiting against quality, of our dial and of other policies.
            fleet: what 2,000 servers there cost the role fleets, and how fast demand is acted on.
        matches: idle: how many are measured.
        kills: failover: how often the leader is killed, or the store's primary killed and as
            often stopped. handover: how many servers are killed.
        seconds: overload: how long each rate lasts, 4 unless told. profile: how long it
            looks, at least 5. jitter: how long each variant is watched, 20 unless told.
            allocate: how long each of our own turns lasts, 3 unless told. fleet: how long the
            idle role is watched, 20 unless told.
        redis: failover: what keeps the state, see readyup demo, or both kinds that fail over;
            server harms the director.
        json_path: Write the figures as JSON to this file; - prints them instead of the table.
        plot: overload, jitter, allocate, engine, frontier: write a picture of it to this SVG file.
        cluster: allocate, fleet: where, and how much.
    """
    configure_logging(as_json=False, level=logging.WARNING)
    try:
        if plot is not None and what not in PICTURES:
            raise Invalid(f"--plot: only {_listed(PICTURES)} have a picture")
        if not 1 <= matches <= 5_000:
            raise Invalid(f"--matches: {matches} is outside 1 to 5000")
        if not 1 <= kills <= 1_000:
            raise Invalid(f"--kills: {kills} is outside 1 to 1000")
        seconds = SECONDS.get(what, 1.0) if seconds is None else seconds
        if not 1 <= seconds <= 600:
            raise Invalid(f"--seconds: {seconds:g} is outside 1 to 600")
        with (
            tempfile.TemporaryDirectory(prefix="readyup-bench-") as folder,
            asyncio.Runner(loop_factory=loop_factory()) as runner,
        ):
            run_dir = Path(folder)
            measuring: Mapping[str, Callable[[], Coroutine[Any, Any, dict[str, Any]]]] = {
                "idle": lambda: _idle(matches, run_dir),
                "claim": lambda: _claim(seconds),
                "failover": lambda: of_failover.measure(kills, redis, run_dir),
                "handover": lambda: _handover(kills, run_dir),
                "overload": lambda: _overload(seconds, run_dir),
                "profile": lambda: _profile(seconds, run_dir),
                "jitter": lambda: _jitter(seconds),
                "allocate": lambda: _allocate(cluster.checked(), run_dir, seconds),
                "fleet": lambda: _fleet(cluster.checked(), run_dir, seconds),
                "burst": lambda: _burst(run_dir),
                **of_engine.MEASURING,
            }
            figures = runner.run(measuring[what]())
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            print(f"readyup bench: {error}", file=sys.stderr)
        return 1
    if plot is not None:
        plot.parent.mkdir(parents=True, exist_ok=True)
        plot.write_text(PICTURES[what](figures), encoding="utf-8")
    encoded = msgspec.json.format(msgspec.json.encode(figures), indent=2).decode()
    to_stdout = str(json_path) == "-"
    if json_path is not None and not to_stdout:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(encoded + "\n", encoding="utf-8")
    print(encoded if to_stdout else TOLD[what](figures))
    return 1 if figures.get("breaches") else 0


async def _idle(matches: int, folder: Path) -> dict[str, Any]:
    from readyup.bench.idle import IdleSettings, bench_idle

    return await bench_idle(load(), IdleSettings(matches=matches), folder)


async def _claim(seconds: float) -> dict[str, Any]:
    from readyup.bench.claim import bench_claim

    return await bench_claim(seconds=seconds)


async def _handover(kills: int, folder: Path) -> dict[str, Any]:
    from readyup.bench.handover import bench_handover
    from readyup.demo.screen import shown

    with shown(live=False) as show:
        return await bench_handover(load(), folder, kills=kills, show=show)


async def _overload(seconds: float, folder: Path) -> dict[str, Any]:
    from readyup.bench.overload import OverloadSettings, bench_overload

    return await bench_overload(load(), OverloadSettings(seconds=seconds), folder)


async def _profile(seconds: float, folder: Path) -> dict[str, Any]:
    from readyup.bench.profile import bench_profile
    from readyup.demo.screen import shown

    with shown(live=False) as show:
        return await bench_profile(load(), folder, seconds=max(5.0, seconds), show=show)


async def _jitter(seconds: float) -> dict[str, Any]:
    from readyup.bench.jitter import bench_jitter

    return await bench_jitter(seconds=seconds)


async def _allocate(cluster: ClusterAsked, folder: Path, seconds: float) -> dict[str, Any]:
    from readyup.bench.allocate import bench_allocate

    return await bench_allocate(load(), cluster, folder, seconds=seconds)


async def _burst(folder: Path) -> dict[str, Any]:
    from readyup.bench.burst import BurstSettings, bench_burst

    return await bench_burst(load(), BurstSettings(), folder)


async def _fleet(cluster: ClusterAsked, folder: Path, seconds: float) -> dict[str, Any]:
    from readyup.bench.fleet import bench_fleet

    return await bench_fleet(load(), cluster, folder, seconds=seconds)


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}"


SECONDS: Mapping[str, float] = {
    "claim": 5.0,
    "overload": 4.0,
    "profile": 5.0,
    "jitter": 20.0,
    "allocate": 3.0,
    "fleet": 20.0,
}
"""How long each looks unless told."""
