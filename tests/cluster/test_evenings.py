"""What happens to a cluster while bots play on it, each evening judged by the history checker."""

import asyncio
import dataclasses
from pathlib import Path

from core.game_server import ServerView, State
from tests.cluster.evening import AUTOSCALERS, Evening, arena, assert_proved, play
from tests.cluster.gameservers import servers
from tests.cluster.plane.api import FLEETS, GAME_SERVERS
from tests.cluster.plane.plane import Plane
from tests.cluster.seen import until


async def test_a_fleet_is_made_and_grows_with_its_players(plane: Plane, tmp_path: Path):
    """Applied, claimed, scaled by us, and by Agones through our webhook."""
    spec = arena(0, replicas=None, reserve=2, buffer=1, size_max=7, starting_max=7)

    async def scenario(evening: Evening) -> None:
        fleet = await evening.api.get(f"{FLEETS.format('default')}/{spec.name}")
        managers = {one["manager"] for one in fleet["metadata"]["managedFields"]}
        assert "readyup" in managers
        await until(lambda: _at_least(evening, 4))
        await evening.until_finished(6)

        async def asked_us() -> bool:
            scaler = await evening.api.get(f"{AUTOSCALERS}/{spec.name}")
            events = await evening.api.items("/api/v1/namespaces/default/events")
            return any(
                "ID: plan | Type: Webhook" in event["message"]
                for event in events
                if event["involvedObject"].get("uid") == scaler["metadata"]["uid"]
            )

        await until(asked_us, timeout_s=40)

    outcome = await play(plane, tmp_path, spec, scenario, players=24)

    assert_proved(outcome, completed=6)


async def _at_least(evening: Evening, count: int) -> bool:
    states = await evening.states()
    return await evening.replicas() >= count and states["Ready"] + states["Allocated"] >= count


async def test_matches_follow_one_another_without_a_word_to_kubernetes(
    plane: Plane, tmp_path: Path
):
    """Claimed, played, released, claimed again."""
    seen: dict[str, int] = {}

    async def scenario(evening: Evening) -> None:
        await until(lambda: _is_free(evening, 6))  # all but two rooms: somebody plays already
        await asyncio.sleep(2.0)
        before = evening.meddler.writes()
        await evening.until_finished(10)
        seen["writes"] = evening.meddler.writes() - before
        rooms = [one["room"] for one in await evening.log("room.claimed")]
        seen["most on a room"] = max(rooms.count(room) for room in rooms)

    outcome = await play(plane, tmp_path, arena(4), scenario)

    assert_proved(outcome, completed=10)
    assert seen["writes"] == 0
    assert seen["most on a room"] >= 2


async def _is_free(evening: Evening, at_least: int) -> bool:
    return await evening.free() >= at_least


async def test_a_new_version_takes_over_while_matches_are_played(plane: Plane, tmp_path: Path):
    old: set[str] = set()

    async def scenario(evening: Evening) -> None:
        await evening.until_finished(3)
        old.update(view.uid for view in (await evening.mirror()).values())
        evening.configure(lambda fleet: fleet.update(version="2"))

        async def renewed() -> bool:
            there = await servers(evening.api, evening.fleet)
            labels = [one["metadata"]["labels"]["readyup/version"] for one in there]
            return labels == ["2"] * 4 and await evening.free() >= 4

        await until(renewed, timeout_s=120)
        # One that is to go and has no match left may shut itself down before we delete it.
        assert set(await evening.deleted()) <= {"scale", "shutdown"}
        await evening.until_finished(3)

        played_on = {one["match"]: one["server"] for one in await evening.log("room.acked")}
        ended = {one["match"]: one["reason"] for one in await evening.log("session.ended")}
        moved = {one["match"] for one in await evening.log("session.moved")}
        assert moved == set(), "nobody is moved for a rollout"
        on_old = {ended[match] for match, uid in played_on.items() if uid in old}
        assert on_old <= {"finished", "no-join"}
        assert any(uid not in old for uid in played_on.values())

    spec = arena(4, version="1")
    assert spec.pod is not None
    spec = dataclasses.replace(spec, pod=dataclasses.replace(spec.pod, surge="50%"))
    outcome = await play(plane, tmp_path, spec, scenario)

    assert_proved(outcome, completed=6)
    assert len(old) == 4


async def test_players_play_on_while_the_api_server_is_gone_for_30_seconds(
    plane: Plane, tmp_path: Path
):
    counts: list[int] = []

    async def scenario(evening: Evening) -> None:
        await evening.until_finished(2)
        counts.append(await evening.finished())
        away = asyncio.create_task(plane.away("kube-apiserver", 30.0))
        await away
        counts.append(await evening.finished())
        await until(evening.agrees, timeout_s=40)
        await evening.until_finished(2)

    outcome = await play(plane, tmp_path, arena(4), scenario)

    assert_proved(outcome, completed=10)
    assert counts[1] - counts[0] >= 6


async def test_a_fleet_grows_once_agones_controller_is_back(plane: Plane, tmp_path: Path):
    async def scenario(evening: Evening) -> None:
        await evening.until_finished(2)
        plane.kill("agones-controller")
        evening.configure(lambda fleet: fleet.update(replicas=5))
        await until(lambda: _asked(evening, 5))
        await evening.until_finished(4)
        assert len(await evening.there()) == 4
        plane.restart("agones-controller")
        await until(lambda: _at_least(evening, 5))
        await until(evening.agrees)
        await evening.until_finished(2)

    outcome = await play(plane, tmp_path, arena(4), scenario)

    assert_proved(outcome, completed=8)


async def _asked(evening: Evening, replicas: int) -> bool:
    return await evening.replicas() == replicas


async def test_what_was_deleted_behind_an_expired_watch_is_noticed(plane: Plane, tmp_path: Path):
    """410 for real: the history that the watch would go on from is compacted away."""
    gone: list[str] = []

    async def scenario(evening: Evening) -> None:
        await evening.until_finished(2)
        spare = await _ready_one(evening)
        async with evening.meddler.blind():
            gone.append(spare.uid)
            await evening.api.delete(f"{GAME_SERVERS.format('default')}/{spare.name}")
            await until(lambda: _is_gone(evening, spare.name))
            await plane.compact()
            plane.restart("kube-apiserver")
            await plane.ready()
        await until(evening.agrees, timeout_s=40)
        await evening.until_finished(2)
        assert "too old resource version" in evening.told("fleets-1")

        deletions = {one["server"]: one["reason"] for one in await evening.log("server.deleted")}
        assert deletions[gone[0]] in ("scale", "exited")

    spec = arena(0, replicas=None, reserve=4, buffer=2, size_min=6, size_max=6)
    outcome = await play(plane, tmp_path, spec, scenario, players=8)

    assert_proved(outcome, completed=4)


async def _ready_one(evening: Evening) -> ServerView:
    while True:
        for view in (await evening.mirror()).values():
            if view.state is State.READY:
                return view
        await asyncio.sleep(0.1)


async def _is_gone(evening: Evening, name: str) -> bool:
    return name not in {one["metadata"]["name"] for one in await evening.there()}
