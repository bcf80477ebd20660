"""What tests share: one real Valkey a run, emptied before each test that asks for it."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from core.redis import Store
from core.valkey import embedded_valkey

# As gameserver.sidecar does, here before any test imports gRPC: its handlers at a fork end
# the child, on a bad day, before it is what it was started for.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey that lives as long as the test run, on a thread of its own."""
    started, done = threading.Event(), threading.Event()
    url: list[str] = []

    async def main() -> None:
        async with embedded_valkey() as where:
            url.append(where)
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
    await connected.call("FLUSHALL")
    yield connected
    await connected.aclose()
