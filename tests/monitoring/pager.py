"""An Alertmanager with our routes, and whoever it tells, in the place of people."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from core.web import serve_app
from tests.monitoring.watch import EXAMPLES, Alert, free_port, running, until_ready


@dataclass
class Pager:
    """Who is told by the Alertmanager, in the place of those who are woken."""

    told: list[tuple[str, Alert, str]] = field(default_factory=list)
    """Receiver, alert and status of each, as they came."""

    def of(self, receiver: str, status: str = "firing") -> set[str]:
        """Names of the alerts that this receiver was told of so."""
        return {alert for who, (alert, _), how in self.told if (who, how) == (receiver, status)}

    async def _take(self, request: web.Request) -> web.Response:
        for one in (await request.json())["alerts"]:
            labels = one["labels"]
            alert = (labels["alertname"], labels["severity"])
            self.told.append((request.match_info["receiver"], alert, one["status"]))
        return web.Response()

    def app(self) -> web.Application:
        """What listens."""
        app = web.Application()
        app.router.add_post("/{receiver}", self._take)
        return app


@contextlib.asynccontextmanager
async def alertmanager(folder: Path) -> AsyncIterator[tuple[str, Pager]]:
    """Our example of a route; yields where it is, and who is told."""
    folder.mkdir()
    pager, own = Pager(), free_port()
    async with serve_app(pager.app()) as port:
        text = (EXAMPLES / "alertmanager.yaml").read_text("utf-8")
        text = re.sub(r'url: "http://[^"]+"', "url: PLACE", text)
        config = yaml.safe_load(text)
        config["route"] |= {"group_wait": "3s", "group_interval": "1s"}
        for receiver in config["receivers"]:
            url = f"http://127.0.0.1:{port}/{receiver['name']}"
            receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
        (folder / "alertmanager.yaml").write_text(yaml.safe_dump(config))
        started = running(
            *("prometheus-alertmanager", f"--config.file={folder}/alertmanager.yaml"),
            *(f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{own}"),
            "--cluster.listen-address=",
            log=folder / "log",
        )
        async with started, aiohttp.ClientSession() as http:
            await until_ready(http, f"http://127.0.0.1:{own}", folder / "log")
            yield f"127.0.0.1:{own}", pager
