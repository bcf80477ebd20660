"""Faults as data: what goes wrong, when, and for whom. Read from a file, or drawn from a seed."""

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from core.errors import Invalid

CallKind = Literal["crash-before", "crash-after", "reply-lost", "reply-late", "refused"]
TimedKind = Literal[
    "kill",
    "pause",
    "clock",
    "store-away",
    "store-slow",
    "cut",
    "slow-reader",
    "clog",
    "server-dies",
]

CALL_KINDS: tuple[str, ...] = CallKind.__args__  # type: ignore[attr-defined]
ANYBODY = "*"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault. ``docs/simulation.md`` tells what each kind does."""

    kind: CallKind | TimedKind
    at_s: float | None = None
    """Virtual seconds since the start. A fault of a call strikes the next call after it."""

    call: int | None = None
    """The number of the store call it strikes, counted from 1 over all processes."""

    who: str = ANYBODY
    """A process (``director-a``), all whose name begins so (``server``), a player, or ``*``."""

    for_s: float = 1.0
    """How long it lasts; after a death, how long until the next start."""

    by_s: float = 0.0
    """How much: of a clock, of a late reply, of a slow store."""

    def __post_init__(self) -> None:
        by_call = self.kind in CALL_KINDS
        if (self.at_s is None) == (self.call is None) or (self.call is not None and not by_call):
            wanted = "at_s or call, and not both" if by_call else "at_s, and no call"
            raise ValueError(f"{self.kind} wants {wanted}")
        if self.for_s < 0.0 or (self.at_s or 0.0) < 0.0:
            raise ValueError("for_s and at_s are seconds, 0 or more")

    def concerns(self, name: str) -> bool:
        """Whether it is this one's."""
        return self.who in {ANYBODY, name} or name.startswith(f"{self.who}-")


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Faults from a file: TOML with ``[[fault]]`` tables, or JSON: a list.

    Raises:
        Invalid: names the file, the place and the cure.
    """
    try:
        text = path.read_text("utf-8")
        held = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
        listed = held.get("fault") if isinstance(held, dict) else held
        return tuple(msgspec.convert(listed, list[Fault]))
    except OSError as unread:
        raise Invalid(f"{path} cannot be read: {unread}", field="--faults") from unread
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        cure = "write [[fault]] tables with kind and at_s or call; see docs/simulation.md"
        raise Invalid(f"{path}: {wrong}; {cure}", field="--faults") from wrong


@dataclass(frozen=True, slots=True)
class Mishap:
    """One line of the dice's table."""

    weight: float
    kind: str
    who: tuple[str, ...]
    for_s: tuple[float, float] = (0.2, 4.0)
    by_s: tuple[float, float] = (0.0, 0.0)


SERVICES = ("director", "allocator", "api", "fleets")

TABLE = (
    Mishap(8, "crash-before", SERVICES),
    Mishap(8, "crash-after", SERVICES),
    Mishap(10, "reply-lost", (*SERVICES, ANYBODY)),
    Mishap(8, "reply-late", SERVICES, by_s=(0.5, 8.0)),
    Mishap(4, "refused", (*SERVICES, ANYBODY)),
    Mishap(8, "kill", SERVICES[:3]),
    Mishap(1, "kill", ("fleets",)),
    Mishap(8, "pause", ("director", "allocator", "fleets"), for_s=(0.5, 12.0)),
    # Shorter than a match: who is cut off for all of one never hears of it, and that is no bug.
    Mishap(4, "pause", ("api",), for_s=(0.2, 2.0)),
    # Production refuses a clock that is more than 2 s off; two of them may differ by that.
    Mishap(5, "clock", (*SERVICES, "server"), for_s=(2.0, 30.0), by_s=(-0.9, 0.9)),
    Mishap(3, "store-away", (ANYBODY,), for_s=(0.1, 6.0)),
    Mishap(2, "store-slow", (ANYBODY,), for_s=(1.0, 10.0), by_s=(0.05, 0.6)),
    Mishap(6, "cut", ("server", "bot"), for_s=(0.1, 12.0)),
    Mishap(5, "slow-reader", ("server", "bot"), for_s=(1.0, 15.0)),
    Mishap(2, "clog", ("server", "bot", ANYBODY), for_s=(1.0, 12.0)),
    Mishap(6, "server-dies", ("server",)),
    Mishap(4, "pause", ("server",), for_s=(1.0, 12.0)),
)

EVERY_S = 6.0
"""Virtual seconds between two faults, in the mean: a run of two minutes sees twenty."""


def draw_faults(dice: random.Random, *, until_s: float) -> tuple[Fault, ...]:
    """A plan for a run: one fault after another until then."""
    plan: list[Fault] = []
    at_s = dice.expovariate(1 / EVERY_S)
    while at_s < until_s:
        plan.append(_draw(dice, at_s))
        at_s += dice.expovariate(1 / EVERY_S)
    return tuple(plan)


def _draw(dice: random.Random, at_s: float) -> Fault:
    mishap = dice.choices(TABLE, [one.weight for one in TABLE])[0]
    fields = {
        "kind": mishap.kind,
        "at_s": round(at_s, 3),
        "who": dice.choice(mishap.who),
        "for_s": round(dice.uniform(*mishap.for_s), 3),
        "by_s": round(dice.uniform(*mishap.by_s), 3),
    }
    return msgspec.convert(fields, Fault)


def split(faults: Sequence[Fault]) -> tuple[list[Fault], list[Fault]]:
    """Those that strike a store call, and those that the clock brings, soonest first."""
    calls = [fault for fault in faults if fault.kind in CALL_KINDS]
    timed = [fault for fault in faults if fault.kind not in CALL_KINDS]
    return calls, sorted(timed, key=lambda fault: fault.at_s or 0.0)
