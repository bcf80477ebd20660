"""The newest of a match, asked of its server before the match is taken away."""

from collections.abc import Collection, Mapping

from allocator import frames
from allocator.drain import Stay
from allocator.link import Link
from core.ids import ServerUid

LAST_WORD_MS = 1_000
"""How long a server may take to answer. Each allocator asks the servers that are connected to
it, and all of them see a deadline within a quarter of a second of one another."""


class LastWords:
    """Of one fleet's servers. The answer is a ``handover``, with which the match moves."""

    def __init__(self, links: Mapping[ServerUid, Link]) -> None:
        self._links = links
        self._asked_ms: dict[Stay, int] = {}

    def asked(self, stay: Stay, server: ServerUid, *, now_ms: int) -> bool:
        """Ask, the first time, if the server is connected here.

        Returns whether its time to answer is over.
        """
        if stay not in self._asked_ms:
            self._asked_ms[stay] = now_ms
            if link := self._links.get(server):
                link.push(frames.leave(stay.match, stay.epoch))
        return now_ms - self._asked_ms[stay] >= LAST_WORD_MS

    def forget_others(self, stays: Collection[Stay]) -> None:
        """Keep in mind only these."""
        self._asked_ms = {one: at_ms for one, at_ms in self._asked_ms.items() if one in stays}
