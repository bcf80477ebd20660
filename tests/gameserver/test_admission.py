"""The door: who is let in, who is told to wait, and who is turned away."""

import pytest

from core.ids import QueueName, room_id
from gameserver.admission import Admitted, Door, TurnedAway, Why
from gameserver.rooms import Assignment, Room, State
from tests.gameserver.fakes import MATCH, MINTER, OTHER_MATCH, PLAYERS, UID, token

NOW_MS = 1_800_000_000_000


def door(state: State = State.HELD, *, epoch: int = 2, keys: bool = True) -> Door:
    room = Room(room_id(UID, 0), state)
    if state is not State.FREE:
        room.match = Assignment(MATCH, room.id, epoch, QueueName("duel"), PLAYERS, 20.0)
    made = Door(UID, {room.id: room})
    if keys:
        made.learn([MINTER.public_hex()])
    return made


def answer(made: Door, shown: str, *, now_ms: int = NOW_MS) -> str:
    verdict = made.check(shown, now_ms=now_ms)
    return str(verdict.why) if isinstance(verdict, TurnedAway) else "admitted"


def test_a_good_token_opens_once():
    made, shown = door(), token(epoch=2, now_ms=NOW_MS)
    verdict = made.check(shown, now_ms=NOW_MS)

    assert isinstance(verdict, Admitted)
    assert (verdict.seat.player, verdict.rejoin) == ("ann", False)
    assert answer(made, shown) == Why.TOKEN_USED


@pytest.mark.parametrize(
    ("made", "claims", "why"),
    [
        (door(keys=False), {}, Why.NOT_YET),
        (door(State.FREE), {}, Why.NOT_YET),
        (door(State.ASSIGNED), {}, Why.NOT_YET),
        (door(), {"epoch": 3}, Why.NOT_YET),
        (door(), {"match": OTHER_MATCH}, Why.NOT_YET),
        (door(), {"epoch": 1}, Why.MOVED),
        (door(State.ENDED), {}, Why.ENDED),
        (door(), {"player": "eve"}, Why.NOT_YET),
        (door(), {"team": "blue"}, Why.NO_SEAT),
        (door(), {"server": "another"}, Why.BAD_TOKEN),
        (door(), {"now_ms": NOW_MS - 100_000}, Why.BAD_TOKEN),
        (door(), {"now_ms": NOW_MS + 100_000}, Why.BAD_TOKEN),
    ],
)
def test_each_reason_has_its_own_word(made, claims, why):
    assert answer(made, token(**{"epoch": 2, "now_ms": NOW_MS, **claims})) == why


@pytest.mark.parametrize("garbage", ["", "a.b.c", "x" * 1000, "é"])
def test_garbage_is_a_bad_token(garbage):
    assert answer(door(), garbage) == Why.BAD_TOKEN


def test_who_waits_does_not_spend_the_token():
    made, shown = door(State.ASSIGNED), token(epoch=2, now_ms=NOW_MS)
    early = answer(made, shown)
    made._rooms[room_id(UID, 0)].state = State.HELD

    assert (early, answer(made, shown)) == (Why.NOT_YET, "admitted")


def test_a_match_that_left_is_over_until_no_token_for_it_can_live():
    made = door(State.FREE)
    made.forget(MATCH, 2, now_ms=NOW_MS)
    soon = answer(made, token(epoch=2, now_ms=NOW_MS))
    moved_back = answer(made, token(epoch=3, now_ms=NOW_MS))
    made.sweep(now_ms=NOW_MS + 200_000)

    assert (soon, moved_back) == (Why.ENDED, Why.NOT_YET)
    assert made._over == {}


def test_used_tokens_are_remembered_until_they_expire_and_no_longer():
    made, shown = door(), token(epoch=2, now_ms=NOW_MS)
    answer(made, shown)
    made.sweep(now_ms=NOW_MS + 91_000)
    remembered = len(made._used)
    made.sweep(now_ms=NOW_MS + 93_000)

    assert (remembered, len(made._used)) == (1, 0)
    assert answer(made, shown, now_ms=NOW_MS + 93_000) == Why.BAD_TOKEN


def test_a_second_token_of_the_same_player_is_a_rejoin():
    made = door(State.PLAYING)
    made._rooms[room_id(UID, 0)].here[PLAYERS[0].player] = True
    verdict = made.check(token(epoch=2, now_ms=NOW_MS), now_ms=NOW_MS)

    assert isinstance(verdict, Admitted)
    assert verdict.rejoin
