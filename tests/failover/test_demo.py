"""The whole service under bots while a primary dies, and while one is cut off with its clients."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

import readyup.demo.stack
from core.address import Kind
from core.clock import SystemClock
from readyup.demo.asked import DemoSettings
from readyup.demo.run import Demo, Outcome
from readyup.demo.stack import Stack
from readyup.demo.store_faults import harm_primary, primary_of
from readyup.settings import Config, load
from tests.failover import network
from tests.failover.conftest import KINDS

PLAY_S = 36.0
BETWEEN_S = 5.0
CUT_S = 8.0


async def faults(stack: Stack) -> None:
    assert stack.ensemble is not None
    await asyncio.sleep(BETWEEN_S)
    _, came_back = await harm_primary(stack, "kill", clock=SystemClock())
    assert came_back
    await asyncio.sleep(BETWEEN_S)
    victim = await primary_of(stack, stack.ensemble)
    network.cut(stack.ensemble, victim)
    await asyncio.sleep(CUT_S)
    network.heal(stack.ensemble, victim)


def on_free_ports(config: Config) -> Config:
    def free(section):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return replace(section, port=probe.getsockname()[1])

    return replace(
        config,
        api=free(config.api),
        sessions=free(config.sessions),
        console=free(config.console),
    )


async def play(
    kind: Kind, folder: Path, meanwhile: Callable[[Stack], Awaitable[None]] = faults
) -> Outcome:
    settings = DemoSettings(players=100, duration_s=PLAY_S, redis=kind)
    demo = Demo(on_free_ports(load(environ={})), settings, folder)
    return await demo.play(asyncio.Event(), lambda _: None, meanwhile)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_promise_is_broken_by_a_failover(
    own_network: None, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readyup.demo.stack, "UP_S", 90)  # other tests run beside this one
    outcome = await play(kind, tmp_path / "run")

    assert not outcome.verdict.breaches
    assert not outcome.verdict.missing
    assert not outcome.unexpected
    assert outcome.report["matches"]["made"] > 50
