"""The arena over real UDP, with an allocator on a WebSocket."""

import asyncio

from tests.gameserver.arena.house import house
from tests.gameserver.fakes import MATCH, OTHER_MATCH, assign, token


async def test_a_room_plays_a_match_and_then_another():
    async with house() as h:
        for match in (MATCH, OTHER_MATCH):
            await h.allocator.say(**assign(match))
            await h.allocator.hears("ack")
            ann, _ = await h.join("ann", match=match)
            bob, _ = await h.join("bob", match=match)
            endings = [await ann.ended(), await bob.ended()]
            await h.allocator.hears("release", 1 if match == MATCH else 2)

            assert [ending.reason for ending in endings] == ["finished", "finished"]
            assert endings[0].result is not None
            assert set(endings[0].result["teams"]) == {"red", "blue"}
            assert ann.snapshot is not None
            assert len(ann.snapshot.bodies) == 2
            assert ann.path.rtt_ms > 0
            result = h.allocator.all("result")[-1]["result"]
            assert result["players"]["ann"]["rtt_ms"] > 0
            assert h.allocator.all("release")[-1]["reason"] == "finished"

    assert [m["player"] for m in h.allocator.all("joined")] == ["ann", "bob"] * 2
    assert h.sdk.calls == ["ready", "shutdown"]
    assert h.allocator.proofs == [True]
    beat = h.allocator.all("heartbeat")[-1]
    assert beat["tick"]["rate_hz"] == 60.0
    assert h.witness.kinds() == [
        "server.ready",
        *["server.assigned", "server.acked", "player.joined", "player.joined"],
        *["match.finished", "server.released"],
        *["server.assigned", "server.acked", "player.joined", "player.joined"],
        *["match.finished", "server.released"],
    ]


async def test_a_player_who_dropped_comes_back_with_a_new_token():
    async with house(seconds=1.0) as h:
        await h.allocator.say(**assign())
        (ann, _), (bob, _) = await h.join("ann"), await h.join("bob")
        ann.drop()
        again, reason = await h.join("ann")
        ending = await again.ended()

        assert reason == ""
        assert (await ann.ended()).reason == "dropped"
        assert ending.reason == "finished"
        assert again.seat == ann.seat
        assert [m["rejoin"] for m in h.allocator.all("joined")] == [False, False, True]
        result = await h.allocator.hears("result")
        assert result["result"]["players"]["ann"]["joins"] == 2
        assert (await bob.ended()).reason == "finished"


async def test_a_newer_link_replaces_the_older():
    async with house(seconds=0.5) as h:
        await h.allocator.say(**assign())
        first, _ = await h.join("ann")
        second, _ = await h.join("ann")

        assert (await first.ended()).reason == "replaced"
        assert second.joined


async def test_a_token_for_something_else_opens_nothing():
    async with house() as h:
        await h.allocator.say(**assign())
        _, welcome = await h.join("bob")
        answers = [
            (await h.join(server="uid-2"))[1],
            (await h.join(now_ms=1_700_000_000_000))[1],
            (await h.join(epoch=0))[1],
            (await h.join(team="blue"))[1],
        ]
        used = token("ann")
        await h.player().connect("127.0.0.1", h.arena.port, used)
        again = await h.player().connect("127.0.0.1", h.arena.port, used)

    expected = ["bad-token", "bad-token", "moved", "no-seat"]
    assert welcome == ""
    assert answers == expected
    assert again == (False, "token-used")
    refused = [e["reason"] for kind, e in h.witness.events if kind == "join.refused"]
    assert refused == [*expected, "token-used"]


async def test_who_comes_before_the_match_is_let_in_once_it_is_ours():
    async with house() as h:
        async with asyncio.TaskGroup() as group:
            early = group.create_task(h.join("ann"))
            for other in ("bob", "bob"):  # "not yet" is not held against a token
                await h.join(other, match=OTHER_MATCH, timeout_s=0.15)
            await h.allocator.say(**assign())
        _, reason = early.result()

    assert reason == ""
    assert "join.refused" not in h.witness.kinds()


async def test_a_busy_server_that_is_stopped_tells_its_players_and_the_allocator():
    async with house(seconds=60) as h:
        await h.allocator.say(**assign())
        ann, _ = await h.join("ann")
        h.stop.set()
        ending = await ann.ended()

    assert ending.reason == "stopping"
    assert h.allocator.all("release")[-1]["reason"] == "failed"
    assert h.sdk.calls[-1] == "shutdown"
    assert h.running.result() == "stopping"
