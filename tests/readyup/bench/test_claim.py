"""How the claim benchmark is told, and that its game servers acknowledge."""

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
