"""What every long-running command does alike: signals, log lines, the loop, its errors."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

import structlog

from core.errors import ReadyUpError
from readyup.logs import processors

log = structlog.get_logger("readyup.process")


def on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and Ctrl-C set ``stop``; the second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        log.info("process.told", signal=signal.Signals(number).name)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told, number)


def configure_logging(
    *, as_json: bool, level: int = logging.INFO, role: str = "", name: str = ""
) -> None:
    """Log lines to stderr: for people on a terminal, as JSON for machines.

    ``role`` and ``name``, where there are some, stand in every line.
    """
    structlog.configure(
        processors=processors(as_json=as_json, role=role, name=name),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Whatever stderr is then: a live table puts itself there, and lines stand above it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's loop where there is one."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def our_errors(wrong: BaseException) -> list[ReadyUpError]:
    """The errors raised on purpose, however deep.

    Raises:
        BaseException: there are others among them; those are for whoever mends the code.
    """
    if isinstance(wrong, BaseExceptionGroup):
        return [error for inner in wrong.exceptions for error in our_errors(inner)]
    if isinstance(wrong, ReadyUpError):
        return [wrong]
    raise wrong
