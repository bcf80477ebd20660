"""``readyup serve``: the service itself, all of it or some roles, until it is told to stop."""

import asyncio
import contextlib
import logging
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from core.errors import Invalid, ReadyUpError
from readyup.settings import Config, StoreSettings, load

ALL = ("api", "director", "allocator", "fleets", "console")


def serve(
    *, role: str = "all", config: Path | None = None, name: str = "", log_json: bool = False
) -> int:
    """Run the service until SIGTERM or Ctrl-C; a second one ends it at once.

    Args:
        role: all, or some of api, director, allocator, fleets, console with commas between.
        config: A TOML or JSON file; without it the built-in one, two queues and one fleet.
        name: This process among its like; the roles' names without it.
        log_json: Write log lines as JSON, for machines.
    """
    configure_logging(as_json=log_json)
    try:
        roles = ALL if role == "all" else tuple(part.strip() for part in role.split(","))
        for part in roles:
            if part not in ALL:
                raise Invalid(f"--role: there is no role {part!r}; there are: {', '.join(ALL)}")
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(roles, load(config), name or "-".join(roles)))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in _ours(wrong):
            print(f"readyup serve: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(roles: tuple[str, ...], config: Config, name: str) -> None:
    from core.valkey import embedded_valkey
    from readyup.wiring import embedded

    stop = asyncio.Event()
    on_signals(stop)
    async with contextlib.AsyncExitStack() as stack:
        if not config.run_dir:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="readyup-run-"))
            config = replace(config, run_dir=folder)
        if not config.store.url:
            if roles != ALL:
                raise Invalid("$.store.url: roles in processes of their own need one store")
            url = await stack.enter_async_context(embedded_valkey())
            config = replace(config, store=StoreSettings(url, config.store.durability))
        if roles == ALL:
            own_keys()
            print(f"console     http://{config.console.host}:{config.console.port}")
            print(f"player API  http://{config.api.host}:{config.api.port}/openapi.json")
        await embedded.serve(roles, config, name=name, stop=stop)


def own_keys() -> dict[str, str]:
    """A new pair of join keys in this process's environment, for those it starts too."""
    import os

    from core.join_token import Minter
    from readyup.wiring.embedded import JOIN_KEY, JOIN_KEY_PUBLIC

    if JOIN_KEY not in os.environ:
        os.environ[JOIN_KEY] = secrets.token_hex(32)
    minter = Minter.from_hex(os.environ[JOIN_KEY])
    os.environ[JOIN_KEY_PUBLIC] = minter.public_hex()
    return {JOIN_KEY: os.environ[JOIN_KEY], JOIN_KEY_PUBLIC: minter.public_hex()}


def keys() -> int:
    """Print a new pair of join keys, as environment variables."""
    for variable, value in own_keys().items():
        print(f"{variable}={value}")
    return 0


def on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and Ctrl-C set ``stop``; the second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told, number)


def configure_logging(*, as_json: bool, level: int = logging.INFO) -> None:
    """Log lines to stderr: for people on a terminal, as JSON for machines."""
    colours = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colours)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's loop where there is one."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _ours(wrong: BaseException) -> list[ReadyUpError]:
    """The errors raised on purpose, however deep.

    Raises:
        BaseException: there are others among them; those are for whoever mends the code.
    """
    if isinstance(wrong, BaseExceptionGroup):
        return [error for inner in wrong.exceptions for error in _ours(inner)]
    if isinstance(wrong, ReadyUpError):
        return [wrong]
    raise wrong
