"""What must be true of a store before anything is built on it."""

from core.clock import Clock
from core.errors import Invalid
from core.redis import Store

SKEW_MAX_MS = 2000
"""Scripts take the caller's time, so callers whose clocks disagree would expire each other's
tickets. Facts/reliability §3.5."""


async def preflight(store: Store, clock: Clock) -> None:
    """Refuse a store that may evict our state, and a clock that differs from its own.

    Every primary is asked.

    Raises:
        Invalid: says what is wrong and what cures it.
    """
    for memory in await store.everywhere("INFO", "memory"):
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        if policy != "noeviction":
            raise Invalid(
                f"the store's maxmemory-policy is {policy!r}: it would throw live tickets away "
                "when memory is short; set it to noeviction",
                field="$.store.url",
            )
    for seconds, micros in await store.everywhere("TIME"):
        skew_ms = clock.wall_ms() - (int(seconds) * 1000 + int(micros) // 1000)
        if abs(skew_ms) > SKEW_MAX_MS:
            raise Invalid(
                f"this machine's clock is {skew_ms} ms off the store's; more than {SKEW_MAX_MS} "
                "ms apart they would expire each other's tickets; set the clocks",
                field="$.store.url",
            )
