"""The whole service under bots while a primary dies, and while one is cut off with its clients."""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import readyup.demo.stack
from core.address import Kind
from core.clock import SystemClock
from readyup.bots.behaviour import MISSES_MAX
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
GIVE_UP_MS = 500 * MISSES_MAX
"""A bot asks for its way back at least so long before it goes home."""


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


def came_back_too_late(history: Path) -> int:
    """Players who dropped out of a match that ended while its queue's shard was away.

    They are told truly that no match of theirs runs, and go home before the shard can tell
    them that it ended.
    """
    events = [msgspec.json.decode(line) for line in history.read_bytes().splitlines()]
    told_ms = {e["match"]: e["t"] for e in events if e["k"] == "match.ended"}
    late = {
        e["match"]
        for e in events
        if e["k"] == "session.ended" and told_ms.get(e["match"], e["t"]) - e["t"] > GIVE_UP_MS
    }
    return sum(e["k"] == "bot.dropped" and e["match"] in late for e in events)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_promise_is_broken_by_a_failover(
    own_network: None, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readyup.demo.stack, "UP_S", 90)  # other tests run beside this one
    outcome = await play(kind, tmp_path / "run")

    assert not outcome.verdict.breaches
    assert not outcome.verdict.missing
    found_it_over = {"session_lost": came_back_too_late(tmp_path / "run" / "history.jsonl")}
    assert Counter(outcome.unexpected) <= Counter(found_it_over)
    assert outcome.report["matches"]["made"] > 50
