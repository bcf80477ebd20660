"""A cluster of this process for whoever asks for one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.redis import Store
from fleets.agones.kube import Kube
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.settings import KubernetesSettings
from tests.fleets.agones.api_server import kube_of
from tests.fleets.agones.worlds import World


@pytest.fixture
async def world(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World(store)
    async with kube_of(world.api) as kube, asyncio.TaskGroup() as group:
        kube._metrics = world.metrics

        @contextlib.asynccontextmanager
        async def opened(settings: KubernetesSettings, metrics: AgonesMetrics) -> Any:  # noqa: ANN401
            yield kube

        monkeypatch.setattr(Kube, "open", opened)
        controlling = group.create_task(world.control())
        yield world
        controlling.cancel()
