"""``readyup bots``: players over the real API and real UDP, live figures, a report."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from core.errors import ReadyUpError
from readyup.bots.burst import Burst
from readyup.bots.crowd import CrowdSettings, run_crowd
from readyup.bots.habits import Habits
from readyup.bots.report import CrowdReport, report_text
from readyup.bots.table import Progress, shown
from readyup.commands.options import refuse_file, refuse_folder, refuse_url
from readyup.commands.process import loop_factory

LEAVE_SHARE = 0.04
"""Of a crowd that is asked for here: what it leaves early, others may fill."""

_HABITS, _DEFAULTS = Habits(), CrowdSettings()
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def bots(  # noqa: PLR0913 - the options of a command
    *,
    url: str = "http://127.0.0.1:8081",
    players: int = 200,
    duration: float = 60.0,
    seed: int = 1,
    squad_share: float = _HABITS.squad_share,
    think: float = _HABITS.think_s_mean,
    cancel_share: float = _HABITS.cancel_share,
    drop_share: float = _HABITS.drop_share,
    crash_share: float = _HABITS.crash_share,
    leave_share: float = LEAVE_SHARE,
    decline_share: float = _HABITS.decline_share,
    sleep_share: float = _HABITS.sleep_share,
    drain: float = _DEFAULTS.drain_s,
    burst: str = "",
    name: str = _DEFAULTS.name,
    key: str = _DEFAULTS.key,
    json_path: Annotated[Path | None, Parameter(name="--json", allow_leading_hyphen=True)] = None,
    events: Path | None = None,
    progress: Progress = "auto",
    quiet: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Play: a crowd of players over the player API and the arena's UDP.

    Exits with 1 when errors happened that no fault in the service explains.
    Ctrl-C drains quickly: who waits cancels, who plays gets three seconds.

    Args:
        url: Base of the player API.
        players: About how many are present at a time.
        duration: Seconds until nobody enqueues any more.
        seed: Decides ratings, arrivals, parties and mishaps.
        squad_share: Share of the players who queue for squads, 0 to 1.
        think: Mean seconds between two matches of a player.
        cancel_share: Share of waits that the player loses patience with.
        drop_share: Share of matches in which the player's link drops and comes back.
        crash_share: Share of rounds in which the player vanishes.
        leave_share: Share of rounds in which it goes home in the middle of the match.
        decline_share: Share of rounds in which it declines a match that asks.
        sleep_share: Share of rounds in which it does not answer such a match.
        drain: Seconds for running matches to finish at the end.
        burst: So many matches' worth of duels asked for at once, as in 50@20: 50 at second 20.
        name: First part of the players' names; two processes need two.
        key: The players' bearer key, with {player} in it.
        json_path: Write the report as JSON to this file; - for stdout.
        events: Write the players' own event log (JSON lines) to this file.
        progress: auto, table, plain, json (a line a second on stdout) or quiet.
        quiet: Show nothing while it runs, and no report but --json.
    """
    try:
        refuse_url("--url", url)
        refuse_file("--json", json_path)
        if events is not None:
            refuse_folder("--events", events.absolute().parent)
            refuse_file("--events", events)
        settings = CrowdSettings(
            url=url,
            players=players,
            duration_s=duration,
            drain_s=drain,
            seed=seed,
            habits=Habits(
                squad_share=squad_share,
                think_s_mean=think,
                cancel_share=cancel_share,
                drop_share=drop_share,
                crash_share=crash_share,
                leave_share=leave_share,
                decline_share=decline_share,
                sleep_share=sleep_share,
            ),
            key=key,
            name=name,
            events=events,
            burst=Burst.of(burst) if burst else None,
        )
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            report = runner.run(_run(settings, "quiet" if quiet else progress))
        _tell(report, json_path, quiet=quiet or progress == "json")
    except (ReadyUpError, OSError) as wrong:
        print(f"readyup bots: {wrong}", file=sys.stderr)
        return 1
    return 1 if report.unexpected else 0


async def _run(settings: CrowdSettings, progress: Progress) -> CrowdReport:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _SIGNALS:
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers here
            loop.add_signal_handler(number, stop.set)
    with shown(progress) as show:
        return await run_crowd(settings, on_tick=show, stop=stop)


def _tell(report: CrowdReport, json_path: Path | None, *, quiet: bool) -> None:
    if not quiet:
        print(report_text(report), file=sys.stderr)
    if json_path is None:
        return
    body = msgspec.json.format(msgspec.json.encode(report.as_dict()), indent=2)
    if str(json_path) == "-":
        print(body.decode())
    else:
        json_path.write_bytes(body + b"\n")
