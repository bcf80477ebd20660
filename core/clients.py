"""redis-py's clients as this project wants them: nothing is retried, every wait has an end."""

import contextlib
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.address import Address, Endpoint


def client(
    address: Address,
    endpoint: Endpoint,
    *,
    connections: int,
    patience_s: float,
    connect_s: float,
    greeted: Callable[[], None] | None = None,
) -> aioredis.Redis:
    """A client of one server; callers beyond ``connections`` wait.

    ``greeted`` is called with every connection that is made.
    """
    kind, settings = _place(address, endpoint)
    if greeted is not None:
        settings["redis_connect_func"] = _counting(greeted)
    pool = aioredis.BlockingConnectionPool(
        connection_class=kind,
        max_connections=connections,
        timeout=None,
        decode_responses=True,
        protocol=2,
        socket_timeout=patience_s,
        socket_connect_timeout=connect_s,
        retry=Retry(NoBackoff(), 0),
        db=address.db,
        **settings,
    )
    return aioredis.Redis.from_pool(pool)


def sentinel(address: Address, endpoint: Endpoint, *, patience_s: float) -> aioredis.Redis:
    """A client of one Sentinel, whose user and password are others than the servers'."""
    kind, settings = _place(address, endpoint)
    settings["username"] = address.sentinel_user or None
    settings["password"] = address.sentinel_password or None
    pool = aioredis.BlockingConnectionPool(
        connection_class=kind,
        max_connections=1,
        decode_responses=True,
        protocol=2,
        socket_timeout=patience_s,
        socket_connect_timeout=patience_s,
        retry=Retry(NoBackoff(), 0),
        **settings,
    )
    return aioredis.Redis.from_pool(pool)


async def close(one: aioredis.Redis) -> None:
    """Close a client's connections; those that do not close in time are left behind.

    A server that was cut off takes no farewell, and TLS waits for one.
    """
    with contextlib.suppress(RedisError, OSError):
        await one.aclose(close_connection_pool=True)


def _place(address: Address, endpoint: Endpoint) -> tuple[type[AbstractConnection], dict[str, Any]]:
    secrets = {"username": address.user or None, "password": address.password or None}
    if not endpoint.port:
        return UnixDomainSocketConnection, {"path": endpoint.host}
    place = {"host": endpoint.host, "port": endpoint.port, **secrets}
    if address.tls:
        return Secured, {**place, "trust": partial(_context, address)}
    return Connection, place


class Secured(SSLConnection):
    """Reads its files at every connection, as whoever issues certificates renews them."""

    def __init__(self, *, trust: Callable[[], ssl.SSLContext], **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        self._trust = trust

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {"host": self.host, "port": self.port, "ssl": self._trust()}


def _context(address: Address) -> ssl.SSLContext:
    """Trusts the authority that is named, and only where none is the system's."""
    context = ssl.create_default_context(cafile=address.ca or None)
    if address.cert:
        # Without a password OpenSSL would ask the terminal for that of a locked key.
        context.load_cert_chain(address.cert, address.key or None, password="")
    return context


def _counting(greeted: Callable[[], None]) -> Callable[[AbstractConnection], Any]:
    async def greet(connection: AbstractConnection) -> None:
        await connection.on_connect()
        greeted()

    return greet
