"""What all players of one crowd share, and who each of them is."""

import random
from dataclasses import dataclass

from readyup.bots.behaviour import Mood
from readyup.bots.habits import Habits
from readyup.bots.ports import Api, Game


@dataclass(slots=True)
class World:
    """One per crowd; ``mood`` is the one thing that changes."""

    api: Api
    game: Game
    habits: Habits
    run: str
    """Part of every idempotency key: a second run with the same seed asks for new tickets."""

    key: str = "dev-player:{player}"
    mood: Mood = Mood.OPEN


@dataclass(frozen=True, slots=True)
class Who:
    """A player's name, rating and dice."""

    id: str
    rating: float
    dice: random.Random
