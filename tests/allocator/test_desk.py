"""What servers say of their matches, and what they are told of them, over real sockets."""

import json

from allocator.desk import CHECK_MS
from allocator.sessions import SessionState
from core.ids import MatchId, room_id
from tests.allocator.counter import ONE, TWO, until
from tests.allocator.worlds import FLEET, NOW, connected


async def test_a_match_is_assigned_acked_joined_and_released(open_counter, metrics):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        held = await counter.claimed("m")
        assigned = await one.hear()
        acked = await one.answered("ack", match=held.match, room=held.room, epoch=1)
        await one.say("joined", match=held.match, epoch=1, player="m-p0", rejoin=False)
        await one.say("left", match=held.match, epoch=1, player="m-p0")
        await one.say("result", match=held.match, epoch=1, result={"winner": "red"})
        released = await one.answered(
            "release", match=held.match, room=held.room, epoch=1, reason="finished"
        )
        session = await counter.sessions.get(held.match)

        assert assigned == {
            "type": "assign", "match": "duel.m", "room": "uid-one/0", "epoch": 1,
            "queue": "duel", "join_deadline_s": 20.0,
            "players": [
                {"player": "m-p0", "ticket": "duel.m0", "team": "team0", "seat": 0},
                {"player": "m-p1", "ticket": "duel.m1", "team": "team1", "seat": 0},
            ],
        }  # fmt: skip
        assert acked == {
            "type": "acked", "match": "duel.m", "epoch": 1, "ok": True, "reason": "",
        }  # fmt: skip
        assert released == {"type": "released", "match": "duel.m", "epoch": 1, "ok": True}
        assert (session.state, session.reason) == (SessionState.ENDED, "finished")
        assert json.loads(session.result) == {"winner": "red"}
        assert session.joined_ms
        assert metrics.acks.labels(FLEET, "ok")._value.get() == 1


async def test_a_closed_match_is_withdrawn(open_counter):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        held = await counter.claimed("m")
        await one.hear()
        await counter.pool.withdraw(held.match, reason="closed", now_ms=NOW)

        assert await one.told("withdrawn") == {
            "type": "withdrawn", "match": held.match, "room": held.room, "epoch": 1,
            "reason": "closed",
        }  # fmt: skip
        late = await one.answered("ack", match=held.match, room=held.room, epoch=1)
        assert (late["ok"], late["reason"]) == (False, "ended")


async def test_a_moved_match_leaves_one_server_and_comes_to_another(open_counter):
    async with (
        open_counter() as counter,
        connected(counter.port, ONE) as one,
        connected(counter.port, TWO) as two,
    ):
        await counter.welcomed(one)
        await counter.welcomed(two)
        held = await counter.claimed("m")
        await one.hear()
        # It will not have the match, so nobody waits for its acknowledgement.
        await one.say("refused", match=held.match, room=held.room, epoch=1, reason="full")
        await until(lambda: counter.pool.due("acks", until_ms=counter.clock.now_ms))
        await counter.pool.move(held.match, 1, deadline_ms=NOW * 2, now_ms=counter.clock.now_ms)

        assert (await two.hear())["epoch"] == 2
        gone = await one.told("withdrawn")
        assert (gone["epoch"], gone["reason"]) == (1, "moved")


async def test_heartbeats_are_written_at_most_once_a_second(open_counter, store):
    async with open_counter() as counter, connected(counter.port, TWO) as two:
        await counter.welcomed(two)

        async def beat(players: int) -> int:
            tick = {"p50_ms": 0.1, "p99_ms": 1, "p999_ms": 2, "instability": 0, "skipped": 3}
            await two.say("heartbeat", rooms=[], tick=tick, players=players)
            await two.answered("ack", match="none", room="none", epoch=1)  # it was heard
            said = await store.call("HGET", "{f:arena}:servers", TWO.uid)
            return int(json.loads(said)["players"])

        assert await beat(1) == 0
        counter.clock.now_ms += 1_000
        assert await beat(2) == 2
        assert await beat(3) == 2
        said = json.loads(await store.call("HGET", "{f:arena}:servers", TWO.uid))
        assert said["tick"]["p99_ms"] == 1.0
        assert (said["rooms"], said["version"], said["name"]) == (2, "v1", "two")


async def test_a_heartbeat_that_shows_something_else_is_put_right(open_counter):
    async with open_counter() as counter, connected(counter.port, TWO) as two:
        await counter.welcomed(two)
        counter.clock.now_ms += CHECK_MS
        wrong = {"room": room_id(TWO.uid, 1), "match": "duel.old", "epoch": 3, "players": 2}
        await two.say("heartbeat", rooms=[wrong], tick=None, players=2)

        said = await two.hear()
        assert (said["type"], said["match"], said["epoch"]) == ("withdrawn", "duel.old", 3)


async def test_a_release_may_be_said_again_on_a_new_line(open_counter):
    async with open_counter() as counter:
        held = await counter.claimed("m")
        assert held.server == ONE.uid
        said = {"match": held.match, "room": held.room, "epoch": 1, "reason": "no-join"}
        for _ in range(2):
            async with connected(counter.port, ONE) as one:
                await counter.welcomed(
                    one, holding=[{"room": held.room, "match": held.match, "epoch": 1}]
                )
                await one.say("release", **said)
                while (answer := await one.hear())["type"] != "released":
                    assert answer["type"] == "withdrawn"  # it has ended the first time
                assert answer["ok"]
        session = await counter.sessions.get(MatchId("duel.m"))
        assert session.reason == "no-join"
