"""``readyup demo``: everything on this machine, with bots and the console."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import ReadyUpError

if TYPE_CHECKING:
    from readyup.demo.run import Demo, Outcome


def demo(  # noqa: PLR0913 - the options of a command
    *,
    players: int = 200,
    servers: int | None = None,
    duration: float | None = None,
    seed: int = 1,
    headless: Annotated[bool, Parameter(negative=())] = False,
    json_path: Annotated[Path | None, Parameter(name="--json", allow_leading_hyphen=True)] = None,
    chaos: str = "",
    config: Path | None = None,
    folder: Annotated[Path | None, Parameter(name="--dir")] = None,
) -> int:
    """Run the whole of it: a Valkey, every role, pinned game servers, bots, the console.

    Ctrl-C ends it within seconds and prints the report; a second one at once. Exits with 0
    when every promise was kept (see readyup check-history) and no bot met an error.

    Args:
        players: Bots present at a time.
        servers: Local game servers; the configuration's 12 without it.
        duration: Seconds of play; without it until Ctrl-C, or 20 with --headless.
        seed: Decides the bots' ratings, arrivals, parties and mishaps.
        headless: No live table; a line every two seconds and the report.
        json_path: Write the report as JSON to this file; - for stdout.
        chaos: Roles to kill with -9 and to stop for six seconds, in turn, with commas between:
            director, allocator, api, gameserver, fleets. Plays until each had its turn.
        config: A TOML or JSON file in place of the built-in configuration.
        folder: Keep logs, events and the history here; a temporary folder without it.
    """
    if wrong_number := _wrong_number(players, servers, duration):
        print(f"readyup demo: {wrong_number}", file=sys.stderr)
        return 1
    print("ReadyUp starts: a Valkey, a process for each role, game servers, bots", file=sys.stderr)
    import asyncio
    import logging

    from core.dice import stream
    from readyup.commands.process import configure_logging, loop_factory, our_errors
    from readyup.demo.chaos import Chaos
    from readyup.demo.run import Demo, DemoSettings
    from readyup.settings import load

    configure_logging(as_json=False, level=logging.WARNING)
    try:
        roles = tuple(role.strip() for role in chaos.split(",") if role.strip())
        in_turn_s = Chaos(roles, stream(seed)).round_s() if roles else 0.0
        play_s = duration if duration is not None else (in_turn_s or 20.0 if headless else 0.0)
        settings = DemoSettings(
            players=players, servers=servers, duration_s=play_s, seed=seed, chaos=roles
        )
        run_dir = (folder or Path(tempfile.mkdtemp(prefix="readyup-demo-"))).absolute()
        run = Demo(load(config), settings, run_dir)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            outcome = runner.run(_play(run, live=not headless and sys.stderr.isatty()))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            print(f"readyup demo: {error}", file=sys.stderr)
        return 1
    return _tell(outcome, json_path)


def _wrong_number(players: int, servers: int | None, duration: float | None) -> str:
    """What is wrong with the numbers asked for; empty when nothing is."""
    if players < 1 or (servers is not None and servers < 1):
        return "--players and --servers must be at least 1"
    if duration is not None and duration <= 0:
        return "--duration is seconds above 0"
    return ""


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
