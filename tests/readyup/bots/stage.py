"""Players by name on a service in memory, under virtual time."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from core import dice
from core.clock import LoopClock
from core.eventfile import EventFile
from readyup.bots.diary import Diary
from readyup.bots.habits import Habits
from readyup.bots.party import Party
from readyup.bots.player import Player
from readyup.bots.tally import Tally
from readyup.bots.world import Who, World
from tests.readyup.bots.fakes import FakeMatch, FakeService

CALM = Habits(cancel_share=0.0, drop_share=0.0, crash_share=0.0, think_s_mean=1.0, rounds_mean=1.0)


class Stage:
    """Players by name, what they witnessed, and the service they play on."""

    def __init__(self, path: Path, habits: Habits, service: FakeService) -> None:
        self.service = service
        self.tally = Tally()
        self.world = World(service, service, habits, run="r")
        self.players: dict[str, Player] = {}
        self._path = path
        self._events = EventFile(path, "bot", LoopClock())

    def party(self, *names: str, queue: str = "duel", rounds: int = 1, think_s: float = 0.1):
        party = Party(queue, rounds)
        for n, name in enumerate(names):
            who = Who(name, 1500.0, dice.stream(1, name))
            diary = Diary(name, queue, self.tally, self._events)
            # The leader thinks longest, so that shares of several players do not matter.
            player = Player(who, self.world, party, diary, first_think_s=think_s + n)
            party.members.append(player)
            self.players[name] = player

    def events(self, player: str, *kinds: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._path.read_text().splitlines()]
        return [e for e in lines if e["player"] == player and e["k"] in kinds]

    def only_match(self) -> FakeMatch:
        (match,) = self.service.matches.values()
        return match


Script = Callable[[Stage], Awaitable[None]]
Play = Callable[..., Stage]


def two_duellists(stage: Stage) -> None:
    stage.party("ann")
    stage.party("bob", think_s=2.0)
