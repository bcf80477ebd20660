"""Traces: what happened to one ticket, across processes, told to an OpenTelemetry collector.

A trace travels as state, not with calls: its context (W3C ``traceparent``, one string) is kept
with the ticket, and whoever does something for that ticket adds a span to it. A span is told
when it is over, with both its times, so nothing is held open between processes. Off, which
is the default, ``OFF`` stands in, nothing of OpenTelemetry is imported, and every
``traceparent`` is empty.
"""

import contextlib
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from core.errors import Invalid

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)

Fact = str | int | float | bool


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Where traces go, and which."""

    endpoint: str = ""
    """OTLP over HTTP, e.g. ``http://127.0.0.1:4318``; empty traces nothing. Needs
    ``pip install readyup[telemetry]``. Headers, such as a key, come from the environment:
    ``OTEL_EXPORTER_OTLP_HEADERS``."""

    sample_ratio: float = 1.0
    """Share of the tickets that are traced, 0 to 1. A client that sends its own
    ``traceparent`` decides for its ticket."""

    service_name: str = "readyup"
    """What the collector calls us; the role is added, e.g. ``readyup-director``."""

    def __post_init__(self) -> None:
        if self.endpoint and not self.endpoint.startswith(("http://", "https://")):
            raise Invalid(f"{self.endpoint!r} is none; write http://host:4318", field="$.endpoint")
        if not 0 <= self.sample_ratio <= 1:
            raise Invalid(f"{self.sample_ratio} is outside 0-1", field="$.sample_ratio")
        if not self.service_name:
            raise Invalid("is empty; write readyup", field="$.service_name")


class Traces(Protocol):
    """Where this process tells spans. None of it blocks or fails."""

    @property
    def on(self) -> bool:
        """Whether anybody listens; what a span alone would need is not worth asking else."""
        ...

    def entering(
        self, name: str, traceparent: str, **facts: Fact
    ) -> contextlib.AbstractContextManager[str]:
        """A span for as long as the block lasts: the child of ``traceparent``, or the first
        of a new trace. Yields what to keep for those who continue it, empty if nobody shall.
        """
        ...

    def span(
        self, name: str, traceparent: str, *, began_us: int, ended_us: int, **facts: Fact
    ) -> None:
        """Something is over that was done for this trace; an empty ``traceparent`` is fine."""
        ...

    def close(self) -> None:
        """Send what waits, within two seconds. Blocks."""
        ...


class _Off:
    """Nobody listens."""

    on = False

    def entering(
        self, name: str, traceparent: str, **facts: Fact
    ) -> contextlib.AbstractContextManager[str]:
        return _NOTHING

    def span(
        self, name: str, traceparent: str, *, began_us: int, ended_us: int, **facts: Fact
    ) -> None:
        return

    def close(self) -> None:
        return


_NOTHING = contextlib.nullcontext("")
OFF: Traces = _Off()

_current: ContextVar[str] = ContextVar("traceparent", default="")


def current_ids() -> dict[str, str]:
    """``trace_id`` and ``span_id`` of what this task is doing, for its log lines; or nothing."""
    if not (traceparent := _current.get()):
        return {}
    _, trace_id, span_id, _ = traceparent.split("-")
    return {"trace_id": trace_id, "span_id": span_id}


@contextlib.contextmanager
def within(traceparent: str) -> Iterator[str]:
    """Log lines of the block belong to this trace; an empty one is fine."""
    token = _current.set(traceparent)
    try:
        yield traceparent
    finally:
        _current.reset(token)


def well_formed(traceparent: str) -> str:
    """The same if it is one, else empty: what a stranger sends wrong starts a new trace."""
    return traceparent if _TRACEPARENT.fullmatch(traceparent) else ""
