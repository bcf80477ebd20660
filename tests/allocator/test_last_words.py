"""A match that is taken away goes on from its server's last word, where there is one in time."""

from typing import cast

from allocator import frames
from allocator.drain import Stay
from allocator.handover import Handover
from allocator.last_words import LAST_WORD_MS, LastWords
from allocator.leaving import Leaving
from allocator.link import Link
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.sessions import Session, Sessions
from allocator.settings import AllocatorSettings
from core.ids import MatchId, RoomId, ServerUid
from tests.allocator.worlds import FLEET, NOW, FakeMatches, order, room, server

A, B = ServerUid("uid-a"), ServerUid("uid-b")
M = MatchId("duel.m")
STAY = Stay(M, 1, NOW)


class Wire:
    """A server's link, as far as it is used here."""

    def __init__(self) -> None:
        self.server = server("a")
        self.pushed: list[frames.Frame] = []

    def push(self, frame: frames.Frame) -> None:
        self.pushed.append(frame)


def test_a_server_is_asked_once_and_has_a_second():
    wire = Wire()
    words = LastWords({A: cast("Link", wire)})
    over = [words.asked(STAY, A, now_ms=NOW + ms) for ms in (0, 250, LAST_WORD_MS - 1)]

    assert over == [False] * 3
    assert wire.pushed == [{"type": "leave", "match": M, "epoch": 1}]
    assert words.asked(STAY, A, now_ms=NOW + LAST_WORD_MS)


def test_a_server_that_is_connected_to_another_allocator_has_the_same_second():
    words = LastWords({})

    assert not words.asked(STAY, A, now_ms=NOW)
    assert words.asked(STAY, A, now_ms=NOW + LAST_WORD_MS)


def test_a_match_that_comes_back_at_another_epoch_is_asked_for_again():
    wire = Wire()
    words = LastWords({A: cast("Link", wire)})
    words.asked(STAY, A, now_ms=NOW)
    words.forget_others([STAY])
    words.asked(STAY, A, now_ms=NOW)
    words.forget_others([])
    words.asked(STAY, A, now_ms=NOW)

    assert len(wire.pushed) == 2


async def handed_over(
    pool: Pool, metrics: AllocatorMetrics, *, joined: bool = True, warm: bool = True
) -> Session | None:
    """The session as it is when the server's word has been heard; nobody else has looked."""
    sessions, matches = Sessions(pool), FakeMatches({M})
    settings = AllocatorSettings(FLEET)
    await pool.add_room(room(A), now_ms=NOW)
    await pool.claim(order("m"), now_ms=NOW)
    if warm:
        await pool.add_room(room(B), now_ms=NOW)
    held = RoomId(f"{A}/0")
    await sessions.ack(M, held, A, 1, now_ms=NOW)
    if joined:
        await sessions.joined(M, A, 1, now_ms=NOW)
    leaving = Leaving(sessions, Handover(sessions, matches, settings, metrics), settings)
    said = frames.HandOver(M, held, 1, n=7, state=b"last")
    await leaving.hear(cast("Link", Wire()), said, now_ms=NOW + 5)
    return await sessions.get(M)


async def test_a_server_that_leaves_is_believed_at_once(pool: Pool, metrics: AllocatorMetrics):
    session = await handed_over(pool, metrics)

    assert session is not None
    assert (session.server, session.epoch) == (B, 2)
    assert await Sessions(pool).kept(M) == b"last"


async def test_a_match_that_nobody_joined_is_left_to_the_reaper(
    pool: Pool, metrics: AllocatorMetrics
):
    session = await handed_over(pool, metrics, joined=False)

    assert session is not None
    assert session.server == A
    assert await pool.is_due(M, now_ms=NOW + 5)


async def test_where_no_server_is_warm_a_match_plays_on_and_what_was_said_is_kept(
    pool: Pool, metrics: AllocatorMetrics
):
    session = await handed_over(pool, metrics, warm=False)

    assert session is not None
    assert (session.server, session.epoch) == (A, 1)
    assert not await pool.is_due(M, now_ms=NOW + 5), "its server says so again"
    assert await Sessions(pool).kept(M) == b"last"
