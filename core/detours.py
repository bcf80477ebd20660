"""Calls that a server of a Cluster sent away: to another server, or until a slot has moved.

A slot that moves key by key is in two places at once. A call of several keys, or of one that
is not there, is refused by both then, before it does anything: the first key that our scripts
name is one that nobody writes, so none of them ever sees half of a slot. Such calls wait here
until the slot has arrived.
"""

import asyncio
from collections.abc import Callable

from redis.exceptions import AskError, MovedError, TryAgainError

from core.address import Endpoint
from core.errors import Invalid, StoreUnreachable
from core.line import Call, fail
from core.slots import Owners

HOPS_MAX = 5
AGAIN_S = 0.05
"""How often it is asked whether a slot has arrived."""


class Detours:
    """One store's."""

    def __init__(
        self,
        owners: Owners,
        put: Callable[[Call], None],
        *,
        trouble: Callable[[], None],
        patience_s: float,
    ) -> None:
        """``put`` sends a call to whoever has its key; ``trouble`` is told that slots moved."""
        self._owners = owners
        self._put = put
        self._trouble = trouble
        self._patience_s = patience_s
        self._held: list[Call] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._held)

    def close(self) -> None:
        """Tell whoever still waits."""
        if self._timer is not None:
            self._timer.cancel()
        fail(self._held, StoreUnreachable("the store was closed"))
        self._held = []

    def take(self, told_by: Endpoint, call: Call, said: AskError | TryAgainError) -> None:
        """Nothing was done with this call where it was, so sending it on is no repeat."""
        self._trouble()
        if not self._owners.many:
            wrong = "this server is one of a Cluster: the address is redis+cluster://host:port"
            fail([call], Invalid(wrong, field="$.store.url"))
        elif isinstance(said, MovedError):
            self._send_on(told_by, call, said)
        else:
            self._hold(told_by, call)

    def _send_on(self, told_by: Endpoint, call: Call, moved: MovedError) -> None:
        call.hops += 1
        if call.hops > HOPS_MAX:
            fail([call], StoreUnreachable("the servers send each other in circles"))
            return
        self._owners.moved(moved.slot_id, Endpoint(moved.host or told_by.host, moved.port))
        self._put(call)

    def _hold(self, told_by: Endpoint, call: Call) -> None:
        loop = asyncio.get_running_loop()
        call.since_s = call.since_s or loop.time()
        if loop.time() - call.since_s > self._patience_s:
            wrong = f"{told_by} is still giving the slot of this key to another server"
            fail([call], StoreUnreachable(wrong))
            return
        call.hops = 0
        self._held.append(call)
        if self._timer is None:
            self._timer = loop.call_later(AGAIN_S, self._again)

    def _again(self) -> None:
        held, self._held, self._timer = self._held, [], None
        for call in held:
            if not call.answer.done():
                self._put(call)
