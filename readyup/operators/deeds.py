"""What operators can change: tickets, matches, queues, fleets and servers.

Each is one guarded script of the package that owns the state, so that whoever else acts at
the same moment, one of the two comes first and the other finds it so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from allocator.pool import Pool
from allocator.sessions import Session, Sessions
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.ids import FleetName, MatchId, ServerUid, TicketId, queue_of, room_id
from core.pause import Pause, PauseKey
from matchmaker.api.why import WhyOut, why
from matchmaker.estimates import Estimates
from matchmaker.store import QueueStore
from matchmaker.tickets import Status

ID = re.compile(r"[a-z0-9-]{1,40}\.[0-9a-f]{32}")
UID = re.compile(r"[A-Za-z0-9-]{1,64}")

MOVES_MAX = 3
"""How often a match may move to another room while it is being ended."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a change found, and what it left."""

    before: str
    after: str


class Deeds:
    """Changes, by the names that operators use for things."""

    def __init__(
        self, queues: Mapping[str, QueueStore], pools: Mapping[FleetName, Pool], clock: Clock
    ) -> None:
        self._queues = dict(queues)
        self._pools = {str(name): pool for name, pool in pools.items()}
        self._clock = clock

    async def cancel_ticket(self, ticket: str) -> Done:
        """Take a ticket out of its queue; its players are told.

        Raises:
            NotFound: there is none such.
            Conflict: it has ended otherwise; ``other`` is its match, if it has one.
        """
        queue, name = self._queue_of(ticket, "ticket"), TicketId(ticket)
        held = await queue.ticket(name)
        if held is None:
            raise NotFound(f"no ticket {ticket}; an ended one is kept for an hour")
        status = await queue.cancel(name, now_ms=self._clock.wall_ms(), reason="operator")
        if status is not Status.CANCELLED:
            held = await queue.ticket(name) or held
            raise Conflict(
                f"the ticket is {status or 'gone'} already; a match of it can be ended",
                other=held.match or "",
            )
        return Done(held.status, status)

    async def end_match(self, match: str) -> Done:
        """End a match: its players are told and its room is empty soon.

        One that is not committed yet is closed, and its tickets wait on with their age.

        Raises:
            NotFound: there is none such.
            Conflict: it is over already, or moves too fast.
        """
        queue, name = self._queue_of(match, "match"), MatchId(match)
        record = await queue.match(name)
        if record is None:
            raise NotFound(f"no match {match}; an ended one is kept for an hour")
        if record.state == "closed" or record.ended:
            raise Conflict(f"the match is over: {record.ended or record.state}")
        if not await queue.settle(name, reason="operator", now_ms=self._clock.wall_ms()):
            return Done("placing", "closed")
        record = await queue.match(name) or record  # which fleet took it is known by now
        fleet = record.placement.fleet if record.placement else record.fleets[0]
        sessions = Sessions(self._pools[fleet])
        for _ in range(MOVES_MAX):
            session = await sessions.get(name)
            if session is None or not session.live():
                raise Conflict(f"the match is over: {session.reason if session else 'long ago'}")
            if await sessions.pool.end_session(
                name, session.epoch, reason="stopped", now_ms=self._clock.wall_ms()
            ):
                return Done(session.state, "stopped")
        raise Conflict("the match moves from server to server; try again")

    async def pause_queue(self, queue: str, *, by: str, reason: str) -> Done:
        """Let a queue propose no match; tickets wait, and matches under way go on.

        Raises:
            NotFound: there is none such.
        """
        return await self._pause(self._queue(queue).pause, by, reason)

    async def resume_queue(self, queue: str) -> Done:
        """Let a queue match again.

        Raises:
            NotFound: there is none such.
        """
        return await self._resume(self._queue(queue).pause)

    async def pause_fleet(self, fleet: str, *, by: str, reason: str) -> Done:
        """Let a fleet hand out no room; what is played goes on.

        Raises:
            NotFound: there is none such.
        """
        return await self._pause(self._pool(fleet).pause, by, reason)

    async def resume_fleet(self, fleet: str) -> Done:
        """Let a fleet hand out rooms again, first to those in line.

        Raises:
            NotFound: there is none such.
        """
        pool = self._pool(fleet)
        done = await self._resume(pool.pause)
        await pool.sweep(now_ms=self._clock.wall_ms())
        return done

    async def retire_server(self, uid: str) -> Done:
        """Give up a server: its rooms take no new match, and it ends after its last one.

        Raises:
            NotFound: no server of that uid has a room in a reserve.
        """
        server = ServerUid(uid)
        for pool in self._pools.values() if UID.fullmatch(uid) else ():
            room = pool.key(f"room:{room_id(server, 0)}")
            state, leaving = await pool.store.call("HMGET", room, "state", "leaving")
            if state:
                held = await pool.retire(server, now_ms=self._clock.wall_ms())
                before = "retiring" if state == "retiring" or leaving == "1" else "serving"
                return Done(before, f"retiring, {held} to finish")
        raise NotFound("no server of that uid has rooms in a reserve; ask again once it has")

    async def why(self, ticket: str) -> WhyOut:
        """What keeps a ticket waiting, what would release it, and who is nearest.

        Raises:
            NotFound: there is none such.
            Conflict: it does not wait.
        """
        queue = self._queue_of(ticket, "ticket")
        record = await queue.ticket(TicketId(ticket))
        if record is None:
            raise NotFound(f"no ticket {ticket}; an ended one is kept for an hour")
        found = await why(queue, record, by_name=True, now_ms=self._clock.wall_ms())
        estimates = Estimates(queue, self._clock)
        await estimates.refresh()
        found.estimated_wait_s = estimates.of(len(record.players), record.enqueued_ms)
        return found

    async def session(self, match: str) -> Session:
        """Where a match is played.

        Raises:
            NotFound: nowhere, or it ended more than an hour ago.
        """
        queue = self._queue_of(match, "match")
        record = await queue.match(MatchId(match))
        fleets = queue.settings.fleets()
        if record is not None:
            fleets = (record.placement.fleet,) if record.placement else record.fleets
        session = await Sessions(self._pools[fleets[0]]).get(MatchId(match))
        if session is None:
            raise NotFound(f"match {match} has no session; an ended one is kept for an hour")
        return session

    async def _pause(self, key: PauseKey, by: str, reason: str) -> Done:
        pause = Pause(by, self._clock.wall_ms(), reason)
        return Done("going" if await key.set(pause) else "paused", "paused")

    async def _resume(self, key: PauseKey) -> Done:
        return Done("paused" if await key.clear() else "going", "going")

    def _queue_of(self, name: str, what: str) -> QueueStore:
        queue = self._queues.get(queue_of(MatchId(name)))
        if queue is None or not ID.fullmatch(name):
            raise NotFound(f"that is no id of a {what} here: write it whole, QUEUE.32 hex digits")
        return queue

    def _queue(self, name: str) -> QueueStore:
        if (queue := self._queues.get(name)) is None:
            raise NotFound(f"no queue {name!r}; there are: {', '.join(self._queues)}")
        return queue

    def _pool(self, name: str) -> Pool:
        if (pool := self._pools.get(name)) is None:
            raise NotFound(f"no fleet {name!r}; there are: {', '.join(self._pools)}")
        return pool
