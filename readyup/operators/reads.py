"""What operators read: the console's newest picture in parts, and one thing at a time."""

from typing import Protocol

import msgspec

from readyup.console.detail import MatchDetail, ServerDetail, TicketDetail
from readyup.console.feed import Frame
from readyup.console.snapshot import Snapshot
from readyup.operators import shapes

_snapshot = msgspec.json.Decoder(Snapshot)


class Frames(Protocol):
    """Where the newest picture is; ``readyup.console.feed.Feed`` is one."""

    def latest(self) -> Frame:
        """The newest frame."""
        ...


class Answers(Protocol):
    """Who knows about one thing; ``readyup.console.lookup.Lookup`` is one."""

    async def server(self, uid: str) -> ServerDetail:
        """One server."""
        ...

    async def match(self, name: str) -> MatchDetail:
        """One match."""
        ...

    async def ticket(self, name: str) -> TicketDetail:
        """One ticket."""
        ...


class Reads:
    """The picture in parts."""

    def __init__(self, frames: Frames, answers: Answers) -> None:
        self._frames = frames
        self.answers = answers

    def queues(self) -> shapes.QueuesOut:
        """Every queue."""
        return shapes.QueuesOut(
            [
                shapes.QueueOut(
                    name=queue.name,
                    waiting=queue.waiting,
                    players_waiting=queue.players_waiting,
                    placing=queue.placing,
                    oldest_wait_ms=queue.oldest_wait_ms,
                    wait_ms_p50=queue.wait_ms_p50,
                    wait_ms_p95=queue.wait_ms_p95,
                    matches_per_min=queue.matches_per_min,
                    holder=queue.holder,
                    epoch=queue.epoch,
                    paused=queue.paused,
                    shadow=queue.shadow,
                )
                for queue in self._page().queues
            ]
        )

    def fleets(self) -> shapes.FleetsOut:
        """Every fleet."""
        return shapes.FleetsOut(
            [
                shapes.FleetOut(
                    name=fleet.name,
                    servers=len(fleet.servers) + fleet.more_servers,
                    pool=fleet.pool,
                    replicas=fleet.replicas,
                    why=fleet.why,
                    paused=fleet.paused,
                )
                for fleet in self._page().fleets
            ]
        )

    def servers(self) -> shapes.ServersOut:
        """Every server."""
        return shapes.ServersOut(
            [
                shapes.ServerOut(fleet.name, server)
                for fleet in self._page().fleets
                for server in fleet.servers
            ]
        )

    def _page(self) -> Snapshot:
        return _snapshot.decode(self._frames.latest().body)
