"""What an invariant is: it sees events, judges some, and names what breaks it."""

from dataclasses import dataclass
from typing import ClassVar

from readyup.history.story import Handlers, Story

BREACHES_MAX = 10
"""Breaches told in full, by invariant. One cause often breaks the same thing a thousand times."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that must not be: a sentence, and the ids whose lines tell the tale."""

    invariant: str
    detail: str
    ids: tuple[str, ...]


class Invariant:
    """Base of all: handlers judge as events pass, ``finish`` judges what takes the whole run."""

    title: ClassVar[str]

    def __init__(self, story: Story) -> None:
        self.story = story
        self.judged = 0
        self.breaches: list[Breach] = []
        self.untold = 0
        self.remarks: list[str] = []
        """What it could not judge, though nothing is broken."""

    def handlers(self) -> Handlers:
        """What to do on which kind; called before the story moves on by that event."""
        return {}

    def finish(self) -> None:
        """Judge what only the end can tell."""

    def breach(self, detail: str, *ids: str) -> None:
        """Note a breach; beyond ``BREACHES_MAX`` they are counted only."""
        if len(self.breaches) < BREACHES_MAX:
            self.breaches.append(Breach(self.title, detail, ids))
        else:
            self.untold += 1
