"""A room that was released may get its next match before it hears that the release was accepted."""

from core.ids import MatchId, QueueName, RoomId
from gameserver.rooms import Answer, Assignment, Room, State, consider


def offered(match: str, epoch: int = 1) -> Assignment:
    return Assignment(MatchId(match), RoomId("u/0"), epoch, QueueName("duel"), (), 20.0)


def test_the_next_match_is_taken_while_the_answer_to_the_release_is_under_way():
    room = Room(RoomId("u/0"), State.ENDED, offered("duel.first"))

    assert consider(room, offered("duel.second")) is Answer.TURN_OVER


def test_a_match_that_is_still_held_is_never_turned_over():
    for state in (State.ASSIGNED, State.HELD, State.PLAYING):
        room = Room(RoomId("u/0"), state, offered("duel.first"))

        assert consider(room, offered("duel.second")) is Answer.REFUSE
