"""One process's own witness: a file of events, for those who do not write to the store.

Apart from ``eventlog`` because game servers write events and never speak to Redis; what they
need not import starts them sooner.
"""

from pathlib import Path

import msgspec

from core.clock import Clock, SystemClock

_encode = msgspec.json.Encoder().encode


class EventFile:
    """A JSON line per event, written at once. The format is documented in docs/history.md."""

    def __init__(self, path: Path, src: str, clock: Clock | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what a process said before kill -9 stays said.
        self._file = path.open("ab", buffering=0)
        self._src = src
        self._clock = clock or SystemClock()

    def write(self, kind: str, *, src: str | None = None, **fields: object) -> None:
        """Append an event. ``src`` stands in for the file's own, for files that many share."""
        line = {"t": self._clock.wall_ms(), "src": src or self._src, "k": kind, **fields}
        self._file.write(_encode(line) + b"\n")

    def close(self) -> None:
        """Close the file; twice is fine."""
        self._file.close()
