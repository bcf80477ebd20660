"""How the claim benchmark is told, and that its game servers acknowledge."""

import asyncio
import os
import sys

import pytest

from readyup.bench import claim
from readyup.bench.claim_told import table


@pytest.mark.slow
async def test_claims_are_timed_beside_a_floor_and_their_servers_acknowledge(
    monkeypatch: pytest.MonkeyPatch,
):
    for name, value in {"ROUND": 40, "SERVERS": 4, "PACED": 20, "CONCURRENCY": (2,)}.items():
        monkeypatch.setattr(claim, name, value)
    told = await claim.bench_claim(seconds=0.01)
    (row,) = told["rows"]
    said = table(told)

    assert row["claims"] >= 40
    assert row["p50_ms"] > 0 < row["floor"]["p50_ms"]
    assert told["beside_servers"]["acknowledged_share"] == 1.0
    assert "2 at a time" in said
    assert "100.0% of 20 acknowledged" in said


@pytest.mark.slow
async def test_its_servers_go_quietly_when_the_benchmark_was_cut_off(valkey_url: str):
    ours, theirs = os.pipe()
    servers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "readyup.bench.claim_servers", valkey_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=theirs,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(theirs)
    assert servers.stdin is not None
    servers.stdin.write(b"?\n")
    ready = await asyncio.to_thread(os.read, ours, 64)
    os.close(ours)
    servers.stdin.close()
    _, said = await servers.communicate()

    assert (ready, servers.returncode, said) == (b"ready\n", 0, b"")
