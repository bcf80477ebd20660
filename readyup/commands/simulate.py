"""``readyup simulate``: the whole service under virtual time, with faults and the checker."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from core.errors import Invalid
from readyup.commands.options import refuse_file, refuse_folder
from readyup.simulation.evening import Evening, Outcome, asked, left, needs_fakeredis
from readyup.simulation.faults import read_faults
from readyup.simulation.sweep import Brief, Total, replay_command, seeds, summary, sweep
from readyup.simulation.world import simulate as play

BREACHES_SHOWN = 10
PROGRESS_EVERY = 10
"""Seeds of a sweep between two lines that say how far it is."""

PROGRESS_S = 1.0
"""Between two such lines of one seed."""


def simulate(  # noqa: PLR0913 - each is an option
    *,
    seed: int = 1,
    minutes: float | None = None,
    hours: float | None = None,
    faults: Path | None = None,
    sweep: Annotated[int, Parameter(name="--sweep")] = 0,
    jobs: int = 1,
    players: int = 24,
    servers: int = 5,
    directors: int = 2,
    acceptance_s: float = 0.0,
    leave_share: float = 0.0,
    history: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run directors, allocators, APIs, the fleets' planner, game servers and players in one
    thread under virtual time, break them, and judge what happened.

    Args:
        seed: Decides everything: the same seed gives the same history.
        minutes: Virtual minutes with players and faults; a drain follows. Default 10.
        hours: The same in hours.
        faults: A TOML or JSON file with faults in the place of those that the seed draws.
        sweep: Run this many seeds, beginning with ``seed``.
        jobs: Processes of a sweep.
        players: About how many are present.
        servers: Game servers.
        directors: Candidates for each queue's leadership.
        acceptance_s: Have matches ask their players, who answer within so many seconds, or not.
        leave_share: Share of rounds in which a player leaves the match, and another may come.
        history: Write the history there, for ``readyup check-history``; not with ``--sweep``.
        json: Print the result as JSON.
    """
    try:
        needs_fakeredis()
        if history is not None and sweep:
            raise Invalid("--history: a sweep has no one history; run one seed", field="--history")
        if history is not None:
            refuse_folder("--history", history.absolute().parent)
            refuse_file("--history", history)
        evening = Evening(
            seed=seed,
            minutes=_minutes(minutes, hours),
            players=players,
            servers=servers,
            directors=directors,
            faults=None if faults is None else read_faults(faults),
        )
        if acceptance_s:
            evening = asked(evening, acceptance_s)
        if leave_share:
            evening = left(evening, leave_share)
        if sweep:
            return _sweep(evening, sweep, jobs, str(faults or ""), as_json=json)
    except Invalid as wrong:
        print(f"readyup simulate: {wrong}", file=sys.stderr)
        return 2
    return _one(evening, history, str(faults or ""), as_json=json)


def _minutes(minutes: float | None, hours: float | None) -> float:
    if minutes is not None and hours is not None:
        raise Invalid("give --minutes or --hours, not both", field="--hours")
    asked = 10.0 if minutes is None else minutes
    asked = asked if hours is None else hours * 60.0
    if not 0.0 < asked <= 7 * 24 * 60.0:
        raise Invalid(f"{asked:g} minutes: give more than 0 and at most a week", field="--minutes")
    return asked


def _one(evening: Evening, history: Path | None, faults: str, *, as_json: bool) -> int:
    began_s = time.perf_counter()
    outcome = play(evening, watch=_progress(evening) if sys.stderr.isatty() else None)
    took_s = time.perf_counter() - began_s
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if history is not None:
        history.write_bytes(b"".join(outcome.history))
    brief = summary(evening, outcome)
    if as_json:
        print(msgspec.json.encode(_as_table(brief, outcome, took_s)).decode())
    else:
        _tell(brief, outcome, took_s)
        if not brief.is_good:
            print(f"replay: {replay_command(evening, faults_file=faults)}")
    return 0 if brief.is_good else 1


def _progress(evening: Evening) -> Callable[[float], None]:
    """A line on stderr, written anew each second, that says how far the evening is."""
    last_s, end_s = time.perf_counter(), evening.minutes * 60.0

    def watch(virtual_s: float) -> None:
        nonlocal last_s
        if (now_s := time.perf_counter()) - last_s < PROGRESS_S:
            return
        last_s = now_s
        drains = ", and what is left over" if virtual_s > end_s else ""
        said = f"seed {evening.seed}: {min(virtual_s, end_s):.0f} of {end_s:.0f} virtual seconds"
        print(f"\r{said}{drains}\033[K", end="", file=sys.stderr, flush=True)

    return watch


def _tell(brief: Brief, outcome: Outcome, took_s: float) -> None:
    tickets = outcome.report.tickets
    print(
        f"seed {outcome.seed}: {outcome.virtual_s:.0f} virtual seconds in {took_s:.1f} s,"
        f" {outcome.calls} store calls, {outcome.verdict.events} events\n"
        f"  tickets   {tickets['created']} created, {tickets['assigned']} assigned,"
        f" {tickets['cancelled']} cancelled, {tickets['expired']} expired\n"
        f"  matches   {outcome.report.matches['made']} made,"
        f" {outcome.report.matches['completed']} completed\n"
        f"  faults    {_listed(outcome.faults)}\n"
        f"  breaches  {len(brief.breaches)}\n"
        f"  digest    {outcome.digest}"
    )
    for line in brief.wrongs()[:BREACHES_SHOWN]:
        print(f"  - {line}")


def _as_table(brief: Brief, outcome: Outcome, took_s: float) -> dict[str, Any]:
    return {
        "seed": outcome.seed,
        "digest": outcome.digest,
        "virtual_s": round(outcome.virtual_s, 3),
        "took_s": round(took_s, 3),
        "store_calls": outcome.calls,
        "events": outcome.verdict.events,
        "tickets": outcome.report.tickets,
        "matches": outcome.report.matches,
        "faults": {kind: n for kind, n in sorted(outcome.faults.items()) if n},
        "errors": outcome.report.errors,
        "unexplained": brief.errors,
        "breaches": brief.breaches,
        "broke": brief.broke,
    }


def _sweep(first: Evening, count: int, jobs: int, faults: str, *, as_json: bool) -> int:
    began_s = time.perf_counter()
    total = Total()
    for brief in sweep(seeds(first, count), jobs=jobs):
        total.add(brief)
        if not brief.is_good:
            _tell_failure(brief, faults)
        if total.seeds % PROGRESS_EVERY == 0 and total.seeds < count:
            took_s = time.perf_counter() - began_s
            print(f"{_so_far(total)} in {took_s:.0f} s", file=sys.stderr, flush=True)
    took_s = time.perf_counter() - began_s
    commands = [replay_command(brief.evening, faults_file=faults) for brief in total.failed]
    if as_json:
        wrong = {str(brief.evening.seed): brief.wrongs() for brief in total.failed}
        table = {**total.figures(took_s), "wrong": wrong, "replay": commands}
        print(msgspec.json.encode(table).decode())
    else:
        print(f"{_so_far(total)} in {took_s:.0f} s ({count / took_s:.2f} seeds/s)")
        print(f"  faults    {_listed(total.faults)}")
        if commands:
            print(f"replay the first: {commands[0]}")
    return 1 if total.failed else 0


def _so_far(total: Total) -> str:
    return (
        f"{total.good} of {total.seeds} seeds kept every promise: {total.virtual_s / 3600:.2f}"
        f" virtual hours, {total.matches} matches, {total.faults.total()} faults"
    )


def _listed(faults: Counter[str]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in sorted(faults.items()) if n) or "none"


def _tell_failure(brief: Brief, faults: str) -> None:
    command = replay_command(brief.evening, faults_file=faults)
    print(f"seed {brief.evening.seed} failed: {command}", file=sys.stderr)
    for line in brief.wrongs()[:3]:
        print(f"  - {line}", file=sys.stderr, flush=True)
