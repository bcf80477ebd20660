"""The example game as the bots' ``Game``: one UDP socket for all players of the process."""

import math
import random
from typing import Any, Self

from gameserver.arena.client import ArenaClient, ArenaPort, wander
from readyup.bots.messages import Assignment
from readyup.bots.ports import LinkClosed, LinkQuality

JOIN_S_MAX = 10.0
"""A server that was just assigned says "not yet" for a moment; a dead one says nothing."""


class ArenaLink:
    """A client that was let in."""

    def __init__(self, client: ArenaClient) -> None:
        self._client = client

    async def result(self) -> dict[str, Any]:
        ending = await self._client.ended()
        if ending.result is None:
            raise LinkClosed(ending.reason)
        return ending.result

    def quality(self) -> LinkQuality:
        path = self._client.path
        measured = path.rtt_ms > 0.0  # 0 stands for no echo yet
        return LinkQuality(
            rtt_ms=path.rtt_ms if measured else math.nan,
            jitter_ms=path.jitter_ms if measured else math.nan,
            loss_share=path.loss_share,
        )

    def drop(self) -> None:
        self._client.drop()

    async def close(self) -> None:
        self._client.close()


class Arena:
    """Made inside a running loop; close it by ``with``."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._port = ArenaPort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._port.close()

    async def join(self, assignment: Assignment) -> ArenaLink:
        client = ArenaClient(self._port, steer=wander(self._dice))
        outcome = await client.connect(
            assignment.address, assignment.port, assignment.token, timeout_s=JOIN_S_MAX
        )
        if not outcome.joined:
            raise LinkClosed(outcome.reason)
        return ArenaLink(client)
