"""``readyup events``: what happened, told to a studio's own pipeline."""

import asyncio
import contextlib
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from core.address import Address
from core.clock import SystemClock
from core.errors import Invalid, ReadyUpError
from core.redis import Store
from readyup.commands.process import configure_logging, loop_factory, on_signals, our_errors
from readyup.events.sinks import Sink, open_sink
from readyup.logs import LOG_JSON
from readyup.settings import Config, load

_NAME = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class _Asked:
    config: Config
    where: Address
    name: str
    from_now: bool


def events(
    *,
    to: str = "",
    name: str = "events",
    since: Literal["beginning", "now"] = "beginning",
    config: Path | None = None,
    store: str = "",
    schema: Annotated[bool, Parameter(negative=())] = False,
    log_json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Tell tickets, matches, sessions and results to others, at least once and in order, until
    SIGTERM or Ctrl-C.

    Args:
        to: stdout, file:PATH or kafka://HOST:PORT,…/TOPIC; kafkas:// speaks TLS, and
            READYUP_KAFKA_PASSWORD is the password of the user before the hosts.
        name: Whose place in the streams it is: one who comes back under a name goes on there.
        since: Where a new name begins: at what the store still knows, or now.
        config: The service's configuration: its queues and fleets, and the store's address.
        store: The store's address, in the place of that in the configuration.
        schema: Print the JSON schema of what is told, and end.
        log_json: Write log lines as JSON, for machines.
    """
    if schema:
        _print_schema()
        return 0
    configure_logging(as_json=log_json or os.environ.get(LOG_JSON) == "1", role="events", name=name)
    try:
        asked = load(config)
        if not _NAME.fullmatch(name):
            raise Invalid("--name: write up to 40 of a-z, 0-9 and '-'", field="--name")
        where = asked.running_store(store)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_events(_Asked(asked, where, name, since == "now"), to))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for said in dict.fromkeys(map(str, our_errors(wrong))):  # several streams, one sink
            print(f"readyup events: {said}", file=sys.stderr)
        return 1
    return 0


def _print_schema() -> None:
    import json

    from readyup.events.schema import schema

    print(json.dumps(schema(), indent=2))


async def _events(asked: _Asked, to: str) -> None:
    stop = asyncio.Event()
    on_signals(stop)
    async with contextlib.AsyncExitStack() as stack:
        sink = open_sink(to)
        stack.push_async_callback(sink.aclose)
        store = await Store.connect(asked.where)
        stack.push_async_callback(store.aclose)
        await _tell(asked, store, sink, stop)


async def _tell(asked: _Asked, store: Store, sink: Sink, stop: asyncio.Event) -> None:
    from core.health import Health
    from readyup.events.metrics import EventsMetrics
    from readyup.events.streams import streams_of
    from readyup.events.teller import Teller
    from readyup.wiring.admin import Admin, admin_port
    from readyup.wiring.store_vitals import StoreMetrics
    from readyup.wiring.vitals import Counted, ProcessMetrics

    registry, health = Counted().registry, Health()
    metrics, listen = EventsMetrics(registry), asked.config.admin
    vitals = (ProcessMetrics(registry), StoreMetrics(registry, store, SystemClock()))
    async with contextlib.AsyncExitStack() as stack:
        folder = asked.config.run_dir or stack.enter_context(tempfile.TemporaryDirectory())
        door = admin_port(
            Admin(store, registry, health),
            host=listen.host,
            port=listen.port,
            run_dir=Path(folder),
            name=f"events-{asked.name}",
        )
        await stack.enter_async_context(door)
        async with asyncio.TaskGroup() as group:
            for vital in vitals:
                group.create_task(vital.run(stop), name="vitals")
            for stream in streams_of(asked.config):
                teller = Teller(store, stream, sink, asked.name, metrics, asked.from_now)
                health.add(f"events {stream.source}", teller.condition)
                group.create_task(teller.run(stop), name=f"events-{stream.source}")
