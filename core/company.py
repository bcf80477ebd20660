"""Which primaries have had no replica for so long that they keep promises alone.

A Cluster's replica that was promoted stands alone until another server follows it. Whoever
would rather go on than wait says after how long. That is safe against the failover itself: a
primary that was cut off from the others stops writing after ``cluster-node-timeout``, long
before. What nobody else has is lost with a second fault.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from core.address import Endpoint
from core.line import Call, Line

COUNT_S = 3.0
"""How long a primary may take to tell its replicas: it may be waiting for one, for a second."""


class Company:
    """What is known of every primary's replicas."""

    def __init__(self, alone_after_s: float) -> None:
        """0 is never."""
        self.alone: frozenset[Endpoint] = frozenset()
        self.matters = alone_after_s > 0
        self._alone_after_s = alone_after_s
        self._since_s: dict[Endpoint, float] = {}

    def note(self, seen: Mapping[Endpoint, int], *, now_s: float) -> None:
        """So many replicas follow each primary. Who did not say begins anew: a server that
        answers nothing keeps nothing either.
        """
        since_s = self._since_s
        self._since_s = {one: since_s.get(one, now_s) for one, many in seen.items() if not many}
        self.alone = frozenset(
            one
            for one, since_s in self._since_s.items()
            if self.matters and now_s - since_s >= self._alone_after_s
        )

    async def look(self, lines: Mapping[Endpoint, Line]) -> None:
        """Ask every primary for its replicas, and tell its line whether it is alone."""
        loop = asyncio.get_running_loop()
        calls = {one: Call(("INFO", "replication"), loop.create_future()) for one in lines}
        for one, call in calls.items():
            lines[one].put(call)
        await asyncio.wait([call.answer for call in calls.values()], timeout=COUNT_S)
        said = {one: call.answer for one, call in calls.items() if call.answer.done()}
        for call in calls.values():
            call.answer.cancel()
        self.note(
            {one: followers(got.result()) for one, got in said.items() if not got.exception()},
            now_s=loop.time(),
        )
        for one, line in lines.items():
            line.alone = one in self.alone


def followers(replication: Mapping[str, Any]) -> int:
    """Replicas that have caught up with a primary, by its ``INFO replication``."""
    return sum(
        isinstance(one, dict) and one.get("state") == "online" for one in replication.values()
    )
