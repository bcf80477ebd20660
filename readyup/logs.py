"""Log lines: what every line carries besides its event, and what no line may show.

docs/logs.md lists the events. A line is one event with facts as fields, under the same names
everywhere; ``role`` and ``name`` say which process it comes from.
"""

import re
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.telemetry import current_ids

LOG_JSON = "READYUP_LOG_JSON"
"""Variable that is 1 where lines are written as JSON, game servers' too."""

HIDDEN = "[hidden]"

_SECRET = re.compile(
    r"(?i:bearer)\s+[^\s\"',]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JWT, join tokens among them
    r"|\bru[bso]_[\w-]{16,}"  # keys of back ends, fleets and operators
    r"|(?<=://)[^/\s@\"']*:[^/\s@\"']+(?=@)"  # user and password of a URL
)


def hidden(text: str) -> str:
    """The text without what opens doors, should it have got into it.

    >>> hidden("redis://:hunter2@store:6379/0 refused Bearer abc.def")
    'redis://[hidden]@store:6379/0 refused [hidden]'
    """
    return _SECRET.sub(HIDDEN, text)


def _hide(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    return {key: hidden(fact) if isinstance(fact, str) else fact for key, fact in line.items()}


def _with_trace(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    return {**current_ids(), **line}


def processors(*, as_json: bool, role: str = "", name: str = "") -> list[Processor]:
    """What a line goes through, from the facts that were said to the text that is written."""

    def with_process(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
        return {"role": role, "name": name, **line} if role else line

    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return [
        with_process,
        _with_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide,
        renderer,
    ]
