"""How often one address may be wrong about who it is."""

from core.clock import Clock
from core.errors import Limited
from matchmaker.api.limits import Rate

RATE = Rate(per_s=1 / 6, burst=10)
"""Ten wrong tries at once, then ten a minute. A token has 256 bits: this is for the log's sake,
and for tokens that somebody made up."""

ADDRESSES_MAX = 10_000
"""Addresses remembered; beyond it the one that was wrong first starts anew."""


class Tries:
    """The wrong tries of each address, in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._even_s: dict[str, float] = {}

    def may_try(self, address: str) -> None:
        """Let an address try.

        Raises:
            Limited: it was wrong too often; also a right token is not looked at then.
        """
        _, wait_s = RATE.after(self._even_s.get(address, 0.0), self._clock.elapsed_s())
        if wait_s:
            raise Limited("too many wrong tries from this address", retry_after_s=wait_s)

    def was_wrong(self, address: str) -> None:
        """Count a wrong try."""
        even_s, _ = RATE.after(self._even_s.pop(address, 0.0), self._clock.elapsed_s())
        self._even_s[address] = even_s
        while len(self._even_s) > ADDRESSES_MAX:
            del self._even_s[next(iter(self._even_s))]
