"""Two control planes as two regions: matches near their players, and elsewhere when it is full."""

import asyncio
import dataclasses
import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from core.ids import FleetName
from fleets.agones.settings import KubernetesSettings
from readyup.bots.api import HttpApi
from readyup.bots.arena import Arena
from readyup.bots.crowd import Crowd, CrowdSettings
from readyup.bots.habits import Habits
from readyup.bots.messages import Push
from readyup.bots.ports import Line
from readyup.settings import Config, as_table, parse
from tests.cluster.evening import SESSIONS, Evening, arena, assert_proved, game_image, play
from tests.cluster.gameservers import delete_fleet
from tests.cluster.plane.agones import Tuning
from tests.cluster.plane.far import FarPlane, far_plane
from tests.cluster.plane.plane import Options, Plane
from tests.cluster.plane.real import RealPods

EAST = FleetName("arena-east")
OPTIONS = Options(nodes=1, tuning=Tuning(ports=(9000, 9200)))
"""Both regions' games run on this machine, so they need ports that differ."""

RULES = {
    "ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "rating", "type": "number", "default": 1500}],
    "rules": [
        {
            "name": "Near",
            "type": "batchDistance",
            "batchAttribute": "rating",
            "maxDistance": 3000,
        }
    ],
}
"""Anybody with anybody: only queues with a rule set take latencies."""

EASTERNERS = {"east": 20.0, "west": 95.0}


def two_regions(config: Config, far: FarPlane) -> Config:
    """West in the cluster at hand and named first, east in the far one, and rules that know."""
    table = as_table(config)
    for name, size in (("duel", 1), ("squad", 5)):
        teams = [{"name": t, "minPlayers": size, "maxPlayers": size} for t in ("red", "blue")]
        rules = RULES | {"teams": teams}
        ruled = {"rules": msgspec.json.encode(rules).decode(), "group": "arena"}
        table["queues"][name] = {**ruled, "fleet": "arena"}
    west = parse(table)
    queues = {
        name: dataclasses.replace(queue, fleet=(FleetName("arena"), EAST))
        for name, queue in west.queues.items()
    }
    (spec,) = west.fleets
    assert spec.pod is not None
    # No webhook of ours is asked there: its pods have ports of their own from the test.
    pod = dataclasses.replace(spec.pod, host_network=False)
    east = dataclasses.replace(arena(2), name=EAST, cluster="east", pod=pod)
    there = KubernetesSettings(
        kubeconfig=str(far.kubeconfig),
        region="east",
        sessions_url=f"ws://127.0.0.1:{SESSIONS}/v1/servers/connect",
    )
    return dataclasses.replace(
        west,
        queues=queues,
        fleets=(spec, east),
        kubernetes=dataclasses.replace(west.kubernetes, region="west"),
        clusters={"east": there},
    )


class MeasuringApi(HttpApi):
    """Players who say how far they are from the regions."""

    async def dial(self, player: str) -> Any:  # noqa: ANN401 - as a line of the parent's
        return MeasuredLine(await super().dial(player))


class MeasuredLine:
    def __init__(self, line: Line) -> None:
        self._line = line

    async def send(self, frame: bytes) -> None:
        said = msgspec.json.decode(frame)
        if said["type"] == "enqueue":
            frame = msgspec.json.encode({**said, "latency_ms": EASTERNERS})
        await self._line.send(frame)

    async def receive(self) -> Push:
        return await self._line.receive()

    async def close(self) -> None:
        await self._line.close()

    async def vanish(self) -> None:
        await self._line.vanish()


async def easterners(evening: Evening, players: int, seconds: float) -> None:
    """A second crowd, of players who are near the far region."""
    settings = CrowdSettings(
        url=evening.stack.api_url(),
        players=players,
        duration_s=seconds,
        seed=2,
        habits=Habits(squad_share=0.0, think_s_mean=1.0),
        name="east",
        events=evening.stack.run_dir / "events" / "easterners.jsonl",
    )
    async with (
        HttpApi(settings.url, key=settings.key) as _,
        MeasuringApi(settings.url, key=settings.key) as api,
    ):
        with Arena(random.Random(2)) as game:
            await Crowd(settings, api, game).run(stop=asyncio.Event())


async def test_matches_are_played_near_and_elsewhere_when_that_is_full_or_away(
    plane: Plane, tmp_path: Path
):
    spec = arena(1)
    where: Counter[tuple[str, bool]] = Counter()

    async with far_plane(tmp_path / "far", OPTIONS) as far, far.api() as api:

        async def scenario(evening: Evening) -> None:
            east = Evening(far, api, evening.stack, pods, evening.meddler)
            east.fleet = EAST
            await evening.until_finished(2)
            await easterners(evening, players=8, seconds=12.0)
            before = await east.finished()
            frozen = asyncio.create_task(far.away("kube-apiserver", 8.0))
            await easterners(evening, players=6, seconds=8.0)
            await frozen
            assert await east.finished() > before
            where.update(await announced(evening))

        async with RealPods.on(far, game_image(tmp_path, own_ports=True)) as pods:
            pods.serve()
            try:
                outcome = await play(
                    plane, tmp_path, spec, scenario, also=lambda config: two_regions(config, far)
                )
            finally:
                await delete_fleet(api, EAST)

    assert_proved(outcome, completed=10)
    near = where[EAST, True]
    assert near > where["arena", True], where
    assert where["arena", False] > 0, where
    # Two rooms are too few for the sixteen players of the west.
    assert where[EAST, False] > 0, where


async def announced(evening: Evening) -> Counter[tuple[str, bool]]:
    """By fleet, and by whether somebody who lives in the east plays: how many matches."""
    seats, fleets = {}, {}
    key = next(key for src, key in evening.stack.streams().items() if src == "queue/duel")
    for _, entry in await evening.store.call("XRANGE", key, "-", "+"):
        event = msgspec.json.decode(entry["d"])
        if entry["k"] == "match.committed":
            players = [player for team in event["teams"].values() for _, player in team]
            seats[event["match"]] = any(player.startswith("east-") for player in players)
        elif entry["k"] == "match.announced":
            fleets[event["match"]] = event["fleet"]
    return Counter((fleet, seats[match]) for match, fleet in fleets.items())
