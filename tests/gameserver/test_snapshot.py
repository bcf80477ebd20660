"""What a server says of its matches so that they outlive it."""

from dataclasses import replace

import pytest

from core.errors import Invalid
from core.game_server import SNAPSHOT_MAX_BYTES
from gameserver.rooms import State
from gameserver.sessions_link import Welcome
from gameserver.snapshot import Snapshot
from tests.gameserver.fakes import MATCH, MINTER, OTHER_MATCH, FakeAllocator, assign, environment
from tests.gameserver.test_matches import Server
from tests.gameserver.test_runtime import process


def handing_over(*, rooms: int = 1, finish_s: float = 0.0) -> Server:
    server = Server(rooms=rooms)
    server.matches.welcomed(Welcome([MINTER.public_hex()], 1.0, snapshot_s=1.0, finish_s=finish_s))
    return server


def said(server: Server, kind: str) -> list[dict[str, object]]:
    return [fields for name, fields in server.said if name == kind]


def test_one_that_is_too_large_is_refused_and_the_one_before_stands():
    kept = Snapshot()
    kept.take(b"small")
    with pytest.raises(Invalid, match="at most 32768"):
        kept.take(bytes(SNAPSHOT_MAX_BYTES + 1))

    assert (kept.state, kept.n) == (b"small", 1)


def test_the_newest_is_said_once_and_no_sooner_than_the_allocator_wants():
    server = handing_over().holds()
    server.joins()
    for state in (b"1", b"2", b"3"):
        server.matches.snapshot(MATCH, state)
        server.matches.look()
    server.clock.now_s += 1.0
    server.matches.look()
    server.clock.now_s += 1.0
    server.matches.look()

    assert [(one["n"], one["state"]) for one in said(server, "snapshot")] == [(1, b"1"), (3, b"3")]


def test_an_allocator_that_keeps_none_is_told_none():
    server = Server().holds()
    server.joins()
    server.matches.snapshot(MATCH, b"1")
    server.matches.look()

    assert said(server, "snapshot") == []


def test_a_new_line_is_told_the_newest_again():
    server = handing_over().holds()
    server.joins()
    server.matches.snapshot(MATCH, b"1")
    server.matches.look()
    server.clock.now_s += 1.0
    server.matches.welcomed(Welcome([MINTER.public_hex()], 1.0, snapshot_s=1.0))
    server.matches.look()

    assert [one["n"] for one in said(server, "snapshot")] == [1, 1]


def test_the_game_begins_where_the_server_before_was():
    server = handing_over()
    server.told(**assign(epoch=2) | {"snapshot": "aGFsZg=="})
    held = next(iter(server.matches._rooms.values())).match

    assert held is not None
    assert held.snapshot == b"half"


def test_a_server_that_goes_asks_for_another_and_plays_until_the_match_is_withdrawn():
    server = handing_over().holds()
    server.joins()
    server.matches.snapshot(MATCH, b"last")
    server.matches.drain()
    assert said(server, "handover") == []
    server.matches.leaving.hand_over(State.PLAYING, kept_only=True)
    server.matches.leaving.hand_over(State.PLAYING)
    playing = server.state()
    asked = said(server, "handover")[0]
    server.told(type="withdrawn", match=MATCH, room=asked["room"], epoch=1, reason="moved")

    assert playing is State.PLAYING
    assert len(said(server, "handover")) == 1
    assert (asked["n"], asked["state"]) == (1, b"last")
    assert server.game.calls[-1] == ("stop", MATCH, "moved")
    assert server.matches.idle


def test_a_match_without_a_snapshot_may_finish_and_one_that_nobody_joined_goes_at_once():
    server = handing_over(rooms=2).holds()
    server.joins()
    server.told(**assign(OTHER_MATCH, room=1))
    server.acked(OTHER_MATCH)
    server.matches.drain()
    server.matches.leaving.hand_over(State.PLAYING, kept_only=True)

    assert [one["match"] for one in said(server, "handover")] == [OTHER_MATCH]


def test_what_was_not_answered_is_asked_again():
    server = handing_over().holds()
    server.matches.drain()
    server.clock.now_s += 2.1
    server.matches.look()
    server.matches.welcomed(Welcome([MINTER.public_hex()], 1.0, snapshot_s=1.0))

    assert len(said(server, "handover")) == 3
    assert len(said(server, "draining")) == 2


def test_of_a_match_that_waits_for_another_server_only_that_is_said_again():
    server = handing_over().holds()
    server.joins()
    server.matches.leaving.hand_over(State.PLAYING)
    for _ in range(3):
        server.clock.now_s += 2.1
        server.matches.look()

    assert len(said(server, "handover")) == 4
    assert len(said(server, "joined")) == 1


def test_a_match_that_is_called_away_goes_with_the_newest_word_of_its_game():
    server = handing_over(rooms=2).holds()
    server.joins()
    server.matches.snapshot(MATCH, b"said")
    server.matches.look()
    server.matches.snapshot(MATCH, b"not said yet")
    server.told(type="leave", match=MATCH, epoch=2)
    server.told(type="leave", match=OTHER_MATCH, epoch=1)
    assert said(server, "handover") == [], "of another epoch, of a match that is not here"
    server.told(type="leave", match=MATCH, epoch=1)
    (asked,) = said(server, "handover")

    assert (asked["match"], asked["state"]) == (MATCH, b"not said yet")
    assert server.state() is State.PLAYING
    assert not server.matches.retiring, "the server stays"


async def test_sigterm_hands_over_and_then_the_server_leaves():
    allocator = FakeAllocator()
    allocator.snapshot_s = 0.5
    async with (
        allocator.serve(),
        process(replace(environment(allocator.url), drain_s=5.0)) as server,
    ):
        await allocator.until(lambda: bool(allocator.hellos))
        await allocator.say(**assign())
        await allocator.hears("ack")
        await server.game.started.wait()
        server.stop.set()
        reason = await server.left()

    assert reason == "stopping"
    assert [m["type"] for m in allocator.heard if m["type"] in ("draining", "handover")] == [
        "draining", "handover",
    ]  # fmt: skip
    assert server.game.calls[-2:] == [("stop", MATCH, "moved"), ("close",)]
