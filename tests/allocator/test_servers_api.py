"""Who may come in at the sessions API, with a real socket for each game server."""

import pytest
from aiohttp import WSMsgType

from core.ids import room_id
from tests.allocator.counter import ONE, STRANGER, TWO
from tests.allocator.worlds import NOW, connected, server


async def test_a_hello_with_another_key_is_refused(open_counter):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await one.hello(key=STRANGER)
        closed = await one.ws.receive()

        assert (closed.type, closed.data) == (WSMsgType.CLOSE, 4401)
        assert "not signed by its key" in str(closed.extra)


async def test_the_first_key_of_a_uid_stands(open_counter):
    async with open_counter() as counter:
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)
        # The backend's mirror is forged: another key under the same uid.
        forged = STRANGER.public_key().public_bytes_raw().hex()
        object.__setattr__(ONE, "public_key", forged)
        try:
            async with connected(counter.port, ONE) as impostor:
                await impostor.hello(key=STRANGER)
                assert (await impostor.ws.receive()).data == 4401
        finally:
            object.__setattr__(ONE, "public_key", server("one").public_key)


@pytest.mark.parametrize("wrong", ["fleet", "name", "first"])
async def test_strangers_are_told_why_they_may_not_come_in(open_counter, wrong: str):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        if wrong == "first":
            await one.say("heartbeat")
            await one.hear()
        else:
            view = server("nobody") if wrong == "name" else server("one")
            if wrong == "fleet":
                object.__setattr__(view, "fleet", "elsewhere")
            one.view = view
            await one.hello()
        closed = await one.ws.receive()

        assert closed.data == 4401
        assert closed.extra


async def test_who_comes_late_finds_its_match(open_counter):
    async with open_counter() as counter:
        held = await counter.claimed("m")
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)

            assert (await one.hear())["match"] == held.match


async def test_who_comes_back_keeps_what_it_holds_and_forgets_the_rest(open_counter):
    async with open_counter() as counter:
        for name in ("one", "a", "b"):
            await counter.claimed(name)
        async with connected(counter.port, TWO) as two:
            stale = {"room": room_id(TWO.uid, 0), "match": "duel.old", "epoch": 1}
            kept = {"room": room_id(TWO.uid, 1), "match": "duel.b", "epoch": 1}
            await counter.welcomed(two, holding=[stale, kept])

            first, second = await two.hear(), await two.hear()
            assert (first["type"], first["match"]) == ("assign", "duel.a")
            assert (second["type"], second["match"]) == ("withdrawn", "duel.old")
            # What was not answered before is said again, and counts once.
            for _ in range(2):
                acked = await two.answered("ack", match="duel.b", room=kept["room"], epoch=1)
                assert acked["ok"]


async def test_a_retiring_server_is_told_at_once_and_when_it_comes_back(open_counter):
    async with open_counter() as counter:
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)
            await counter.pool.retire(ONE.uid, now_ms=NOW)
            assert await one.hear() == {"type": "retire"}
        async with connected(counter.port, ONE) as one:
            await counter.welcomed(one)
            assert await one.hear() == {"type": "retire"}


async def test_what_is_not_understood_is_answered_and_the_line_stays(open_counter):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        unknown = await one.answered("dance")
        wrong = await one.answered("ack", match="m", room="r", epoch="two")

        assert unknown["type"] == wrong["type"] == "problem"
        assert "dance" in unknown["problem"]["detail"]
        assert wrong["problem"]["field"] == "$.epoch"


@pytest.mark.parametrize(("frame", "code"), [("{", 1003), ("x" * 70_000, 1009)])
async def test_what_is_no_frame_ends_the_line(open_counter, frame: str, code: int):
    async with open_counter() as counter, connected(counter.port, ONE) as one:
        await counter.welcomed(one)
        await one.ws.send_str(frame)

        assert (await one.ws.receive()).data == code


async def test_a_second_socket_of_a_server_replaces_the_first(open_counter):
    async with (
        open_counter() as counter,
        connected(counter.port, ONE) as one,
        connected(counter.port, ONE) as again,
    ):
        await counter.welcomed(one)
        await counter.welcomed(again)
        cut = await one.ws.receive()
        held = await counter.claimed("m")

        assert cut.type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
        assert (await again.hear())["match"] == held.match
