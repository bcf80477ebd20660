"""What was counted from a log by the second, read back; ``counting.lua`` counts it.

Everything is a count that is added to, so any number of processes may write, and nothing is
lost with any of them.
"""

from core.redis import Store

SLICE_S = 600
"""Seconds whose counts share a hash."""


async def seconds(store: Store, base: str, kind: str, from_s: int, to_s: int) -> list[int]:
    """Counts of a kind for each second from one up to another, which is not included.

    ``base`` is what the keys of that log's owner begin with.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    if to_s <= from_s:
        return []
    slices: dict[int, list[str]] = {}
    for at_s in range(from_s, to_s):
        slices.setdefault(at_s // SLICE_S, []).append(f"{kind}:{at_s}")
    replies = await store.many(
        [("HMGET", f"{base}:count:s:{n}", *fields) for n, fields in slices.items()]
    )
    return [int(count or 0) for reply in replies for count in reply]
