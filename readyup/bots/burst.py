"""A burst: so many duels asked for at one moment, beside what the crowd does anyway."""

import re
from dataclasses import dataclass

from core.errors import Invalid

MATCHES_MAX = 1000

LEAD_S = 3.0
"""They come so long before they ask: it is their tickets that come at once, not their sockets."""

ASKED_WITHIN_S = 0.5
"""Even those who all press the same button do not press it in the same millisecond."""

_SHAPE = re.compile(r"(\d{1,4})@(\d{1,6}(?:\.\d{1,3})?)")


@dataclass(frozen=True, slots=True)
class Burst:
    """Two players for each match, who play once and go."""

    matches: int
    at_s: float
    """Seconds since the crowd began."""

    @classmethod
    def of(cls, text: str) -> "Burst":
        """As the options write it.

        Raises:
            Invalid: says how it is written.

        >>> Burst.of("50@20")
        Burst(matches=50, at_s=20.0)
        """
        found = _SHAPE.fullmatch(text)
        if found is None or not 1 <= int(found[1]) <= MATCHES_MAX:
            raise Invalid(
                f"--burst: {text!r} is none; 50@20 is 50 matches at second 20, at most "
                f"{MATCHES_MAX} of them",
                field="--burst",
            )
        return cls(int(found[1]), float(found[2]))

    def __str__(self) -> str:
        return f"{self.matches}@{self.at_s:g}"


def burst_name(crowd: str, n: int) -> str:
    """What the players of a crowd's burst are called."""
    return f"{crowd}-burst-{n}"


def of_burst(player: str) -> bool:
    """Whether a player came with a burst.

    >>> of_burst(burst_name("bot", 7)), of_burst("bot-7")
    (True, False)
    """
    return "-burst-" in player
