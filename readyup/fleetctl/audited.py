"""A change that a command makes in the store itself, with its words in the audit."""

import secrets
from collections.abc import Awaitable, Callable

from msgspec import structs

from core.clock import Clock
from core.errors import Rejected
from core.redis import Store
from readyup.fleetctl.user import user
from readyup.operators.audit import Audit, Record
from readyup.operators.deeds import Done


async def audited(
    store: Store,
    clock: Clock,
    change: Callable[[], Awaitable[Done]],
    *,
    what: str,
    target: str,
    reason: str,
) -> None:
    """Make it. Whoever reaches the store may; the audit has the name of the machine's user.

    Raises:
        StoreUnreachable: before the change, it may not be noted, so nothing was done.
    """
    audit = Audit(store, clock)
    record = Record(
        id=secrets.token_hex(8),
        t_ms=clock.wall_ms(),
        who=user(),
        role="operator",
        what=what,
        target=target,
        reason=reason,
        how="store",
    )
    await audit.intent(record)
    try:
        done = await change()
    except Rejected as wrong:
        await audit.outcome(structs.replace(record, outcome="refused", detail=str(wrong)))
        raise
    told = structs.replace(record, outcome="done", before=done.before, after=done.after)
    await audit.outcome(told)
