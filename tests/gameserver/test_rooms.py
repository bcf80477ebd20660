"""A room's life-cycle: walked along the table, and what an assignment means to each state."""

import pytest
from hypothesis import given, strategies as st

from core.errors import IllegalTransition
from core.ids import MatchId, QueueName, RoomId
from gameserver.rooms import (
    TRANSITIONS,
    Answer,
    Assignment,
    Command,
    Event,
    Room,
    State,
    consider,
    step,
)


def assignment(match: str = "duel.a", epoch: int = 1) -> Assignment:
    return Assignment(MatchId(match), RoomId("u/0"), epoch, QueueName("duel"), (), 20.0)


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_no_walk_starts_a_match_twice_or_stops_one_that_did_not_start(events):
    state, started, said = State.FREE, False, []
    for event in events:
        if (state, event) not in TRANSITIONS:
            continue
        state, commands = step(state, event).state, step(state, event).commands
        for command in commands:
            if command is Command.START:
                assert not started
                started = True
            elif command is Command.STOP:
                assert started
            elif command is Command.CLEAR:
                started = False
            said.append(command)

    assert (state is State.FREE) == (not said or said[-1] is Command.CLEAR)


def test_what_the_table_does_not_know_is_refused():
    with pytest.raises(IllegalTransition, match="joined"):
        step(State.FREE, Event.JOINED)


def test_from_every_state_a_withdrawal_frees_the_room():
    busy = set(State) - {State.FREE}

    assert {step(state, Event.WITHDRAWN).state for state in busy} == {State.FREE}


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        (assignment(epoch=2), Answer.REPEAT),
        (assignment(epoch=3), Answer.REPLACE),
        (assignment(epoch=1), Answer.REFUSE),
        (assignment("duel.b", epoch=9), Answer.REFUSE),
    ],
)
def test_a_held_room_takes_only_its_own_match(offered, answer):
    held = Room(RoomId("u/0"), State.HELD, assignment(epoch=2))

    assert consider(held, offered) is answer


def test_a_free_room_takes_any_match():
    assert consider(Room(RoomId("u/0")), assignment()) is Answer.TAKE
