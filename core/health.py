"""What the parts of one process say of themselves when a machine asks whether they work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """What one part says."""

    ready: bool
    says: str
    """For a person who looks, e.g. ``leads, epoch 3``."""


Ask = Callable[[], Condition]


class Health:
    """The parts of one process; each says for itself whether it does its work."""

    def __init__(self) -> None:
        self._asked: dict[str, Ask] = {}

    def add(self, part: str, ask: Ask) -> None:
        """From now on ``part`` is asked too."""
        self._asked[part] = ask

    def conditions(self) -> Mapping[str, Condition]:
        """Every part, and what it says now."""
        return {part: ask() for part, ask in self._asked.items()}
