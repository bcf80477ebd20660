"""What game servers of this machine wrote to files: their logs, and their own events.

Names come from the backend's mirror, never from a caller; a name that could lead elsewhere
is refused all the same. Reading is bounded: the end of a file is what people ask for.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from readyup.console.timeline import Step

LINES_MAX = 200
TAIL_BYTES = 64 * 1024
"""Enough for two hundred long lines."""

EVENTS_BYTES = 512 * 1024
"""About two thousand events: an hour of a busy server."""

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""As Kubernetes names things; without slashes, and not beginning with a dot."""

KINDS = frozenset({"server.assigned", "player.joined", "player.left", "match.finished"})
"""Those that tell a reader what the streams do not."""


class Witnessed:
    """The files below the folder of a run."""

    def __init__(self, run_dir: Path) -> None:
        self._logs = run_dir / "fleets" / "logs"
        self._events = run_dir / "events"

    def log(self, name: str) -> list[str] | None:
        """The last ``LINES_MAX`` lines that a server printed; None when it has no log here."""
        if not NAME.fullmatch(name):
            return None
        tail = _tail(self._logs / f"{name}.log", TAIL_BYTES)
        return None if tail is None else list(tail)[-LINES_MAX:]

    def told(self, name: str, match: str) -> list[Step]:
        """What a server's own events say of a match; nothing where it writes none."""
        if not NAME.fullmatch(name):
            return []
        tail = _tail(self._events / f"server-{name}.jsonl", EVENTS_BYTES) or ()
        return [step for line in tail if match in line and (step := _step(line, match))]


class _Told(msgspec.Struct):
    t: int
    src: str
    k: str
    match: str = ""
    player: str = ""
    server: str = ""
    rejoin: bool = False


_decode = msgspec.json.Decoder(_Told).decode


def _step(line: str, match: str) -> Step | None:
    try:
        told = _decode(line)
    except msgspec.DecodeError:  # cut by a kill, or by where the tail begins
        return None
    if told.match != match or told.k not in KINDS:
        return None
    words = {
        "server.assigned": "the server was told its match",
        "player.joined": f"{told.player} {'came back' if told.rejoin else 'joined'}",
        "player.left": f"{told.player} left",
        "match.finished": "played to its end",
    }[told.k]
    return Step(told.t, told.src, told.k, words, told.server)


def _tail(path: Path, bytes_max: int) -> Iterator[str] | None:
    """Whole lines from the end of a file; None when there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - bytes_max))
            text = file.read(bytes_max).decode("utf-8", "replace")
    except OSError:
        return None
    lines = text.splitlines()
    return iter(lines[1:] if size > bytes_max else lines)
