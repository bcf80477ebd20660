"""The role ``api``: the player API with everything that runs beside it."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Mapping

from prometheus_client import CollectorRegistry

from core.clock import Clock
from core.eventfile import EventFile
from core.health import Condition
from core.ids import QueueName
from core.join_token import Minter
from core.redis import Store
from core.telemetry import OFF, Traces
from core.web import serve_app
from matchmaker.api.admission import Admission, Signs
from matchmaker.api.desk import Desk
from matchmaker.api.http import PlayerApi
from matchmaker.api.keys import Keys
from matchmaker.api.limits import Gate
from matchmaker.api.outbox import Outbox
from matchmaker.api.presence import Presence
from matchmaker.api.settings import Limits
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.ports import Sessions
from matchmaker.store import QueueStore

SIGNS = Signs()


class PlayerService:
    """One process's player API."""

    def __init__(  # noqa: PLR0913 - the parts that readyup/wiring chooses
        self,
        queues: Mapping[str, QueueStore],
        sessions: Sessions,
        store: Store,
        *,
        keys: Keys,
        minter: Minter,
        clock: Clock,
        chance: random.Random,
        witness: EventFile | None = None,
        gate: Gate | None = None,
        signs: Signs = SIGNS,
        metrics: MatchmakerMetrics | None = None,
        traces: Traces = OFF,
    ) -> None:
        metrics = metrics or MatchmakerMetrics(CollectorRegistry())
        self._open = False
        self._queues = queues
        self._draining = asyncio.Event()
        desk = Desk(
            queues,
            sessions,
            keys=keys,
            minter=minter,
            clock=clock,
            chance=chance,
            metrics=metrics,
            traces=traces,
        )
        self._outbox = Outbox(desk, clock=clock, witness=witness)
        self._presence = Presence(queues, clock)
        self._admission = Admission(store.pending, clock, signs, tell_shed=metrics.shed.inc)
        self._api = PlayerApi(
            desk,
            self._outbox,
            self._presence,
            store,
            metrics.registry,
            draining=self._draining,
            gate=gate or Gate(Limits(), clock),
            admission=self._admission,
        )

    def condition(self) -> Condition:
        """Ready while it listens and does not drain."""
        if self._draining.is_set():
            return Condition(ready=False, says="draining")
        return Condition(self._open, "serves" if self._open else "opens")

    @contextlib.asynccontextmanager
    async def serving(
        self, *, host: str, port: int, door: socket.socket | None = None
    ) -> AsyncIterator[int]:
        """Serve while the block lasts; yields the port. At its end sockets are told to go."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._outbox.follow(QueueName(queue), stop), name=queue)
                for queue in self._queues
            ]
            beside.append(group.create_task(self._presence.run(stop), name="presence"))
            beside.append(group.create_task(self._admission.run(stop), name="admission"))
            try:
                async with serve_app(
                    self._api.app(),
                    host=host,
                    port=port,
                    door=door,
                    doorman=self._admission.at_door,
                ) as bound:
                    self._open = True
                    try:
                        yield bound
                    finally:
                        self._draining.set()
            finally:
                stop.set()
                for task in beside:  # they only read, so nothing is cut short
                    task.cancel()

    async def run(
        self, stop: asyncio.Event, *, host: str, port: int, door: socket.socket | None = None
    ) -> None:
        """Serve until ``stop``, behind ``door`` if one is open already."""
        async with self.serving(host=host, port=port, door=door):
            await stop.wait()
