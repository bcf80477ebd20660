"""What is said about a room: to the allocator over the line, and to this server's witness."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.clock import Clock
from core.ids import PlayerId
from gameserver.admission import TurnedAway
from gameserver.environment import Environment
from gameserver.ports import Line, Witness
from gameserver.rooms import Assignment, Room, State
from gameserver.tick import TickFigures
from gameserver.vacancies import Request


class Telling:
    """Puts rooms into words. All of it may be said again; the allocator takes it once."""

    def __init__(self, environment: Environment, witness: Witness, clock: Clock) -> None:
        self.line: Line = _Nobody()
        """To the allocator; the runtime puts the real one here."""

        self._environment = environment
        self._witness = witness
        self._clock = clock

    def hello(self, nonce: str, rooms: Iterable[Room]) -> Mapping[str, Any]:
        """Who we are and what we hold, signed with the server's key."""
        me = self._environment
        proof = me.key.sign(b"readyup-hello|" + me.uid.encode() + b"|" + nonce.encode())
        return {
            "type": "hello",
            "uid": me.uid,
            "name": me.name,
            "fleet": me.fleet,
            "version": me.version,
            "rooms": me.rooms,
            "holding": [
                {"room": room.id, "match": room.match.match, "epoch": room.match.epoch}
                for room in rooms
                if room.match is not None
            ],
            "sig": proof.hex(),
        }

    def heartbeat(self, rooms: Iterable[Room], tick: TickFigures) -> None:
        """Alive, holding this, with so many players, so punctual."""
        held = [
            {
                "room": room.id,
                "match": room.match.match,
                "epoch": room.match.epoch,
                "players": room.players,
                "roster": room.match.roster,
            }
            for room in rooms
            if room.match is not None
        ]
        players = sum(room.players for room in rooms)
        self.line.send("heartbeat", rooms=held, tick=tick, players=players)

    def everything(self, room: Room) -> None:
        """All about a room that still matters to an allocator that may have missed it."""
        if room.state is State.PLAYING:
            for player, here in room.here.items():
                self.joined(room, player, rejoin=False)
                if not here:
                    self.left(room, player)
        room.snapshot.unsaid()
        self.unanswered(room)

    def unanswered(self, room: Room) -> None:
        """Only that of a room which waits for an answer."""
        if room.state is State.ASSIGNED:
            self.ack(room)
        elif room.state is State.ENDED:
            self.release(room)
        if room.leaving and room.state is not State.ENDED:
            self.handover(room)

    def ack(self, room: Room) -> None:
        """We know the match; is it still ours?"""
        held = self._asking(room)
        self.line.send("ack", match=held.match, room=room.id, epoch=held.epoch)

    def release(self, room: Room) -> None:
        """The room is yours again; and the result, if there is one."""
        held = self._asking(room)
        if room.result is not None:
            self.line.send("result", match=held.match, epoch=held.epoch, result=room.result)
        self.line.send(
            "release",
            match=held.match,
            room=room.id,
            epoch=held.epoch,
            reason=room.reason,
            left=room.left,
        )

    def snapshot(self, room: Room) -> None:
        """What another server would need to go on."""
        held, kept = _held(room), room.snapshot
        self.line.send("snapshot", match=held.match, epoch=held.epoch, n=kept.n, state=kept.state)
        kept.said(self._clock.elapsed_s())

    def draining(self) -> None:
        """We are told to go: no more matches for us."""
        self.line.send("draining")

    def handover(self, room: Room) -> None:
        """Another server, please; with the last word about the match, if the game had any."""
        held, kept = self._asking(room), room.snapshot
        last = {} if kept.state is None else {"n": kept.n, "state": kept.state}
        self.line.send("handover", match=held.match, room=room.id, epoch=held.epoch, **last)

    def joined(self, room: Room, player: PlayerId, *, rejoin: bool) -> None:
        """A player is connected."""
        held = _held(room)
        self.line.send("joined", match=held.match, epoch=held.epoch, player=player, rejoin=rejoin)

    def left(self, room: Room, player: PlayerId) -> None:
        """A player is not connected any more."""
        held = _held(room)
        self.line.send("left", match=held.match, epoch=held.epoch, player=player)

    def backfill(self, room: Room, request: Request) -> None:
        """Players, please; or none, where no seat is open."""
        held = _held(room)
        self.line.send(
            "backfill",
            match=held.match,
            epoch=held.epoch,
            n=room.vacancies.n,
            open=request.open,
            gone=request.gone,
            automatic=request.automatic,
        )

    def refused(self, offered: Assignment, reason: str) -> None:
        """We do not take this match."""
        self.line.send(
            "refused", match=offered.match, room=offered.room, epoch=offered.epoch, reason=reason
        )

    def note(self, kind: str, room: Room, **fields: object) -> None:
        """Witness that it happened to this room's match."""
        held = _held(room)
        self._witness.write(
            kind,
            server=self._environment.uid,
            match=held.match,
            room=room.id,
            session_epoch=held.epoch,
            **fields,
        )

    def note_refusal(self, verdict: TurnedAway) -> None:
        """Witness that somebody was turned away."""
        seat = verdict.seat
        whose = {"match": seat.match, "player": seat.player} if seat is not None else {}
        self._witness.write(
            "join.refused",
            server=self._environment.uid,
            reason=verdict.why,
            detail=verdict.detail,
            **whose,
        )

    def _asking(self, room: Room) -> Assignment:
        room.said_s = self._clock.elapsed_s()
        return _held(room)


class _Nobody:
    """The line before there is one."""

    up = False

    def send(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Nobody hears it."""


def _held(room: Room) -> Assignment:
    assert room.match is not None, f"{room.id} holds no match"
    return room.match
