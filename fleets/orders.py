"""What the allocator orders: servers taken into the reserve, told their match, and given up.

Takes and matches that follow one another are obeyed at the same time, which hides how long a
cluster thinks about each; a server is given up only when all before is done, and nothing after
it begins earlier. Every order may be obeyed twice without harm, and is: after a crash those
after the last id that was noted come again. Servers of an earlier life are unknown by then.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence

import msgspec
import structlog

from core.errors import Exhausted, Invalid, Rejected, Unreachable
from core.eventlog import Event, decode
from core.ids import FleetName, ServerUid
from core.redis import Entry, Store
from fleets.backoff import Backoff
from fleets.in_use import servers_in_use
from fleets.ports import BackendAway, Hands

BLOCK_MS = 1000
RETRY_FIRST_S = 0.2
RETRY_MOST_S = 3.0
"""The reserve is not refilled meanwhile, so even a sick backend is asked again soon."""

AT_ONCE = 32

log = structlog.get_logger("readyup.fleets")


class Orders:
    """Obeys the orders for one fleet. An order leaves the stream when it was obeyed or refused."""

    def __init__(
        self,
        fleet: FleetName,
        hands: Hands,
        store: Store,
        *,
        chance: random.Random,
        at_once: int = AT_ONCE,
    ) -> None:
        self._fleet = fleet
        self._hands = hands
        self._store = store
        self._stream = f"{{f:{fleet}}}:orders"
        self._noted = f"{{f:{fleet}}}:orders-seen"
        self._backoff = Backoff(chance, first_s=RETRY_FIRST_S, most_s=RETRY_MOST_S)
        self._at_once = at_once
        self._done: set[str] = set()
        """Orders obeyed already of those that were read and not noted."""

    async def run(self) -> None:
        """Until cancelled; waits while the store or the backend is away."""
        after: str | None = None
        away, reign = False, self._store.reign
        while True:
            try:
                if self._store.reign != reign:
                    # A new primary may have forgotten the newest orders, and that they were obeyed.
                    after, reign = None, self._store.reign
                if after is None:
                    after = await self._store.call("GET", self._noted) or "0"
                after = await self.step(after)
                self._backoff.reset()
                if away:
                    log.info("orders.back", fleet=self._fleet)
                away = False
            except (Unreachable, Exhausted) as lost:
                if not away:
                    log.warning("orders.wait", fleet=self._fleet, reason=str(lost))
                away = True
                asked_s = lost.retry_after_s if isinstance(lost, BackendAway) else 0.0
                await asyncio.sleep(self._backoff.wait_s(at_least_s=asked_s))

    async def step(self, after: str, *, block_ms: int = BLOCK_MS) -> str:
        """Obey what came after an id, waiting a while for the first; the id of the last.

        Raises:
            StoreUnreachable: some may be obeyed already; asking again is safe.
            BackendAway: the same; those that were obeyed are not obeyed again by this object.
        """
        entries = await self._store.read_stream(self._stream, after, block_ms=block_ms)
        for batch in _batches([entry for entry in entries if entry.id not in self._done]):
            await self._obey_all(batch)
        if entries:
            after = entries[-1].id
            await self._store.call("SET", self._noted, after)
            # Whoever only appends has no reason to trim, so the one who reads does.
            await self._store.call("XTRIM", self._stream, "MINID", after)
            self._done.clear()
        return after

    async def _obey_all(self, batch: Sequence[Entry]) -> None:
        """Orders that may be obeyed at once. One that fails lets none begin after it."""
        failures: list[Exception] = []
        waiting = iter(batch)

        async def work() -> None:
            for entry in waiting:
                if failures:
                    return
                try:
                    await self._obey(entry)
                    self._done.add(entry.id)
                except (Unreachable, Exhausted) as lost:
                    failures.append(lost)

        async with asyncio.TaskGroup() as group:
            for n in range(min(self._at_once, len(batch))):
                group.create_task(work(), name=f"orders-{self._fleet}-{n}")
        if failures:
            raise failures[0]

    async def _obey(self, entry: Entry) -> None:
        try:
            order = decode(entry)
            uid = ServerUid(str(order["uid"]))
            if order["k"] == "take":
                await self._hands.take(uid, str(order["claim"]))
            elif order["k"] == "tell":
                await self._hands.tell(uid, str(order["letter"]))
            elif order["k"] == "give_up":
                await self._give_up(uid)
            else:
                raise Invalid(f"no such order: {order['k']!r}", field="$.k")
        except (KeyError, msgspec.MsgspecError, Rejected) as wrong:
            log.warning("order.refused", fleet=self._fleet, order=entry.id, reason=str(wrong))

    async def _give_up(self, uid: ServerUid) -> None:
        if uid in await servers_in_use(self._store, self._fleet):
            log.warning("order.refused", fleet=self._fleet, server=uid, reason="in use")
        else:
            await self._hands.give_up(uid)


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Takes and matches in a row, each claim and each server once; any other order alone."""
    side_by_side: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if (kind := entry.fields.get("k", "")) in _SIDE_BY_SIDE:
            # Asked for twice at one moment, some clusters give two servers to one claim.
            side_by_side[kind, _subject(entry, _SIDE_BY_SIDE[kind])] = entry
            continue
        if side_by_side:
            yield list(side_by_side.values())
            side_by_side = {}
        yield [entry]
    if side_by_side:
        yield list(side_by_side.values())


_SIDE_BY_SIDE = {"take": "claim", "tell": "uid"}
"""Orders that need not wait for one another, and what each is about."""


def _subject(entry: Entry, field: str) -> str:
    try:
        order: Event = decode(entry)
    except (KeyError, msgspec.MsgspecError):
        return entry.id
    return str(order.get(field, entry.id))
