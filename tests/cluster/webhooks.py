"""Our webhooks, served over TLS as the API server and Agones want them."""

import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from fleets.agones.autoscaler import StoredPlans
from fleets.agones.manifest import Site, Webhooks
from fleets.agones.webhooks import webhooks_app
from tests.cluster.plane.pki import Authority

NOBODY = "ws://127.0.0.1:9/v1/servers/connect"
"""A sessions API that is not there: servers become Ready without it."""


@contextlib.asynccontextmanager
async def serving(plans: StoredPlans, folder: Path) -> AsyncIterator[Site]:
    """As long as the block lasts; with a certificate of an authority made for it."""
    authority = Authority(folder / "pki", "readyup")
    pair = authority.sign("webhooks", "readyup", hosts=("127.0.0.1",))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pair.cert, pair.key)
    runner = web.AppRunner(webhooks_app(plans), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port = runner.addresses[0][1]
        where = Webhooks(url=f"https://127.0.0.1:{port}", ca_bundle=bundled(authority))
        yield Site("default", NOBODY, where)
    finally:
        await runner.cleanup()


def bundled(authority: Authority) -> str:
    """As a ``caBundle`` has it."""
    return base64.b64encode(authority.ca.cert.read_bytes()).decode()
