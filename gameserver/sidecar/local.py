"""One SDK server for a developer's own game server, in the place of Agones' ``--local``.

Beyond that one: it takes a file's new content however it came there, tells watchers of
counters and lists, keeps Agones' rules for labels and states, and can be allocated.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import grpc
import msgspec
import structlog
from aiohttp import web

from core.clock import Clock
from core.errors import Exhausted, Invalid
from core.game_server import State
from core.supervise import every
from gameserver.sidecar import description, wire
from gameserver.sidecar.allocation import AllocationRequest, allocated
from gameserver.sidecar.calls import Calls, Manners
from gameserver.sidecar.endpoint import Endpoint, SdkPorts
from gameserver.sidecar.live import LiveServer
from gameserver.sidecar.rest_api import error
from gameserver.sidecar.state import new_server

LOOK_EVERY_S: Final = 0.25
"""How soon a changed file is seen, and a reservation's end."""

AGONES_PORTS: Final = SdkPorts(9357, 9358)

log = structlog.get_logger("readyup.gameserver.sdk")


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What ``readyup sdk-server`` is asked for."""

    file: Path | None = None
    """Describes the game server; None is Agones' own default one."""

    ports: SdkPorts = AGONES_PORTS
    """Agones' own, which every client tries first."""

    strict: bool = False
    check_health: bool = False
    """Make a silent server Unhealthy; without it a debugger may hold it as long as it likes."""


class LocalSdk:
    """Answers for one game server until ``stop``."""

    def __init__(self, settings: LocalSettings, clock: Clock) -> None:
        """Read the file.

        Raises:
            Invalid: there is none, or it cannot be.
        """
        self._file, self._ports = settings.file, settings.ports
        self._clock = clock
        self._complaint = ""
        self._read = self._content()
        said = self._described()
        # Agones' own local server is Ready from the start, too.
        view = said.view(created_ms=clock.wall_ms(), state=State.READY)
        first = new_server(view, said.health(), now_s=clock.elapsed_s(), detail=said.detail())
        if not settings.check_health:
            first = replace(first, check_s=math.inf)
        self.live = LiveServer(first, clock, lambda view: log.info("sdk.now", state=view.state))
        self._calls = Calls(self.live, Manners(strict=settings.strict, reborn=True))

    async def run(
        self, stop: asyncio.Event, *, opened: Callable[[SdkPorts], None] = lambda _: None
    ) -> None:
        """Listen until ``stop``; ``opened`` is told where.

        Raises:
            Unreachable: a port is taken.
        """
        routes = [web.post("/gameserverallocation", self._allocate)]
        endpoint = await Endpoint.start(self._calls, self._ports, routes)
        try:
            opened(endpoint.ports)
            await every(LOOK_EVERY_S, self._look, stop=stop)
        finally:
            self.live.close()
            await endpoint.stop()

    async def _look(self) -> None:
        self.live.check()
        try:
            now = self._content()
            if now != self._read:
                self._read = now
                self.live.become(description.taken_over(self.live.state, self._described()))
                log.info("sdk.reloaded", file=str(self._file))
                self._complaint = ""
        except Invalid as wrong:  # perhaps half written, perhaps between two names
            if str(wrong) != self._complaint:
                self._complaint = str(wrong)
                log.warning("sdk.file_refused", reason=self._complaint)

    def _content(self) -> bytes | None:
        """The file as it is now; compared whole, so that no way of writing it is missed."""
        if self._file is None:
            return None
        try:
            return self._file.read_bytes()
        except OSError as lost:
            raise Invalid(
                f"{self._file}: {lost.strerror or lost}; give --file a GameServer as JSON or YAML"
            ) from lost

    def _described(self) -> description.Description:
        if self._file is None or self._read is None:
            return description.default()
        return description.described(self._read, self._file)

    async def _allocate(self, request: web.Request) -> web.Response:
        try:
            body = await request.read() or b"{}"
            asked = msgspec.json.decode(body, type=AllocationRequest, strict=False)
        except (msgspec.DecodeError, RecursionError) as wrong:
            raise Invalid(f"an AllocationRequest is wanted: {wrong}") from wrong
        server = self.live.state
        labels = dict(wire.game_server(server).object_meta.labels)
        now = datetime.fromtimestamp(self._clock.wall_us() / 1e6, UTC).isoformat()
        try:
            after = allocated(server, labels, asked, now=now.replace("+00:00", "Z"))
        except Exhausted as none_left:
            return error(grpc.StatusCode.RESOURCE_EXHAUSTED, str(none_left))
        self.live.become(after)
        return web.json_response(_told(wire.as_json(wire.game_server(after))))


def _told(server: wire.Json) -> wire.Json:
    """An AllocationResponse, from the game server as REST tells it."""
    meta, status = server["object_meta"], server["status"]
    return {
        "gameServerName": meta["name"],
        "ports": status["ports"],
        "address": status["address"],
        "addresses": status["addresses"],
        "nodeName": "local",
        "source": "local",
        "metadata": {"labels": meta["labels"], "annotations": meta["annotations"]},
        "counters": status["counters"],
        "lists": status["lists"],
    }
