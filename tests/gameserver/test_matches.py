"""What one server does with what the allocator says, what its game says, and what time brings."""

from typing import Any

import msgspec
import pytest

from core.ids import room_id
from gameserver.admission import Admitted, TurnedAway
from gameserver.matches import SAY_AGAIN_S, Matches
from gameserver.rooms import State
from gameserver.sessions_link import Message, Welcome
from gameserver.telling import Telling
from gameserver.tick import TickLoop
from tests.gameserver.fakes import (
    MATCH,
    MINTER,
    OTHER_MATCH,
    UID,
    FakeGame,
    FakeWitness,
    HandClock,
    assign,
    environment,
    token,
)


class Server:
    """Matches with a line that notes what is said."""

    up = True

    def __init__(self, *, rooms: int = 1) -> None:
        self.game, self.witness, self.clock = FakeGame(), FakeWitness(), HandClock()
        self.said: list[tuple[str, dict[str, Any]]] = []
        where = environment("ws://nowhere", rooms=rooms)
        telling = Telling(where, self.witness, self.clock)
        telling.line = self
        self.matches = Matches(where, self.game, telling, self.clock)
        self.matches.welcomed(Welcome([MINTER.public_hex()], 1.0))

    def send(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        self.said.append((kind, fields))

    def told(self, **message: Any) -> list[str]:  # noqa: ANN401 - JSON
        """What is answered, by kind."""
        before = len(self.said)
        self.matches.told(msgspec.convert(message, Message))
        return [kind for kind, _ in self.said[before:]]

    def acked(self, match: str = MATCH, *, epoch: int = 1, ok: bool = True) -> None:
        self.told(type="acked", match=match, epoch=epoch, ok=ok)

    def holds(self, match: str = MATCH, *, room: int = 0) -> "Server":
        self.told(**assign(match, room=room))
        self.acked(match)
        return self

    def joins(self, player: str = "ann", **claims: Any) -> Admitted | TurnedAway:  # noqa: ANN401
        return self.matches.admit(token(player, now_ms=self.clock.wall_ms(), **claims))

    def state(self, room: int = 0) -> State:
        return self.matches._rooms[room_id(UID, room)].state


def test_an_assignment_is_acked_and_the_game_starts_once_the_ack_was_accepted():
    server = Server()
    answers = server.told(**assign())
    before = list(server.game.calls)
    server.acked()

    assert answers == ["ack"]
    assert before == []
    assert server.game.calls == [("start", MATCH)]
    assert server.state() is State.HELD


def test_the_same_assignment_is_acked_again_and_starts_nothing_twice():
    server = Server().holds()
    answers = server.told(**assign())
    server.acked()

    assert answers == ["ack"]
    assert server.game.calls == [("start", MATCH)]


def test_nobody_is_let_in_before_the_ack_was_accepted():
    server = Server()
    server.told(**assign())

    assert isinstance(server.joins(), TurnedAway)
    server.acked()
    assert isinstance(server.joins(), Admitted)


def test_an_ack_that_came_too_late_frees_the_room():
    server = Server()
    server.told(**assign())
    server.acked(ok=False)

    assert server.matches.idle
    assert server.game.calls == []


def test_a_second_match_for_a_held_room_is_refused():
    server = Server().holds()
    answers = server.told(**assign(OTHER_MATCH))

    assert answers == ["refused"]
    assert MATCH in server.said[-1][1]["reason"]
    assert server.game.calls == [("start", MATCH)]


def test_a_room_that_is_not_ours_is_refused():
    assert Server().told(**assign(room=7)) == ["refused"]


def test_two_rooms_hold_two_matches():
    server = Server(rooms=2).holds(MATCH, room=0).holds(OTHER_MATCH, room=1)

    assert [server.state(0), server.state(1)] == [State.HELD, State.HELD]


def test_a_higher_epoch_replaces_the_lower_one():
    server = Server().holds()
    server.joins()
    answers = server.told(**assign(epoch=2))
    server.acked(epoch=2)

    assert answers == ["ack"]
    assert server.game.calls == [("start", MATCH), ("stop", MATCH, "moved"), ("start", MATCH)]
    assert isinstance(server.joins("bob", epoch=1), TurnedAway)
    assert isinstance(server.joins("bob", epoch=2), Admitted)


def test_a_lower_epoch_is_refused():
    server = Server()
    server.told(**assign(epoch=2))

    assert server.told(**assign(epoch=1)) == ["refused"]


def test_a_withdrawn_match_is_stopped_and_forgotten_without_a_release():
    server = Server().holds()
    server.joins()
    withdrawn = {"type": "withdrawn", "match": MATCH, "room": room_id(UID, 0), "reason": "closed"}
    old_news = server.told(**withdrawn, epoch=0)
    still = server.state()
    answers = server.told(**withdrawn, epoch=1)

    assert (old_news, still) == ([], State.PLAYING)
    assert answers == []
    assert server.matches.idle
    assert server.game.calls[-1] == ("stop", MATCH, "withdrawn")


def test_when_nobody_comes_by_the_deadline_the_room_is_released():
    server = Server().holds()
    server.clock.now_s += 19.9
    server.matches.look()
    waiting = server.state()
    server.clock.now_s += 0.2
    server.matches.look()

    assert waiting is State.HELD
    assert server.said[-1][0] == "release"
    assert server.said[-1][1]["reason"] == "no-join"
    assert server.game.calls[-1] == ("stop", MATCH, "no-join")


def test_once_somebody_came_the_deadline_is_met():
    server = Server().holds()
    server.joins()
    server.clock.now_s += 60
    server.matches.look()

    assert server.state() is State.PLAYING


def test_a_result_comes_before_its_release_and_the_room_is_free_when_it_was_heard():
    server = Server().holds()
    server.joins()
    server.matches.finished(MATCH, {"winner": "red"})
    told = server.said[-2:]
    ended = server.state()
    server.told(type="released", match=MATCH, epoch=1, ok=True)

    assert [kind for kind, _ in told] == ["result", "release"]
    assert told[0][1]["result"] == {"winner": "red"}
    assert ended is State.ENDED
    assert server.matches.idle
    assert server.holds(OTHER_MATCH).state() is State.HELD


def test_a_match_that_the_game_cannot_play_is_released_as_failed():
    server = Server()
    server.told(**{**assign(), "queue": "odd"})
    server.acked()

    assert server.said[-1][1]["reason"] == "failed"
    assert server.game.calls == []


@pytest.mark.parametrize("kind", ["ack", "release"])
def test_what_was_not_answered_is_said_again(kind):
    server = Server()
    server.told(**assign())
    if kind == "release":
        server.acked()
        server.matches.finished(MATCH, {})
    for _ in range(3):
        server.clock.now_s += SAY_AGAIN_S * 0.6
        server.matches.look()

    assert [said for said, _ in server.said].count(kind) == 2


def test_after_a_new_welcome_all_that_matters_is_said_again():
    server = Server(rooms=3).holds(MATCH, room=0).holds(OTHER_MATCH, room=1)
    server.told(**assign("duel." + "c" * 32, room=2))
    server.joins("ann")
    server.joins("bob")
    server.matches.left(MATCH, "bob")
    server.matches.finished(OTHER_MATCH, {})
    server.said.clear()
    server.matches.welcomed(Welcome([MINTER.public_hex()], 1.0))
    hello = server.matches.hello("00")

    assert [kind for kind, _ in server.said] == [
        *["joined", "joined", "left"],
        *["result", "release"],
        "ack",
    ]
    assert [held["match"] for held in hello["holding"]][:2] == [MATCH, OTHER_MATCH]


def test_a_retiring_server_finishes_but_takes_no_more():
    server = Server(rooms=2).holds(MATCH, room=0)
    server.told(type="retire")
    answers = server.told(**assign(OTHER_MATCH, room=1))

    assert answers == ["refused"]
    assert isinstance(server.joins(), Admitted)
    assert not server.matches.idle


def test_a_player_leaves_once_and_comes_back_as_a_rejoin():
    server = Server().holds()
    server.joins()
    server.matches.left(MATCH, "ann")
    server.matches.left(MATCH, "ann")
    again = server.joins()

    assert isinstance(again, Admitted)
    assert again.rejoin
    assert server.witness.kinds()[-3:] == ["player.joined", "player.left", "player.joined"]


def test_a_heartbeat_counts_the_players_of_each_room():
    server = Server(rooms=2).holds(MATCH, room=0)
    server.joins("ann")
    server.joins("bob")
    server.matches.left(MATCH, "bob")
    server.matches.beat(TickLoop(60.0).figures())
    _, beat = server.said[-1]

    assert beat["players"] == 1
    assert [room["players"] for room in beat["rooms"]] == [1]
    assert beat["tick"].rate_hz == 60.0


def test_every_event_names_the_server_and_the_session():
    server = Server().holds()
    server.joins()
    server.matches.finished(MATCH, {})
    server.told(type="released", match=MATCH, epoch=1, ok=True)

    assert server.witness.kinds() == [
        "server.assigned",
        "server.acked",
        "player.joined",
        "match.finished",
        "server.released",
    ]
    told = [fields for _, fields in server.witness.events]
    assert {(e["server"], e["match"], e["room"], e["session_epoch"]) for e in told} == {
        (UID, MATCH, room_id(UID, 0), 1)
    }
