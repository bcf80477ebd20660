"""What is kept of a match: by which rules, how good and in what, out of whom, and why now."""

from collections.abc import Mapping
from typing import Literal

import msgspec

IN_FORCE_MAX = 24
TERMS_MAX = 40
"""So that no rule set makes a receipt longer than about two kilobytes."""

Because = Literal["allowed", "waited", "thin"]


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of one match, as it was when it was found."""

    rules: str
    """Their version."""

    name: str = ""
    """What the rule set calls itself."""

    quality: float = 1.0
    """The mean of its terms, before they are rounded and cut to the worst ones."""

    terms: Mapping[str, float] = {}
    """Each 0 to 1: rules by name, or ``rating`` for a rating window, and the teams' evenness."""

    age_s: float = 0.0
    """By which the rules were judged."""

    in_force: tuple[str, ...] = ()
    """Expansions that had taken effect, e.g. ``near.maxDistance is 150``."""

    waiting: int = 0
    """Tickets in the pool."""

    candidates: int = 0
    """Of those, how many its longest waiting could have played with, as far as columns tell:
    equal texts, something in common, near enough in skill and latency."""

    found: int = 1
    """Matches that the same pass made."""

    better: int = 0
    """Of those, how many were of a higher quality."""

    waited_s: float = 0.0
    """What its players had waited, on average."""

    bar_s: float = 0.0
    """What they had to have waited, by the dial, for a match of this quality."""

    coming_per_s: float = 0.0
    """Matches' worth of players of its kind who come each second."""

    because: Because = "allowed"
    """Why it was made now. allowed: the rules allowed it, and the dial holds nothing back.
    waited: its players had waited for ``bar_s``. thin: too few would have come until then."""


_decode = msgspec.json.Decoder(Receipt).decode


def receipt_of(said: str | None) -> Receipt | None:
    """A receipt as it is stored and logged; None where there is none, or of another time."""
    try:
        return _decode(said) if said else None
    except msgspec.DecodeError:
        return None


def bounded(terms: Mapping[str, float]) -> dict[str, float]:
    """Terms as they are kept: the worst ones, when there are many."""
    worst = sorted(terms, key=terms.__getitem__)[:TERMS_MAX]
    return {name: round(value, 4) for name, value in terms.items() if name in worst}
