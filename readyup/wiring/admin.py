"""The admin port: one for each process, where machines ask how it is and what it has counted.

``/livez``: the event loop turns. ``/readyz``: the store answers, and each role does its work.
``/metrics``: everything this process counts. The address is logged, and stands in a file of
``run_dir`` while the process lives, so that a port nobody chose can be found.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from core.errors import ReadyUpError
from core.health import Condition, Health
from core.redis import Store
from core.web import json_response, problems, serve_app

FOLDER = "admin"
"""Below ``run_dir``: a file for each process, with the address of its admin port."""

STORE_S = 1.0
"""A store that does not answer for so long counts as away."""

log = structlog.get_logger("readyup.admin")


@dataclass(frozen=True, slots=True)
class Admin:
    """What one process has to show."""

    store: Store
    registry: CollectorRegistry
    health: Health

    def app(self) -> web.Application:
        """The three routes."""
        app = web.Application(middlewares=[problems])
        app.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        return app

    async def _livez(self, _: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def _readyz(self, _: web.Request) -> web.Response:
        found = {"store": await self._store_answers(), **self.health.conditions()}
        ready = all(condition.ready for condition in found.values())
        said = {part: condition.says for part, condition in found.items()}
        status = "ok" if ready else "not ready"
        return json_response({"status": status, "checks": said}, status=200 if ready else 503)

    async def _store_answers(self) -> Condition:
        try:
            async with asyncio.timeout(STORE_S):
                await self.store.call("PING")
        except (ReadyUpError, TimeoutError):
            return Condition(ready=False, says="unreachable")
        return Condition(ready=True, says="ok")

    async def _metrics(self, _: web.Request) -> web.Response:
        body = await asyncio.to_thread(generate_latest, self.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


@contextlib.asynccontextmanager
async def admin_port(
    admin: Admin, *, host: str, port: int, run_dir: Path, name: str
) -> AsyncIterator[str]:
    """Serve the admin port while the block lasts; yields its address.

    Raises:
        Conflict: the port is taken; two processes with one configuration want port 0.
    """
    async with serve_app(admin.app(), host=host, port=port, drain_s=0.5) as bound:
        address = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        file = run_dir / FOLDER / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{address}\n", "utf-8")
        log.info("admin.listens", url=address)
        try:
            yield address
        finally:
            file.unlink(missing_ok=True)
