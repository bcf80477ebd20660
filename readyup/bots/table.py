"""What a run shows while it goes on: a live table, a plain line, or a line of JSON."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from readyup.bots.report import Figures

Progress = Literal["auto", "table", "plain", "json", "quiet"]
Show = Callable[[Figures], None]

PLAIN_EVERY = 2
"""Ticks (of one second) between two plain lines."""


@contextlib.contextmanager
def shown(progress: Progress) -> Iterator[Show]:
    """A function that shows figures in the chosen way while the block lasts.

    ``auto`` is the table on a terminal and plain lines elsewhere; NO_COLOR is respected.
    Everything goes to stderr, except ``json``, which a program reads from stdout.
    """
    console = Console(stderr=True)
    if progress == "auto":
        progress = "table" if console.is_terminal else "plain"
    match progress:
        case "table":
            with Live(console=console, refresh_per_second=4, transient=True) as live:
                yield lambda figures: live.update(table(figures))
        case "plain":
            yield _plain(lambda text: print(text, file=sys.stderr, flush=True))
        case "json":
            yield lambda figures: print(json_line(figures), flush=True)
        case "quiet":
            yield lambda _: None


def table(figures: Figures) -> RenderableType:
    """The figures as a table for a terminal."""
    grid = Table(title=f"{figures.present} players, {figures.t_s:.0f} s", title_justify="left")
    grid.add_column("queue")
    for name in ("waiting", "playing", "wait p50", "wait p95", "matches"):
        grid.add_column(name, justify="right")
    for name, queue in figures.queues.items():
        grid.add_row(
            name,
            str(queue.waiting),
            str(queue.playing),
            f"{queue.wait_ms_p50:.0f} ms",
            f"{queue.wait_ms_p95:.0f} ms",
            str(queue.matches),
        )
    if not figures.errors:
        return grid
    return Group(grid, Text(_errors(figures), style="red"))


def plain_line(figures: Figures) -> str:
    """The figures in one line for a log."""
    queues = "; ".join(
        f"{name}: {queue.waiting} waiting, {queue.playing} playing, "
        f"wait p50 {queue.wait_ms_p50:.0f} p95 {queue.wait_ms_p95:.0f} ms, {queue.matches} matches"
        for name, queue in figures.queues.items()
    )
    errors = f"; {_errors(figures)}" if figures.errors else ""
    return f"{figures.t_s:5.0f} s  {figures.present} players; {queues}{errors}"


def json_line(figures: Figures) -> str:
    """The figures for a program: one object a line."""
    return msgspec.json.encode(figures.as_dict()).decode()


def _plain(say: Callable[[str], None]) -> Show:
    ticks = 0

    def show(figures: Figures) -> None:
        nonlocal ticks
        ticks += 1
        if ticks % PLAIN_EVERY == 0:
            say(plain_line(figures))

    return show


def _errors(figures: Figures) -> str:
    return "errors: " + ", ".join(f"{n} {kind}" for kind, n in figures.errors.items())
