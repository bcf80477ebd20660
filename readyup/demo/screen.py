"""What the demo shows in the terminal while it runs: addresses, queues, servers, processes."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text


@dataclass
class Scene:
    """The moment, as far as the demo knows it."""

    console_url: str
    api_url: str
    warm: int = 0
    servers: int = 0
    roles: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Name to (pid, restarts)."""

    crowd: dict[str, Any] = field(default_factory=dict)
    """The bots' figures, as ``readyup bots --progress json`` prints them."""


Show = Callable[[Scene], None]


@contextlib.contextmanager
def shown(*, live: bool) -> Iterator[Show]:
    """A function that shows the scene while the block lasts: a table, or a line now and then."""
    console = Console(stderr=True, soft_wrap=True)
    if not live:
        yield _Lines(console).show
        return
    with Live(console=console, refresh_per_second=4, transient=True) as screen:
        yield lambda scene: screen.update(picture(scene))


def picture(scene: Scene) -> RenderableType:
    """The scene for a terminal."""
    head = Text()
    head.append("ReadyUp", style="bold")
    head.append(f"   console {scene.console_url}", style="cyan")
    head.append(f"   player API {scene.api_url}/openapi.json   Ctrl-C ends it", style="dim")
    queues = Table(box=None, pad_edge=False)
    queues.add_column("queue")
    for name in ("waiting", "playing", "wait p50", "wait p95", "matches"):
        queues.add_column(name, justify="right")
    for name, queue in scene.crowd.get("queues", {}).items():
        queues.add_row(
            name,
            str(queue["waiting"]),
            str(queue["playing"]),
            f"{queue['wait_ms_p50']:.0f} ms",
            f"{queue['wait_ms_p95']:.0f} ms",
            str(queue["matches"]),
        )
    roles = "  ".join(
        f"{name} {pid or 'starting'}" + (f" (restarted {again}x)" if again else "")
        for name, (pid, again) in scene.roles.items()
    )
    servers = f"servers  {scene.warm} of {scene.servers} warm"
    return Group(
        head, Text(), queues, Text(), Text(servers), Text(f"roles    {roles}", style="dim")
    )


class _Lines:
    """A line every few scenes, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0

    def show(self, scene: Scene) -> None:
        self._shown += 1
        if self._shown == 1:
            self._console.print(f"console {scene.console_url}", highlight=False)
        if self._shown % 8 != 1 or not scene.crowd:
            return
        queues = "; ".join(
            f"{name}: {queue['waiting']} waiting, {queue['playing']} playing, "
            f"{queue['matches']} matches"
            for name, queue in scene.crowd["queues"].items()
        )
        self._console.print(
            f"{scene.crowd['t_s']:5.0f} s  {scene.warm}/{scene.servers} servers warm; {queues}",
            highlight=False,
        )
