"""What all players of one crowd share, and who each of them is."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """A player's name, what there is to know of it, and its dice."""

    id: str
    rating: float
    dice: random.Random
    role: str = "damage"
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """Region to round trip."""

    def told(self) -> dict[str, Any]:
        """What a request for a match says of it, besides its name."""
        return {
            "rating": self.rating,
            "attributes": {"role": self.role},
            "latency_ms": dict(self.latency_ms),
        }
