"""The example of a Collector, in a real one: it is valid, and traces come out on the other side."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.test_seen import STEPS
from tests.monitoring.otelcol import EXAMPLE, collector, program

FAST = {"decision_wait": "6s"}
EVERY = {"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 100}}


pytestmark = [pytest.mark.slow, pytest.mark.alerts, pytest.mark.timeout(150)]


@pytest.fixture(autouse=True)
def there_is_one() -> None:
    """Or the test is skipped, and says why."""
    try:
        program()
    except RuntimeError as why:
        pytest.skip(f"no Collector: {why}")


def test_the_example_is_valid():
    done = subprocess.run(
        [program(), "validate", f"--config={EXAMPLE}"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


async def test_a_demos_traces_come_out_whole(tmp_path: Path):
    async with collector(tmp_path, **FAST, policies=[EVERY]) as (url, behind):
        ports = ("READYUP_API_PORT", "READYUP_SESSIONS_PORT", "READYUP_CONSOLE_PORT")
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "readyup", "demo", "--headless", "--duration", "8"),
            *("--players", "30", "--servers", "3", "--dir", str(tmp_path / "run")),
            env=os.environ | dict.fromkeys(ports, "0") | {"OTEL_EXPORTER_OTLP_ENDPOINT": url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await demo.wait()
        await asyncio.sleep(10)

    whole = [names for names in behind.traces.values() if names >= set(STEPS)]
    print(f"{len(behind.traces)} traces, {len(whole)} from the enqueue to the first packet")
    assert whole


async def test_a_long_wait_is_kept_whole_and_a_short_one_in_few_traces(tmp_path: Path):
    slow = {"name": "slow", "type": "latency", "latency": {"threshold_ms": 2000}}
    async with collector(tmp_path, **FAST, policies=[slow]) as (url, behind):
        begun_ns = time.time_ns()
        await _tell(url, "aa", "ticket.enqueue", begun_ns, 0.01)
        await _tell(url, "bb", "ticket.enqueue", begun_ns, 0.01)
        await asyncio.sleep(3)
        # A wait is told when it ends, long after its ticket's enqueue.
        await _tell(url, "aa", "queue.wait", begun_ns, 3.0)
        await asyncio.sleep(8)

    assert dict(behind.traces) == {"aa" * 16: {"ticket.enqueue", "queue.wait"}}


async def _tell(url: str, trace: str, name: str, began_ns: int, lasted_s: float) -> None:
    span: dict[str, Any] = {
        "traceId": trace * 16,
        "spanId": os.urandom(8).hex(),
        "name": name,
        "startTimeUnixNano": str(began_ns),
        "endTimeUnixNano": str(began_ns + int(lasted_s * 1e9)),
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/v1/traces", json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()
