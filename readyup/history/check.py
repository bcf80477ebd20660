"""The walk through a log that proves what always holds, or names what broke it.

One pass, a few dictionary look-ups for each line. Only when something is breached the
file is read once more, for the lines that tell how.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from readyup.history.acceptance import AllAccepted
from readyup.history.assignments import HeldRoom
from readyup.history.ends import Conserved, EverythingEnds
from readyup.history.event import Event
from readyup.history.handovers import Outlives
from readyup.history.invariant import Breach, Invariant
from readyup.history.matches import OneDirector, PartiesWhole, Survives, Whole
from readyup.history.reading import read
from readyup.history.rooms import HeldForAReason, InUseKept, OneHolder
from readyup.history.seats import SeatsOnce
from readyup.history.story import Story
from readyup.history.tickets import LeavesOnce, OneMatch, SameKey
from readyup.history.witnesses import Witnesses

INVARIANTS: tuple[type[Invariant], ...] = (
    OneMatch,
    Whole,
    LeavesOnce,
    OneHolder,
    HeldRoom,
    InUseKept,
    PartiesWhole,
    OneDirector,
    SameKey,
    Conserved,
    HeldForAReason,
    Survives,
    EverythingEnds,
    AllAccepted,
    Outlives,
    SeatsOnce,
    Witnesses,
)
"""In the order of the architecture; what ties the log to those who were there comes last."""

LINES_MAX = 20
"""Lines shown with a breach."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a log proves."""

    events: int
    breaches: tuple[Breach, ...]
    untold: int
    """Breaches beyond those told in full."""
    judged: dict[str, int]
    """By invariant, how many things it judged; one that judged nothing proved nothing."""
    missing: tuple[str, ...]
    """Why the log is no whole run, whatever it shows; empty for a whole one."""
    remarks: tuple[str, ...] = ()
    """What could not be judged, though nothing is broken."""
    lines: dict[Breach, list[dict[str, Any]]] = field(default_factory=dict)
    """The first lines that name a breach's ids."""

    @property
    def exit_code(self) -> int:
        """0 proved, 1 breached, 2 cannot be judged."""
        if self.breaches:
            return 1
        return 2 if self.missing else 0


class Walk:
    """A story and the invariants beside it, moved on by one event after the other."""

    def __init__(self, invariants: Iterable[type[Invariant]]) -> None:
        self.story = Story()
        self.invariants = [invariant(self.story) for invariant in invariants]
        self.events = 0
        self._steps: defaultdict[type[Event], list[Callable[[Any], None]]] = defaultdict(list)
        self._tell = self.story.handlers()
        tables = [invariant.handlers() for invariant in self.invariants]
        for table in (*tables, self._tell):  # the story last: others see it as it was before
            for kind, handle in table.items():
                self._steps[kind].append(handle)

    def take(self, event: Event) -> None:
        """Judge an event, then let the story move on by it."""
        self.events += 1
        for step in self._steps.get(type(event), ()):
            step(event)

    def tell(self, event: Event) -> None:
        """Let the story move on by an event that cannot be judged: its beginning was missed."""
        self.events += 1
        if step := self._tell.get(type(event)):
            step(event)


def check(path: Path) -> Verdict:
    """Judge a log file.

    Raises:
        Invalid: a line is no event; the message names it.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        verdict = judge(file, path.name)
    if verdict.breaches:
        with path.open("rb") as file:
            verdict.lines.update(_evidence(file, verdict.breaches))
    return verdict


def judge(lines: Iterable[bytes], name: str) -> Verdict:
    """Judge the lines of a log; ``name`` stands in messages. Raises as ``check`` does."""
    walk = Walk(INVARIANTS)
    story, invariants = walk.story, walk.invariants
    for event in read(lines, name):
        walk.take(event)
    for invariant in invariants:
        invariant.finish()

    return Verdict(
        events=walk.events,
        breaches=tuple(breach for invariant in invariants for breach in invariant.breaches),
        untold=sum(invariant.untold for invariant in invariants),
        judged={invariant.title: invariant.judged for invariant in invariants},
        missing=tuple(_missing(story)),
        remarks=tuple(remark for invariant in invariants for remark in invariant.remarks),
    )


def _missing(story: Story) -> Iterable[str]:
    if not story.started:
        yield "no run.started: the beginning is missing"
    if story.ended is None:
        yield "no run.ended: the run was cut off before its last figures"
    elif story.ended.missed:
        yield f"{story.ended.missed} store events were trimmed before they were recorded"
    if not story.tickets:
        yield "no ticket was ever enqueued: there is nothing to prove"


def _evidence(
    lines: Iterable[bytes], breaches: tuple[Breach, ...]
) -> dict[Breach, list[dict[str, Any]]]:
    wanted: defaultdict[str, list[Breach]] = defaultdict(list)
    found: dict[Breach, list[dict[str, Any]]] = {breach: [] for breach in breaches}
    for breach in breaches:
        for name in breach.ids:
            wanted[name].append(breach)
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for line in lines:
        event = decode(line)
        for breach in {b for text in set(_texts(event)) for b in wanted.get(text, ())}:
            if len(found[breach]) < LINES_MAX:
                found[breach].append(event)
    return found


def _texts(value: object) -> Iterable[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case _:
            return
