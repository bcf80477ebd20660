"""Where events go: standard output, a file, or Kafka, by a URL."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

from core.errors import Invalid, ReadyUpError, Unreachable
from readyup.events.envelope import Record

CURE = "write stdout, file:PATH or kafka://HOST:PORT/TOPIC"


class ReaderGone(ReadyUpError):
    """Whoever read what is told has gone, and cannot come back."""


class Sink(Protocol):
    """Takes records. Several streams share one; each tells one batch at a time."""

    async def tell(self, records: Sequence[Record]) -> None:
        """Take these, in this order; returns once they are safe there.

        Raises:
            Unreachable: some or all may not be; whoever asks tells all of them once more.
            ReaderGone: they cannot be, ever.
        """
        ...

    async def aclose(self) -> None:
        """Let go of it. Twice is fine."""
        ...


def open_sink(where: str, *, environ: Mapping[str, str] = os.environ) -> Sink:
    """The sink at an address.

    Raises:
        Invalid: there is none, or what it needs is not installed.
    """
    if where == "stdout":
        return Lines(sys.stdout.fileno())
    scheme = urlsplit(where).scheme
    if scheme == "file" and (path := where.removeprefix("file:").removeprefix("//")):
        return Lines.of_file(Path(path))
    if scheme in ("kafka", "kafkas"):
        from readyup.events.kafka_address import parse_kafka

        address = parse_kafka(where, environ)
        try:
            from readyup.events.kafka import KafkaSink
        except ModuleNotFoundError as missing:
            raise Invalid(
                "--to: Kafka needs aiokafka; pip install 'readyup[kafka]'", field="--to"
            ) from missing
        return KafkaSink(address)
    raise Invalid(f"--to: {where!r} is nowhere to tell; {CURE}", field="--to")


class Lines:
    """A JSON line each, to a descriptor."""

    def __init__(self, descriptor: int, *, ours: bool = False) -> None:
        self._descriptor = descriptor
        self._ours = ours
        self._lock = asyncio.Lock()

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Append to a file. Half a line at its end, of one who was killed, goes away: it was
        not yet counted as told.

        Raises:
            Invalid: it cannot be written.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as wrong:
            raise Invalid(f"--to: {path}: {wrong.strerror}", field="--to") from wrong
        if end := os.fstat(descriptor).st_size:  # a device has none
            os.ftruncate(descriptor, _whole(descriptor, end))
        return cls(descriptor, ours=True)

    async def tell(self, records: Sequence[Record]) -> None:
        lines = b"".join(record.value + b"\n" for record in records)
        async with self._lock:
            try:
                await asyncio.to_thread(self._write, lines)
            except BrokenPipeError as gone:
                raise ReaderGone("nobody reads what is told any more") from gone
            except OSError as wrong:
                raise Unreachable(f"cannot write: {wrong.strerror}") from wrong

    def _write(self, lines: bytes) -> None:
        while lines:
            lines = lines[os.write(self._descriptor, lines) :]
        if self._ours:
            os.fsync(self._descriptor)

    async def aclose(self) -> None:
        if self._ours:
            self._ours = False
            os.close(self._descriptor)


def _whole(descriptor: int, end: int) -> int:
    """The size of a file up to the end of its last whole line."""
    while end:
        begin = max(0, end - 65_536)
        newline = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0
