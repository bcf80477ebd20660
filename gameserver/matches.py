"""The matches of one server: what the allocator says about them, and who plays in them.

This is the ``Host`` that the game sees and the ``Speaker`` of the sessions API. Every change
goes through the table in rooms.py.
"""

import logging
from collections.abc import Collection, Mapping
from typing import Any, Final, assert_never

from core.clock import Clock
from core.errors import Rejected
from core.ids import MatchId, PlayerId, room_id
from gameserver.admission import Admitted, Door, TurnedAway, Why
from gameserver.environment import Environment
from gameserver.leaving import Leaving
from gameserver.ports import Game
from gameserver.refilling import Refilling
from gameserver.rooms import Answer, Assignment, Command, Event, Room, State, consider, step
from gameserver.sessions_link import (
    Acked,
    Assign,
    Backfill,
    Challenge,
    Leave,
    Message,
    Released,
    Retire,
    Roster,
    Welcome,
    Withdrawn,
)
from gameserver.telling import Telling
from gameserver.tick import TickFigures

log = logging.getLogger("readyup.gameserver.matches")

STOPPING: Final = "stopping"

SAY_AGAIN_S: Final = 2.0
"""An ack or a release that got no answer for so long is sent again."""


class Matches:
    """Rooms and who is in them."""

    def __init__(
        self, environment: Environment, game: Game, telling: Telling, clock: Clock
    ) -> None:
        self.heartbeat_s = 0.1
        """As the allocator asked; short before the first welcome, so that a beat follows it."""

        self.hand_over_s = 0.0
        """As the allocator said: how long a server that goes plays on before it hands over."""

        self._snapshot_s = 0.0
        self.retiring = ""
        """Why no more matches are taken; empty while they are."""

        self._game = game
        self._tell = telling
        self._refilling = Refilling(telling, clock)
        self._clock = clock
        ids = [room_id(environment.uid, n) for n in range(environment.rooms)]
        self._rooms = {name: Room(name) for name in ids}
        self._door = Door(environment.uid, self._rooms)
        self.leaving = Leaving(self._rooms, telling)

    # What the process asks.

    def count(self, *states: State) -> int:
        """How many rooms are in these states."""
        return sum(room.state in states for room in self._rooms.values())

    @property
    def idle(self) -> bool:
        """True when every room is free."""
        return self.count(State.FREE) == len(self._rooms)

    def retire(self, reason: str) -> None:
        """Take no more matches; those that are here go on."""
        self.retiring = self.retiring or reason

    @property
    def hands_over(self) -> bool:
        """Whether the allocator has matches in play go on elsewhere."""
        return self._snapshot_s > 0

    def drain(self) -> None:
        """Take no more matches, and have the allocator know; those that nobody joined move."""
        self.retire(STOPPING)
        self._tell.draining()
        self.leaving.hand_over(State.ASSIGNED, State.HELD)

    def give_up(self, *states: State) -> None:
        """Release the rooms in these states as failed, so that the allocator can act."""
        for room in self._rooms.values():
            if room.state in states:
                self._apply(room, Event.FAILED)

    def look(self) -> None:
        """Act on what time alone brings: nobody came, nobody answered. Cheap; call often."""
        now_s = self._clock.elapsed_s()
        for room in self._rooms.values():
            if room.state is State.HELD and now_s > room.join_by_s:
                self._apply(room, Event.NO_JOIN)
            if room.state is State.PLAYING and room.snapshot.due(now_s, every_s=self._snapshot_s):
                self._tell.snapshot(room)
            self._refilling.look(room)
            if now_s - room.said_s > SAY_AGAIN_S:
                self._tell.unanswered(room)

    def beat(self, tick: TickFigures) -> None:
        """Send a heartbeat."""
        self._door.sweep(now_ms=self._clock.wall_ms())
        self._tell.heartbeat(self._rooms.values(), tick)

    # What the allocator says (Speaker).

    def hello(self, nonce: str) -> Mapping[str, Any]:
        """Who we are and what we hold."""
        return self._tell.hello(nonce, self._rooms.values())

    def welcomed(self, welcome: Welcome) -> None:
        """The line is up: learn the keys, and say again all that still matters."""
        self._door.learn(welcome.join_keys)
        self.heartbeat_s = welcome.heartbeat_s
        self.hand_over_s, self._snapshot_s = welcome.finish_s, welcome.snapshot_s
        self._refilling.rejoin_s = welcome.rejoin_s
        if self.retiring == STOPPING:
            self._tell.draining()
        for room in self._rooms.values():
            self._tell.everything(room)

    def told(self, message: Message) -> None:
        """One message of the allocator."""
        match message:
            case Assign():
                self._assigned(message)
            case Acked():
                event = Event.ACKED if message.ok else Event.REFUSED
                self._answered(message, State.ASSIGNED, event)
            case Released():
                self._answered(message, State.ENDED, Event.RELEASED)
            case Withdrawn():
                self._withdrawn(message)
            case Roster():
                self._refilling.reseat(self._room_of(message.match), message)
            case Backfill():
                self._refilling.answered(self._room_of(message.match), message)
            case Leave():
                self.leaving.called(message)
            case Retire():
                self.retire("retired")
            case Welcome() | Challenge():
                log.warning("sessions.unexpected", extra={"said": type(message).__name__})
            case _:
                assert_never(message)

    def _assigned(self, message: Assign) -> None:
        offered = Assignment(
            match=message.match,
            room=message.room,
            epoch=message.epoch,
            queue=message.queue,
            players=tuple(message.players),
            join_deadline_s=message.join_deadline_s,
            snapshot=message.snapshot,
            roster=message.roster,
        )
        room = self._rooms.get(message.room)
        if room is None:
            self._refuse(offered, "no such room here")
            return
        answer = consider(room, offered)
        if answer is Answer.REPEAT:
            self._tell.ack(room)
        elif answer is Answer.REFUSE:
            assert room.match is not None
            self._refuse(offered, f"held by {room.match.match} at epoch {room.match.epoch}")
        elif answer in {Answer.TAKE, Answer.TURN_OVER} and self.retiring:
            self._refuse(offered, self.retiring)
        else:
            if answer is Answer.TURN_OVER:
                self._apply(room, Event.RELEASED)
            if answer is Answer.REPLACE:
                room.reason = "moved"
                self._apply(room, Event.WITHDRAWN)
            room.match = offered
            self._tell.note("server.assigned", room)
            self._apply(room, Event.ASSIGN)

    def _refuse(self, offered: Assignment, reason: str) -> None:
        log.warning(
            "match.refused",
            extra={"match": offered.match, "room": offered.room, "reason": reason},
        )
        self._tell.refused(offered, reason)

    def _answered(self, message: Acked | Released, state: State, event: Event) -> None:
        for room in self._rooms.values():
            held = room.match
            if held and (held.match, held.epoch) == (message.match, message.epoch):
                if room.state is state:  # else an answer to something said twice
                    self._apply(room, event)
                return

    def _withdrawn(self, message: Withdrawn) -> None:
        room = self._rooms.get(message.room)
        if room is None or room.match is None or room.match.match != message.match:
            return
        if room.match.epoch <= message.epoch:  # else old news
            room.reason = "moved" if message.reason == "moved" else "withdrawn"
            self._apply(room, Event.WITHDRAWN)

    # What the game says (Host).

    def admit(self, token: str) -> Admitted | TurnedAway:
        """Let a player in, or not; joins and refusals are witnessed."""
        verdict = self._door.check(token, now_ms=self._clock.wall_ms())
        if isinstance(verdict, TurnedAway):
            if verdict.why is not Why.NOT_YET:  # the client asks again in a moment
                self._tell.note_refusal(verdict)
            return verdict
        room = self._rooms[verdict.room]
        player, rejoin = verdict.seat.player, verdict.rejoin
        room.here[player] = True
        room.vacancies.back(player)
        self._apply(room, Event.JOINED)
        self._tell.note("player.joined", room, player=player, jti=verdict.jti, rejoin=rejoin)
        self._tell.joined(room, player, rejoin=rejoin)
        return verdict

    def left(self, match: MatchId, player: PlayerId) -> None:
        """Note and say that the player is gone; one who was not here is no news."""
        room = self._room_of(match)
        if room is None or not room.here.get(player):
            return
        room.here[player] = False
        self._refilling.left(room, player)
        self._tell.note("player.left", room, player=player)
        self._tell.left(room, player)

    def snapshot(self, match: MatchId, state: bytes) -> None:
        """Keep it; ``look`` says it when its time has come."""
        room = self._room_of(match)
        assert room is not None, f"{match} is not played here"
        room.snapshot.take(state)

    def backfill(
        self, match: MatchId, open_: Mapping[str, int], gone: Collection[PlayerId] = ()
    ) -> None:
        """Ask for players; ``look`` says it."""
        if (room := self._room_of(match)) is not None:
            self._refilling.ask(room, open_, gone)

    def finished(self, match: MatchId, result: dict[str, Any]) -> None:
        """Note and say the result, and release the room."""
        room = self._room_of(match)
        assert room is not None, f"{match} is not played here"
        room.result = result
        self._refilling.end(room)
        room.reason = "finished"
        self._tell.note("match.finished", room, result=result)
        self._apply(room, Event.FINISHED)

    def _room_of(self, match: MatchId) -> Room | None:
        held = (State.HELD, State.PLAYING)
        for room in self._rooms.values():
            if room.state in held and room.match is not None and room.match.match == match:
                return room
        return None

    # What follows.

    def _apply(self, room: Room, event: Event) -> None:
        reached = step(room.state, event)
        room.state = reached.state
        if event in {Event.NO_JOIN, Event.FAILED, Event.UNPLAYABLE}:
            room.reason = "no-join" if event is Event.NO_JOIN else "failed"
        for command in reached.commands:
            self._carry_out(room, command)

    def _carry_out(self, room: Room, command: Command) -> None:
        held = room.match
        assert held is not None
        match command:
            case Command.SEND_ACK:
                self._tell.ack(room)
            case Command.START:
                self._start(room, held)
            case Command.STOP:
                self._game.stop(held.match, room.reason)
            case Command.SEND_RELEASE:
                self._tell.release(room)
            case Command.CLEAR:
                self._tell.note("server.released", room, reason=room.reason or "refused")
                self._door.forget(held.match, held.epoch, now_ms=self._clock.wall_ms())
                room.clear()
            case _:
                assert_never(command)

    def _start(self, room: Room, held: Assignment) -> None:
        self._tell.note("server.acked", room)
        room.join_by_s = self._clock.elapsed_s() + held.join_deadline_s
        try:
            self._game.start(held)
        except Rejected as cannot:
            log.warning(
                "match.failed",
                extra={"match": held.match, "room": room.id, "reason": str(cannot)},
            )
            self._apply(room, Event.UNPLAYABLE)
