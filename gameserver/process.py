"""Runs a game as one process: environment, signals, event loop, Agones SDK.

if __name__ == "__main__":
    raise SystemExit(run_server(lambda environment: MyGame(environment.port)))
"""

import asyncio
import gc
import logging
import os
import selectors
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from core import dice
from core.clock import SystemClock
from core.errors import ReadyUpError
from core.eventfile import EventFile
from gameserver.environment import Environment
from gameserver.identity import identified
from gameserver.logs import configure_logging
from gameserver.pinning import pin, proof
from gameserver.ports import Game, Sdk, Witness
from gameserver.runtime import Runtime
from gameserver.sdk.client import AgonesSdk

log = logging.getLogger("readyup.gameserver.process")


def run_server(make_game: Callable[[Environment], Game]) -> int:
    """Serve until told to stop; the exit code. SIGTERM and SIGINT drain, a second one cuts."""
    configure_logging(os.environ)
    code = 1
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_serve(make_game))
        code = 0
    except* ReadyUpError as wrong:
        for error in wrong.exceptions:
            log.error("server.failed", extra={"reason": str(error)})  # noqa: TRY400 - it says it all
    except* asyncio.CancelledError:
        log.warning("server.cut")
    return code


def _loop() -> asyncio.AbstractEventLoop:
    """An event loop whose timers are good to some microseconds.

    epoll waits whole milliseconds, rounded up, so each tick would begin up to one late;
    select() takes microseconds, and for the five descriptors of a game server it is as fast.
    """
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def _serve(make_game: Callable[[Environment], Game]) -> None:
    environment = Environment.read(await identified(os.environ))
    pinned = pin(environment.cores) if environment.cores else proof(wanted=environment.cpus)
    game = make_game(environment)
    async with _sdk(environment) as sdk:
        stop = asyncio.Event()
        _listen(stop)
        runtime = Runtime(
            environment, game, sdk, _witness(environment), SystemClock(), dice.unguessable()
        )
        # What was imported stays: the collector need not look through it in the middle of a tick.
        gc.collect()
        gc.freeze()
        await runtime.run(stop, pinned)


def _sdk(environment: Environment) -> AbstractAsyncContextManager[Sdk]:
    """Agones' SDK server, or for a server started by hand its own registration."""
    if environment.register_url:
        from gameserver.own import OwnRegistration

        url, key = environment.register_url, environment.register_key
        return OwnRegistration(environment, url=url, key=key)
    return AgonesSdk.connect()


def _listen(stop: asyncio.Event) -> None:
    """The first signal asks, the second insists. Before this, one is enough."""
    loop, serving = asyncio.get_running_loop(), asyncio.current_task()
    assert serving is not None

    def told() -> None:
        if stop.is_set():
            serving.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)


def _witness(environment: Environment) -> Witness:
    if environment.events is None:
        return _Unseen()
    return EventFile(environment.events, f"server/{environment.name}")


class _Unseen:
    """The witness of a server that was given no file."""

    def write(self, kind: str, **fields: object) -> None:
        """Nothing to keep."""
