"""Webhooks over TLS: served, renewed without a restart, refused with a cure."""

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.errors import Conflict, Invalid
from fleets.agones import tls
from fleets.agones.settings import KubernetesSettings


def certificate(folder: Path, name: str) -> None:
    """A new one, signed by itself."""
    key = Ed25519PrivateKey.generate()
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    since = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + dt.timedelta(days=10_000))
        .sign(key, None)
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))


def settings(folder: Path, port: int) -> KubernetesSettings:
    return KubernetesSettings(
        webhook_host="127.0.0.1",
        webhook_port=port,
        webhook_cert=str(folder / "cert.pem"),
        webhook_key=str(folder / "key.pem"),
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def name_shown(port: int) -> str:
    """Whose certificate it is."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    url = f"https://127.0.0.1:{port}/livez"
    async with aiohttp.ClientSession() as http, http.get(url, ssl=anybody) as answer:
        assert await answer.text() == "here"
    der = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    found = x509.load_pem_x509_certificate(der.encode())
    return str(found.subject.rfc4514_string())


async def first_name_shown(port: int) -> str:
    """As above, of a server that is just beginning to listen."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                return await name_shown(port)
            await asyncio.sleep(0.01)


async def test_a_certificate_that_is_renewed_counts_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tls, "LOOK_S", 0.02)
    certificate(tmp_path, "old")
    port = free_port()
    app = web.Application()
    app.router.add_get("/livez", _here)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(tls.serve_tls(app, settings(tmp_path, port)))
        before = await first_name_shown(port)
        (tmp_path / "cert.pem").write_text("half")
        await asyncio.sleep(0.1)
        assert await name_shown(port) == before
        certificate(tmp_path, "new")
        async with asyncio.timeout(5):
            while await name_shown(port) == before:
                await asyncio.sleep(0.02)
        serving.cancel()

    assert before == "CN=old"


async def _here(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def test_no_certificate_and_a_port_that_is_taken_are_told(tmp_path: Path):
    with pytest.raises(Invalid, match="webhook_cert"):
        await tls.serve_tls(web.Application(), settings(tmp_path, 1))
    certificate(tmp_path, "one")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Conflict, match="webhook_port"):
            await tls.serve_tls(web.Application(), settings(tmp_path, int(taken.getsockname()[1])))
