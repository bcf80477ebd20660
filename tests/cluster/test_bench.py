"""The benchmarks of allocation and of large fleets, small, on the real Agones."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from readyup.bench.allocate import bench_allocate
from readyup.bench.allocate_asked import ClusterAsked
from readyup.bench.fleet import bench_fleet
from readyup.settings import load
from tests.cluster.bench_allocate import TUNINGS, reached, retune
from tests.cluster.plane.plane import Plane


@pytest.fixture
def asked(plane: Plane) -> ClusterAsked:
    options = [word.removeprefix("--").partition("=") for word in reached(plane, "allocate")]
    told: dict[str, Any] = {name.replace("-", "_"): value for name, _, value in options}
    small = ClusterAsked(servers=12, reserve=8, concurrency="1,4", rounds=1)
    return dataclasses.replace(small, kubeconfig=str(plane.kubeconfig), **told).checked()


async def test_every_way_to_a_server_is_measured(plane: Plane, asked: ClusterAsked, tmp_path: Path):
    try:
        figures = await bench_allocate(load(environ={}), asked, tmp_path, seconds=0.3)
    finally:
        await asyncio.to_thread(retune, plane.folder, TUNINGS["default"])

    assert list(figures["ratios"]) == ["1", "4"]
    assert len(figures["rivals"]) == 7
    for at in figures["rivals"].values():
        assert all(one["answers"] >= 6 and not one["failed"] for one in at.values())


async def test_a_fleet_is_watched_grown_touched_and_wanted(asked: ClusterAsked, tmp_path: Path):
    figures = await bench_fleet(load(environ={}), asked, tmp_path, seconds=1.0)

    assert figures["servers"] == 12
    assert figures["memory_mib"]["all Ready"] > 20
    assert figures["bursts"] == 7
    assert figures["to_mirror_ms"]["p50"] > 0
