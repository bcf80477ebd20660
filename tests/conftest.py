"""What tests share: one real Valkey a run, emptied before each test that asks for it."""

import asyncio
import contextlib
import os
import threading
import typing
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from core.address import Kind
from core.ensemble import embedded_ensemble
from core.redis import Store
from core.valkey import embedded_valkey

# As gameserver.sidecar does, here before any test imports gRPC: its handlers at a fork end
# the child, on a bad day, before it is what it was started for.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# How long an example takes is the machine's affair, and machines are shared.
settings.register_profile("readyup", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("readyup")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make failover` runs the ordinary tests of the store once more, on a Cluster."""
    kinds = typing.get_args(Kind)
    parser.addoption("--store", choices=kinds, default="server", help="what tests run on")


@pytest.fixture(scope="session")
def valkey_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A Valkey that lives as long as the test run, on a thread of its own; or several."""
    kind: Kind = request.config.getoption("--store")
    started, done = threading.Event(), threading.Event()
    url: list[str] = []

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            if kind == "server":
                url.append(await stack.enter_async_context(embedded_valkey()))
            else:
                url.append((await stack.enter_async_context(embedded_ensemble(kind))).url)
            started.set()
            await asyncio.to_thread(done.wait)

    # PDEATHSIG follows the thread that forked, so this thread outlives every test.
    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    assert started.wait(15), "Valkey did not start"
    yield url[0]
    done.set()
    thread.join(10)


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """Commands configure logging for their process; here that ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    """An empty store."""
    connected = await Store.connect(valkey_url)
    await connected.everywhere("FLUSHALL")
    yield connected
    await connected.aclose()
