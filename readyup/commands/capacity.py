"""``readyup capacity``: what servers would have cost, and players waited, on a recorded load.

And that load itself, as a fleet has recorded it.
"""

import asyncio
import json as json_text
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from core.errors import Invalid, ReadyUpError
from readyup.commands.options import refuse_file

if TYPE_CHECKING:
    from fleets.capacity.yard import Score, World
    from readyup.fleetctl.recorded import Recorded

RIVALS = (
    "buffer:10@30,buffer:20@30,buffer:40@30,buffer:80@30,buffer:40@1,"
    "buffer:10%@30,buffer:20%@30,buffer:40%@30,buffer:20%@1,playfab,holtwinters,oracle"
)

DAY_S = 86_400.0


def capacity(  # noqa: PLR0913 - the options of a command
    action: Literal["backtest", "trace"],
    name: str,
    /,
    *,
    lead_time_s: float = 90.0,
    session_s: float = 900.0,
    cold_cost: float = 1000.0,
    policies: str = RIVALS,
    seed: int | None = None,
    sweep: bool = False,
    plot: Path | None = None,
    jobs: int | None = None,
    json: bool = False,
    config: Path | None = None,
    since: Annotated[str, Parameter(name="--from")] = "",
    until: Annotated[str, Parameter(name="--to")] = "now",
) -> int:
    """Replay a recorded load through our planner and its rivals, in virtual time.

    trace prints what a fleet has recorded by the minute, two weeks at most, for backtest and for
    spreadsheets: readyup capacity trace arena > arena.csv.

    A trace is a CSV file with the columns at_s,claims: claims that began in the interval that
    starts at at_s. Every policy begins with an empty fleet, and the first two lead times are not
    scored. Shown are the share of claims that found no warm server, how long those waited,
    and how many server-hours nobody played.

    Args:
        action: backtest or trace.
        name: The recorded load, a file; for trace the fleet of the configuration.
        lead_time_s: From ordering a server to its being ready.
        session_s: How long every session lasts.
        cold_cost: What one cold start costs, in idle servers over one lead time: higher means
            fewer cold starts and more idle servers.
        policies: The rivals, with commas: buffer:N and buffer:P% are Agones' Buffer, looked at
            every 30 s or as often as @SECONDS says; playfab; holtwinters; and oracle, which
            knows the future.
        seed: Spread the claims of an interval by chance, decided by this; evenly without it.
        sweep: Also show our frontier: what we come to at other cold costs.
        plot: Write a picture there (SVG) of cold starts against idle server-hours.
        jobs: Processes at a time; as many as there are processors without it.
        json: Print JSON.
        config: The configuration, for trace.
        since: Where the trace begins: 2026-12-24T20:00, this machine's time unless an offset
            follows; with the first claim that is known without it.
        until: Where it ends.
    """
    if action == "trace":
        return _trace(name, config, since, until)
    trace = Path(name)
    from fleets.capacity.backtest import OURS, Try, backtest, frontier_costs
    from fleets.capacity.rivals import names

    try:
        refuse_file("--plot", plot)
        _refuse("--lead-time-s", lead_time_s, 0.1, DAY_S)
        _refuse("--session-s", session_s, 1.0, 7 * DAY_S)
        _refuse("--cold-cost", cold_cost, 1e-3, 1e9)
        _refuse("--seed", seed or 0, 0, 2.0**63)
        _refuse("--jobs", 1 if jobs is None else jobs, 1, 1024)
        world = _world(trace, lead_time_s, session_s, seed)
        rivals = [name for name in names(policies) if name != OURS]
        costs = frontier_costs() if sweep else []
        tries = [Try(OURS, cost) for cost in [cold_cost, *costs]] + [Try(name) for name in rivals]
        scores = backtest(world, tries, jobs=jobs or os.cpu_count() or 1)
    except Invalid as wrong:
        print(f"readyup capacity {action}: {wrong}", file=sys.stderr)
        return 2
    swept = list(zip(costs, scores[1 : 1 + len(costs)], strict=True))
    told = scores[:1] + scores[1 + len(costs) :]
    if plot is not None:
        from fleets.capacity import plot as picture

        drawn = picture.plot(f"{trace.name}: the bargain", told, [score for _, score in swept])
        plot.write_text(drawn, "utf-8")
    if json:
        print(json_text.dumps(_as_table(str(trace), told, swept)))
    else:
        _tell(world, told, swept)
    return 0


def _trace(name: str, config: Path | None, since: str, until: str) -> int:
    from readyup.fleetctl.recorded import sentence

    try:
        told = asyncio.run(_recorded(name, config, since, until))
    except ReadyUpError as wrong:
        print(f"readyup capacity trace: {wrong}", file=sys.stderr)
        return 2 if isinstance(wrong, Invalid) else 1
    print("\n".join(told.lines()))
    print(sentence(told, "TRACE.csv"), file=sys.stderr)
    return 0


async def _recorded(name: str, config: Path | None, since: str, until: str) -> "Recorded":
    from core.clock import SystemClock
    from readyup.fleetctl.choose import fleets_named
    from readyup.fleetctl.look import store_of
    from readyup.fleetctl.moments import moment
    from readyup.fleetctl.recorded import recorded
    from readyup.settings import load

    now_ms, whole = SystemClock().wall_ms(), load(config)
    from_s = moment(since, option="--from", now_ms=now_ms).timestamp() if since else 0.0
    to_s = min(moment(until, option="--to", now_ms=now_ms).timestamp(), now_ms / 1000)
    if not name:
        raise Invalid("write readyup capacity trace FLEET", field="FLEET")
    (spec,) = fleets_named(whole, name)
    async with store_of(whole) as store:
        queues = tuple(whole.queues.values())
        return await recorded(store, spec.name, queues, from_s=int(from_s), to_s=int(to_s))


def _refuse(option: str, value: float, least: float, most: float) -> None:
    if not (math.isfinite(value) and least <= value <= most):
        raise Invalid(f"{option}: {value:g} is no use; write {least:g} to {most:g}", field=option)


def _world(path: Path, lead_s: float, session_s: float, seed: int | None) -> "World":
    from fleets.capacity.trace import read_trace
    from fleets.capacity.yard import World

    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            trace = read_trace(str(path), lines)
    except OSError as wrong:
        raise Invalid(f"{path}: cannot be read ({wrong.strerror}); name a CSV file") from wrong
    except UnicodeDecodeError as wrong:
        raise Invalid(f"{path}: is no text; name a CSV file in UTF-8") from wrong
    begin_s = float(trace.at_s[0])
    return World(trace.instants(seed), lead_s, session_s, begin_s, trace.end_s())


def _as_table(
    trace: str, scores: Sequence["Score"], swept: Sequence[tuple[float, "Score"]]
) -> dict[str, Any]:
    table: dict[str, Any] = {"trace": trace, "policies": [_as_row(score) for score in scores]}
    if swept:
        table["frontier"] = [{"cold_cost": cost, **_as_row(score)} for cost, score in swept]
    return table


def _as_row(score: "Score") -> dict[str, Any]:
    return {
        "name": score.name,
        "claims": score.claims,
        "cold_share": round(score.cold_share(), 9),
        "cold_wait_s": {"p50": round(score.wait_s(50), 3), "p99": round(score.wait_s(99), 3)},
        "idle_server_hours": round(score.idle_server_hours, 4),
        "peak_servers": score.peak_servers,
        "scale_actions": score.scale_actions,
    }


def _tell(
    world: "World", scores: Sequence["Score"], swept: Sequence[tuple[float, "Score"]]
) -> None:
    span_h = (world.end_s - world.begin_s) / 3600
    print(
        f"{scores[0].claims} claims in {span_h:.4g} hours, lead time {world.lead_s:g} s, "
        f"sessions {world.session_s:g} s"
    )
    if not scores[0].claims:
        print("nothing is scored: no claim comes after the first two lead times")
    width = max(len(score.name) for score in scores)
    print(_HEAD.format("policy", width=width))
    for score in scores:
        print(_line(score.name, width, score))
    if swept:
        print("\nour frontier, by cold cost")
        for cost, score in swept:
            print(_line(f"{cost:g}", width, score))


_HEAD = "{:<{width}}     cold   p50 s   p99 s   idle server-h    peak   actions"


def _line(name: str, width: int, score: "Score") -> str:
    return (
        f"{name:<{width}} {score.cold_share():8.3%} {score.wait_s(50):7.1f} {score.wait_s(99):7.1f}"
        f" {score.idle_server_hours:15.1f} {score.peak_servers:7d} {score.scale_actions:9d}"
    )
