"""Game servers of a whole demo are killed, and told to go, in the middle of their matches."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from readyup.bench.handover import Kills, Told, figures
from readyup.demo.asked import DemoSettings
from readyup.demo.run import Demo
from readyup.settings import load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MATCH_S = {"duel": 7, "squad": 8}
PORTS = dict.fromkeys(("READYUP_API_PORT", "READYUP_SESSIONS_PORT", "READYUP_CONSOLE_PORT"), "0")


async def test_matches_outlive_their_servers_and_their_players_go_on(tmp_path: Path):
    config = load(environ=os.environ | PORTS)
    fleet = config.fleets[0]
    env = {**fleet.env, "ARENA_SECONDS": msgspec.json.encode(MATCH_S).decode()}
    config = replace(
        config, fleets=(replace(fleet, env=env, replicas=6, reserve=6, capacity=None),)
    )
    stop = asyncio.Event()
    harm = Kills([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL], stop)
    demo = Demo(config, DemoSettings(players=16), tmp_path)
    outcome = await demo.play(stop, lambda _: None, harm.meanwhile)
    with (tmp_path / "history.jsonl").open("rb") as lines:
        told = Told(map(msgspec.json.decode, lines))
    struck = figures(told, harm.done)

    assert outcome.exit_code() == 0, (outcome.verdict.breaches, outcome.unexpected)
    assert len(harm.done) == 3
    assert struck["sessions_lost"] == 0
    assert struck["fates"]["played on"] >= 2
    assert outcome.report["handovers"]["succeeded"] == outcome.report["handovers"]["tried"] > 0
    assert struck["kill_to_all_playing_ms"]["max"] < 20_000
