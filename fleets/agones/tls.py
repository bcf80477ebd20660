"""Serving over TLS, with a certificate that may be replaced while we run."""

import asyncio
import ssl
from pathlib import Path

import structlog
from aiohttp import web

from core.errors import Conflict, Invalid
from fleets.agones.settings import KubernetesSettings

LOOK_S = 30.0
"""How often the certificate's file is looked at; cert-manager replaces it weeks early."""

log = structlog.get_logger("readyup.fleets")


async def serve_tls(app: web.Application, settings: KubernetesSettings) -> None:
    """Serve until cancelled.

    Raises:
        Invalid: certificate and key cannot be read.
        Conflict: the port is taken.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    stamp = _load(context, settings)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, settings.webhook_host, settings.webhook_port, ssl_context=context
        )
        try:
            await site.start()
        except OSError as taken:
            raise Conflict(f"$.kubernetes.webhook_port: {taken.strerror or taken}") from taken
        while True:
            await asyncio.sleep(LOOK_S)
            if _stamp(settings) != stamp:
                try:
                    stamp = _load(context, settings)  # counts for connections from now on
                    log.info("certificate.reloaded")
                except Invalid as half_written:
                    log.warning("certificate.not_reloaded", reason=str(half_written))
    finally:
        await runner.cleanup()


def _load(context: ssl.SSLContext, settings: KubernetesSettings) -> tuple[float, ...]:
    stamp = _stamp(settings)
    try:
        context.load_cert_chain(settings.webhook_cert, settings.webhook_key)
    except (OSError, ssl.SSLError) as wrong:
        raise Invalid(
            f"$.kubernetes.webhook_cert: {settings.webhook_cert} and its key: {wrong}",
            field="$.kubernetes.webhook_cert",
        ) from wrong
    return stamp


def _stamp(settings: KubernetesSettings) -> tuple[float, ...]:
    """When the two files were last written; 0 for one that is not there."""
    files = (Path(settings.webhook_cert), Path(settings.webhook_key))
    return tuple(one.stat().st_mtime if one.exists() else 0.0 for one in files)
