"""People who queue together: who speaks for them, and whether all are there."""

from dataclasses import dataclass
from typing import Any, Protocol

from readyup.bots.standing import Phase
from readyup.bots.world import Who


@dataclass(frozen=True, slots=True)
class Nudge:
    """Said to a player: something about the party or the crowd changed, think again."""


class Member(Protocol):
    """A player, as its party sees it."""

    @property
    def id(self) -> str: ...

    @property
    def who(self) -> Who: ...

    @property
    def phase(self) -> Phase: ...

    @property
    def connected(self) -> bool: ...

    def nudge(self) -> None:
        """Have it think again."""
        ...


class Party:
    """One to three players with one number of rounds to play."""

    def __init__(self, queue: str, rounds: int) -> None:
        self.queue = queue
        self.members: list[Member] = []
        self._rounds_left = rounds
        self._ticket = ""
        self._since_s = 0.0

    def over(self) -> bool:
        """Whether it is time to go home."""
        return self._rounds_left <= 0

    def present(self) -> list[Member]:
        """Who has neither left nor crashed."""
        return [member for member in self.members if member.phase is not Phase.GONE]

    def bereft(self) -> bool:
        """Whether somebody has gone, perhaps after enqueueing everybody."""
        return len(self.present()) < len(self.members)

    def waits(self) -> bool:
        """Whether one of them knows of a ticket that waits; the others are told later."""
        return any(member.phase is Phase.WAITING for member in self.members)

    def waiting_since_s(self, ticket: str, *, now_s: float) -> float:
        """When the first of them heard that this ticket waits; now, when that is this moment."""
        if ticket != self._ticket:
            self._ticket, self._since_s = ticket, now_s
        return self._since_s

    def knows(self, ticket: str) -> bool:
        """Whether anybody heard that this ticket waits."""
        return ticket == self._ticket

    def leads(self, member: Member) -> bool:
        """The first one present speaks for all."""
        return next((m for m in self.members if m.phase is not Phase.GONE), None) is member

    def together(self) -> bool:
        """Whether all who are present are connected and free to queue."""
        return all(m.phase is Phase.RESTING and m.connected for m in self.present())

    def others(self, leader: Member, key: str) -> list[dict[str, Any]]:
        """The rest of the party as an enqueue names them; ``key`` has a ``{player}`` in it."""
        return [
            {"id": m.id, "key": key.format(player=m.id), **m.who.told()}
            for m in self.present()
            if m is not leader
        ]

    def round_done(self) -> None:
        """Said by the leader; after the last round everybody thinks again, and goes."""
        self._rounds_left -= 1
        if self.over():
            self.nudge()

    def nudge(self) -> None:
        for member in self.members:
            member.nudge()
