"""Leadership by a lease with a fencing epoch, kept where the state it guards is kept.

A lease is for liveness only. Safety comes from the epoch: every script that the leader
runs carries it and is refused when a newer one exists, so a leader that was paused for
an hour and wakes up does no harm.
"""

from dataclasses import dataclass

from core.clock import Clock
from core.lua import LuaScript
from core.redis import Store

LEASE = LuaScript.load("core", "lease")

LEASE_MS = 3000
RENEW_S = 1.0
"""A third of the lease: two renewals may be lost before somebody else leads."""


@dataclass(slots=True)
class Lease:
    """One candidate's hold on one leadership."""

    store: Store
    leader_key: str
    log_key: str
    holder: str
    clock: Clock
    lease_ms: int = LEASE_MS
    epoch: int = 0
    """The epoch this candidate leads with; 0 while somebody else does."""

    _until_s: float = 0.0

    async def renew(self) -> int:
        """Take or keep the lease; returns the epoch led with, or 0.

        Asking again while leading keeps the epoch; after the lease ran out it is a new
        term with a higher one.
        """
        # Counted from before the question was sent: we stop believing before Redis does.
        asked_s = self.clock.elapsed_s()
        self.epoch = await self._ask(self.lease_ms)
        self._until_s = asked_s + self.lease_ms / 1000 if self.epoch else 0.0
        return self.epoch

    def leads(self) -> bool:
        """Whether this candidate may still believe that it leads."""
        return self.epoch > 0 and self.clock.elapsed_s() < self._until_s

    async def give_up(self) -> None:
        """Let somebody else lead at once; nothing happens when somebody already does."""
        self.epoch, self._until_s = 0, 0.0
        await self._ask(0)

    async def _ask(self, lease_ms: int) -> int:
        return int(
            await LEASE(
                # An epoch that a failover could forget, and give to another, would fence nobody.
                self.store.durably,
                keys={"leader": self.leader_key, "log": self.log_key},
                args={
                    "holder": self.holder,
                    "now_ms": self.clock.wall_ms(),
                    "lease_ms": lease_ms,
                },
            )
        )
