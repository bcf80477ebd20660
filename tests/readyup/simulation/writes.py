"""Which calls of an evening change the store: a crash beside any other leaves what was there."""

import functools
from collections.abc import Awaitable, Callable
from unittest import mock

from readyup.simulation.evening import Evening
from readyup.simulation.store import VirtualStore
from readyup.simulation.world import simulate

Method = Callable[..., Awaitable[object]]

LOOKS = frozenset({
    "EXISTS", "GET", "HGET", "HGETALL", "HLEN", "HMGET", "INFO", "PING", "SCARD", "SISMEMBER",
    "SMEMBERS", "TIME", "XINFO", "XLEN", "XRANGE", "XREVRANGE", "ZCARD", "ZCOUNT", "ZRANGE",
    "ZSCORE",
})  # fmt: skip
"""Commands that change nothing; any other may, and so may every script."""


def writes(evening: Evening) -> list[int]:
    """The numbers of an evening's calls that may change something, in order."""
    found: list[int] = []

    def noting(method: Method, changes: Callable[..., bool]) -> Method:
        @functools.wraps(method)
        async def noted(store: VirtualStore, *asked: object) -> object:
            if changes(*asked):
                found.append(store._road.calls + 1)
            return await method(store, *asked)

        return noted

    with mock.patch.multiple(
        VirtualStore,
        call=noting(VirtualStore.call, lambda name, *_: name not in LOOKS),
        many=noting(VirtualStore.many, lambda all_: any(one[0] not in LOOKS for one in all_)),
        run=noting(VirtualStore.run, lambda *_: True),
    ):
        simulate(evening)
    return found
