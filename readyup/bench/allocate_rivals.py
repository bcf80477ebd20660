"""Agones' two doors, each knocked at in the leanest way: a request made once, sent again."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec

from core.errors import Unreachable
from fleets.agones.backend import ALLOCATION
from fleets.agones.credentials import authorization, load_credentials
from fleets.agones.kube import namespaced
from fleets.agones.settings import KubernetesSettings
from fleets.agones.view import FLEET_LABEL
from readyup.bench.allocate_asked import ClusterAsked

Allocate = Callable[[], Awaitable[bool]]
"""Ask for one server; whether there was one."""

ALLOCATE = "/allocation.AllocationService/Allocate"
ASK_S = 30.0


class _Status(msgspec.Struct):
    state: str


class _Answer(msgspec.Struct):
    status: _Status


_decode = msgspec.json.Decoder(_Answer).decode


@contextlib.asynccontextmanager
async def allocation_api(settings: KubernetesSettings, fleet: str) -> AsyncIterator[Allocate]:
    """GameServerAllocation, through the API server."""
    loaded = await load_credentials(settings)
    tls: ssl.SSLContext | bool = True
    if loaded.host.startswith("https://"):
        tls = ssl.create_default_context(cafile=loaded.ssl_ca_cert)
        if loaded.cert_file:
            tls.load_cert_chain(loaded.cert_file, loaded.key_file)
    path = namespaced(ALLOCATION, settings.namespace, "gameserverallocations")
    body = msgspec.json.encode({
        "apiVersion": ALLOCATION,
        "kind": "GameServerAllocation",
        "spec": {"selectors": [{"matchLabels": {FLEET_LABEL: fleet}}]},
    })  # fmt: skip
    headers = {"Content-Type": "application/json", **await authorization(loaded)}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=0),
        timeout=aiohttp.ClientTimeout(total=ASK_S),
        headers=headers,
    ) as http:

        async def allocate() -> bool:
            try:
                async with http.post(f"{loaded.host}{path}", data=body) as answer:
                    said = await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError):
                return False
            return answer.status == 201 and _decode(said).status.state == "Allocated"

        yield allocate


@contextlib.asynccontextmanager
async def allocator_service(asked: ClusterAsked, fleet: str) -> AsyncIterator[Allocate]:
    """Agones' allocator: gRPC with client certificates.

    Raises:
        Unreachable: nobody answers there, or not to this certificate.
    """
    from grpc import aio, ssl_channel_credentials

    ca, key, cert = (
        Path(one).read_bytes() for one in (asked.client_ca, asked.client_key, asked.client_cert)
    )
    request = allocation_request(asked.namespace, fleet)
    credentials = ssl_channel_credentials(ca, key, cert)
    async with aio.secure_channel(asked.agones_allocator, credentials) as channel:
        try:
            async with asyncio.timeout(ASK_S):
                await channel.channel_ready()
        except TimeoutError:
            raise Unreachable(
                f"no allocator service at {asked.agones_allocator} that lets us in"
            ) from None
        call: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(ALLOCATE)

        async def allocate() -> bool:
            try:
                return bool(await call(request, timeout=ASK_S))
            except aio.AioRpcError:
                return False

        yield allocate


def allocation_request(namespace: str, fleet: str) -> bytes:
    """An ``allocation.AllocationRequest``: a namespace (1) and one selector (8) by labels (1).

    Written by hand, since it is all that is ever said to that service; an answer is looked at
    no further, for whatever is no server comes as an error.
    """
    label = _field(1, FLEET_LABEL.encode()) + _field(2, fleet.encode())
    return _field(1, namespace.encode()) + _field(8, _field(1, label))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message; lengths here are below 128."""
    assert len(content) < 128, content
    return bytes([number << 3 | 2, len(content)]) + content
