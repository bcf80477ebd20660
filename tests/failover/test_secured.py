"""TLS, certificates, users and passwords on every server, through a failover."""

import asyncio
import contextlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.address import Kind
from core.clock import SystemClock
from core.errors import StoreUnreachable
from core.preflight import preflight
from core.redis import Store
from tests.failover import secured
from tests.failover.conftest import KINDS
from tests.failover.secured import SECRETS, primary_of
from tests.failover.test_store import ECHO

TAG = "{q:duel}"

pytestmark = pytest.mark.skipif(bool(reason := secured.why_not()), reason=reason)


async def refused(address) -> str:
    with pytest.raises(StoreUnreachable) as wrong:
        await Store.connect(address)
    assert not any(secret in str(wrong.value) for secret in SECRETS.values())
    return str(wrong.value)


@pytest.mark.parametrize("kind", KINDS)
async def test_servers_that_want_everything_are_served_through_a_failover(
    kind: Kind, tmp_path: Path
):
    net = f"127.{10 + os.getpid() % 200}.{KINDS.index(kind) + 250}"
    async with secured.secured(kind, tmp_path, net) as running:
        wrong = await refused(replace(running.address, password="guess"))  # noqa: S106
        blind = await refused(replace(running.address, sentinel_password="", ca=""))
        store = await Store.connect(running.address, durability="replica")
        try:
            await preflight(store, SystemClock())
            assert await store.durably.run(ECHO, [f"{TAG}:x"], ["one"]) == "one"
            victim = await primary_of(running, TAG)
            running.processes[victim].kill()
            async with asyncio.timeout(25):
                while await primary_of(running, TAG) == victim:
                    await asyncio.sleep(0.1)
                kept = ""
                while kept != "one":
                    with contextlib.suppress(StoreUnreachable):
                        kept = await store.call("GET", f"{TAG}:x")
                    await asyncio.sleep(0.05)
                while not kept.endswith("two"):  # the script is not known there
                    with contextlib.suppress(StoreUnreachable):
                        kept = await store.run(ECHO, [f"{TAG}:x"], ["two"])
        finally:
            await store.aclose()

    assert "refuses user 'readyup' with the password of READYUP_STORE_PASSWORD" in wrong
    assert "shows a certificate of an unknown authority" in blind
