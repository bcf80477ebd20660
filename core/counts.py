"""What was counted from a log, read back: lately by the second, and for two weeks by the minute.

``counting.lua`` counts it. Everything is a count that is added to, so any number of processes may
write, and nothing is lost with any of them.
"""

from core.redis import Store

SLICE_S = 600
"""Seconds whose counts share a hash."""

MINUTE_S = 60
HOUR_S = 3600
"""Minutes whose counts share a hash."""

KEPT_S = 15 * 24 * HOUR_S
"""Counts by the minute are kept at least so long: two weeks and a day."""


async def seconds(store: Store, base: str, kind: str, from_s: int, to_s: int) -> list[int]:
    """Counts of a kind for each second from one up to another, which is not included.

    ``base`` is what the keys of that log's owner begin with.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    slices: dict[str, list[str]] = {}
    for at_s in range(from_s, to_s):
        slices.setdefault(f"{base}:count:s:{at_s // SLICE_S}", []).append(f"{kind}:{at_s}")
    return await _read(store, slices)


async def minutes(store: Store, base: str, kind: str, from_s: int, to_s: int) -> list[int]:
    """Counts of a kind for each minute that begins from one second up to another, not included.

    ``from_s`` is the beginning of a minute; otherwise as ``seconds``.
    """
    slices: dict[str, list[str]] = {}
    for at_s in range(from_s, to_s, MINUTE_S):
        hour = f"{base}:count:m:{kind}:{at_s // HOUR_S}"
        slices.setdefault(hour, []).append(f"{at_s // MINUTE_S}")
    return await _read(store, slices)


async def _read(store: Store, slices: dict[str, list[str]]) -> list[int]:
    replies = await store.many([("HMGET", name, *fields) for name, fields in slices.items()])
    return [int(count or 0) for reply in replies for count in reply]
