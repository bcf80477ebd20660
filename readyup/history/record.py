"""The recorder: one file that ends up holding what every part of a run had to say.

While the run goes on it follows the streams of queues and fleets. When everything has
stopped, the files of bots, servers and API are put behind, and the run's last line is
written. Sources keep their own order; nothing else is promised, and nothing else needed.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from core.clock import Clock, SystemClock
from core.eventlog import decode, tail
from core.recent import before
from core.redis import Store
from readyup.history.forgotten import withdraw

_encode = msgspec.json.Encoder().encode


class Recorder:
    """Writes the log of one run.

    ``streams`` maps each source to its key: ``{"queue/duel": "{q:arena}:duel:log",
    "fleet/arena": "{f:arena}:log"}``.
    """

    def __init__(
        self, store: Store, streams: Mapping[str, str], path: Path, clock: Clock | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._store = store
        self._streams = dict(streams)
        self._file = path.open("ab", buffering=0)  # what was written survives a kill
        self._path = path
        self._clock = clock or SystemClock()
        self._last = dict.fromkeys(self._streams, "0-0")
        self._recorded = dict.fromkeys(self._streams, 0)
        self._forgotten: dict[str, list[str]] = {src: [] for src in self._streams}
        self._announced: dict[str, tuple[str, str]] = {}
        """Match to the source and id of its announcement, until its end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def open_matches(self) -> Collection[str]:
        """Matches announced whose end was not told yet, as far as the streams were read."""
        return self._announced.keys()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow every stream from its beginning until ``stop``, then read what is left.

        Set ``stop`` after everything that writes has stopped: what returns then is complete.
        """
        async with asyncio.TaskGroup() as group:
            for src in self._streams:
                group.create_task(self._follow(src, stop), name=f"record {src}")

    def write(self, kind: str, **fields: object) -> None:
        """Append a line of the run itself: ``run.started``, ``run.drained``."""
        self._append({"t": self._clock.wall_ms(), "src": "run", "k": kind, **fields})

    async def end(self, final: Mapping[str, int], files: Iterable[Path]) -> int:
        """Put the other processes' files behind, then write ``run.ended``, the last line.

        Returns how many torn last lines were dropped.
        """
        forgotten = withdraw(self._forgotten, self._path)
        if forgotten:
            self._file.close()
            self._file = self._path.open("ab", buffering=0)
        torn = merge(files, self._path)
        missed = await self._missed()
        self.write("run.ended", final=dict(final), missed=missed, torn=torn, forgotten=forgotten)
        return torn

    async def _follow(self, src: str, stop: asyncio.Event) -> None:
        key = self._streams[src]

        def forgotten(entries: list[str]) -> None:
            self._recorded[src] -= len(entries)
            self._last[src] = before(entries[0])
            self._forgotten[src] += entries
            gone = {(src, entry) for entry in entries}
            for match in [one for one, at in self._announced.items() if at in gone]:
                del self._announced[match]

        async for event in tail(self._store, key, self._last[src], stop, forgotten=forgotten):
            self._note(src, event)
        while entries := await self._store.read_stream(key, self._last[src], block_ms=1):
            for entry in entries:
                self._note(src, decode(entry))

    def _note(self, src: str, event: dict[str, Any]) -> None:
        self._last[src] = event["i"]
        self._recorded[src] += 1
        if event["k"] == "match.announced" and "of" not in event:  # newcomers end with their match
            self._announced[event["match"]] = src, event["i"]
        elif event["k"] == "match.ended":
            self._announced.pop(event["match"], None)
        self._append({"src": src, **event})

    def _append(self, event: Mapping[str, object]) -> None:
        self._file.write(_encode(event) + b"\n")

    async def _missed(self) -> int:
        """Events that were trimmed before they could be read, by the streams' own count."""
        missed = 0
        for src, key in self._streams.items():
            if not await self._store.call("EXISTS", key):
                continue
            facts = await self._store.call("XINFO", "STREAM", key)
            added = facts["entries-added"] if isinstance(facts, dict) else _after(facts)
            missed += int(added) - self._recorded[src]
        return missed


def _after(facts: list[Any]) -> int:
    return int(facts[facts.index("entries-added") + 1])


def merge(files: Iterable[Path], into: Path) -> int:
    """Append files of events to another; returns how many torn last lines were dropped.

    A process that is killed may leave half a line at the very end of its file. Half a
    line anywhere else is kept: the checker shall see it.
    """
    torn = 0
    with into.open("ab") as target:
        for path in files:
            with path.open("rb") as source:
                for line in source:
                    if line.endswith(b"\n"):
                        target.write(line)
                    elif _is_whole(line):
                        target.write(line + b"\n")
                    else:
                        torn += 1
    return torn


def _is_whole(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True
