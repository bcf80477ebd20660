"""What the demo shows in the terminal while it runs: addresses, queues, servers, processes."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from core.words import many

STARTING = "starting"
PLAYING = "playing; Ctrl-C ends it"
DRAINING = "ending: nobody enqueues, matches play on"
JUDGING = "judging the log of the run"


@dataclass
class Scene:
    """The moment, as far as the demo knows it."""

    console_url: str
    api_url: str
    run_dir: str = ""
    phase: str = STARTING
    warm: int = 0
    servers: int = 0
    roles: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Name to (pid, restarts)."""

    crowd: dict[str, Any] = field(default_factory=dict)
    """The bots' figures, as ``readyup bots --progress json`` prints them."""


Show = Callable[[Scene], None]


@contextlib.contextmanager
def shown(*, live: bool) -> Iterator[Show]:
    """A function that shows the scene while the block lasts: a table, or a line now and then.

    What is written to stderr meanwhile stands above the table.
    """
    if not live:
        yield _Lines(Console(stderr=True, soft_wrap=True)).show
        return
    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as screen:
        yield lambda scene: screen.update(picture(scene))


def picture(scene: Scene) -> RenderableType:
    """The scene for a terminal of any width."""
    where = _named(
        ("console", Text(scene.console_url, style="cyan")),
        ("player API", Text(f"{scene.api_url}/openapi.json")),
        ("run folder", Text(scene.run_dir)),
    )
    queues = Table(box=None, pad_edge=False)
    queues.add_column("queue")
    for name in ("waiting", "playing", "wait p50", "wait p95", "matches"):
        queues.add_column(name, justify="right", no_wrap=True)
    for name, queue in scene.crowd.get("queues", {}).items():
        queues.add_row(
            name,
            str(queue["waiting"]),
            str(queue["playing"]),
            f"{queue['wait_ms_p50']:.0f} ms",
            f"{queue['wait_ms_p95']:.0f} ms",
            str(queue["matches"]),
        )
    roles = [
        Text(f"{name} {pid or 'starting'}" + (f" (restarted {again}x)" if again else ""))
        for name, (pid, again) in scene.roles.items()
    ]
    below = _named(
        ("servers", Text(f"{scene.warm} of {scene.servers} warm")),
        ("roles", Columns(roles, padding=(0, 2))),
    )
    head = Text.assemble(("ReadyUp", "bold"), "  ", (scene.phase, "dim"))
    # The last line is empty, so that the ^C that a terminal echoes there cannot wrap and shift all.
    return Group(head, Text(), where, Text(), queues, Text(), below, Text())


def _named(*rows: tuple[str, RenderableType]) -> Table:
    """Names before what they stand for; what is long goes on below itself."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim", min_width=10)
    grid.add_column(overflow="fold")
    for name, what in rows:
        grid.add_row(name, what)
    return grid


class _Lines:
    """A line every few scenes, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0
        self._phase = STARTING

    def show(self, scene: Scene) -> None:
        self._shown += 1
        if self._shown == 1:
            self._say(f"console {scene.console_url}")
        if scene.phase != self._phase:
            self._phase = scene.phase
            self._say(scene.phase)
        if self._shown % 8 != 1 or not scene.crowd:
            return
        queues = "; ".join(
            f"{name}: {queue['waiting']} waiting, {queue['playing']} playing, "
            f"{many(queue['matches'], 'match', 'es')}"
            for name, queue in scene.crowd["queues"].items()
        )
        self._say(
            f"{scene.crowd['t_s']:5.0f} s  {scene.warm}/{scene.servers} servers warm; {queues}"
        )

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False)
