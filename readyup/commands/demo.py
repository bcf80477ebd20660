"""``readyup demo``: everything on this machine, with bots and the console."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.address import Kind
from core.errors import Invalid, ReadyUpError
from readyup.commands.options import refuse_file, refuse_folder
from readyup.demo.asked import (
    DemoSettings,
    asked_burst,
    chaos_roles,
    refuse_numbers,
    run_folder,
    sized,
)
from readyup.settings import load

if TYPE_CHECKING:
    from readyup.demo.run import Demo, Outcome


def demo(  # noqa: PLR0913 - the options of a command
    *,
    players: int = 120,
    servers: int | None = None,
    duration: float | None = None,
    seed: int = 1,
    headless: Annotated[bool, Parameter(negative=())] = False,
    json_path: Annotated[Path | None, Parameter(name="--json", allow_leading_hyphen=True)] = None,
    redis: Kind = "server",
    chaos: str = "",
    burst: str = "",
    config: Path | None = None,
    folder: Annotated[Path | None, Parameter(name="--dir")] = None,
) -> int:
    """Run the whole of it: a Valkey, every role, pinned game servers, bots, the console.

    Ctrl-C ends it within seconds and prints the report; a second one at once. Exits with 0
    when every promise was kept (see readyup check-history) and the bots met no error but
    those that a death or a fault in the run explains.

    Args:
        players: Bots present at a time.
        servers: Local game servers; without it as many as the configuration wants, by forecast
            from 4 to 12.
        duration: Seconds of play; without it until Ctrl-C, or 20 with --headless.
        seed: Decides the bots' ratings, arrivals, parties and mishaps.
        headless: No live table; a line every two seconds and the report.
        json_path: Write the report as JSON to this file; - for stdout.
        redis: What keeps the state: server, one Valkey; sentinel, a primary with two replicas and
            three Sentinels; cluster, three primaries with a replica each.
        chaos: Roles to kill with -9 and to stop for six seconds, in turn, with commas between:
            director, allocator, api, gameserver, fleets, and redis where another server can
            take over. Plays until each had its turn.
        burst: So many matches asked for at once: 50@20 is 50 duels at second 20. The report then
            says after how long the fleet began to grow, and how many of them waited.
        config: A TOML or JSON file in place of the built-in configuration.
        folder: Keep logs, events and the history here. Without it they are below .run in a
            clone of the repository, and elsewhere in a temporary folder, gone after a good run.
    """
    try:
        refuse_numbers(players, servers, duration)
        roles = chaos_roles(chaos)
        if "redis" in roles and redis == "server":
            raise Invalid("--chaos: redis needs --redis sentinel or --redis cluster")
        asked = sized(load(config), servers)
        play_s = _play_s(duration, roles) if headless else duration or 0.0
        at_once = asked_burst(burst, play_s)
        if folder is not None:
            refuse_folder("--dir", folder)
        refuse_file("--json", json_path)
        run_dir, stays = run_folder(folder)
    except Invalid as wrong:
        print(f"readyup demo: {wrong}", file=sys.stderr)
        return 1
    print("ReadyUp starts: a store, the roles, game servers, bots", file=sys.stderr)
    import asyncio
    import logging

    from readyup.commands.process import configure_logging, loop_factory, our_errors
    from readyup.demo.run import Demo

    configure_logging(as_json=False, level=logging.WARNING)
    settings = DemoSettings(
        players=players,
        servers=servers,
        duration_s=play_s,
        seed=seed,
        redis=redis,
        chaos=roles,
        burst=at_once,
    )
    try:
        run = Demo(asked, settings, run_dir)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            outcome = runner.run(_play(run, live=not headless and sys.stderr.isatty()))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            print(f"readyup demo: {error}", file=sys.stderr)
        print(f"readyup demo: what its parts said is in {run_dir}/logs", file=sys.stderr)
        return 1
    if not stays and outcome.exit_code() == 0:
        shutil.rmtree(run_dir, ignore_errors=True)
        outcome.report["history"] = ""
    return _tell(outcome, json_path)


def _play_s(duration: float | None, roles: tuple[str, ...]) -> float:
    """How long a run without a table takes."""
    from readyup.demo.chaos import round_s

    return duration if duration is not None else round_s(roles) or 20.0


async def _play(run: "Demo", *, live: bool) -> "Outcome":
    import asyncio

    from readyup.commands.process import on_signals
    from readyup.demo.screen import shown

    stop = asyncio.Event()
    on_signals(stop)
    with shown(live=live) as show:
        return await run.play(stop, show)


def _tell(outcome: "Outcome", json_path: Path | None) -> int:
    import msgspec

    from readyup.demo.report import as_text

    print(as_text(outcome.report), file=sys.stderr)
    for breach in outcome.verdict.breaches[:5]:
        print(f"BREACH    {breach.invariant}: {breach.detail}", file=sys.stderr)
    if outcome.verdict.missing and not outcome.nothing_happened:
        print(f"UNJUDGED  {', '.join(outcome.verdict.missing)}", file=sys.stderr)
    if outcome.unexpected:
        print(f"UNEXPECTED  {outcome.unexpected}", file=sys.stderr)
    body = msgspec.json.format(msgspec.json.encode(outcome.report), indent=2)
    if json_path is not None and str(json_path) == "-":
        print(body.decode())
    elif json_path is not None:
        json_path.write_bytes(body + b"\n")
    return outcome.exit_code()
