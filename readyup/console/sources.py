"""What is known of one thing: what passed by the feed, what Redis keeps, and servers' own files.

Every question comes from outside: an id that has not the shape of one never becomes a key or
a path.
"""

import asyncio
import re
from dataclasses import dataclass

from core.errors import NotFound
from core.ids import MatchId, queue_of
from readyup.console.detail import ServerName, StepView
from readyup.console.feed import Feed
from readyup.console.stored import Record, Stored, StoredTicket, session_steps
from readyup.console.timeline import MatchLine, Step, TicketLine, in_order
from readyup.console.witnessed import Witnessed

ID = re.compile(r"[a-z0-9-]{1,40}\.[0-9a-f]{8,32}")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a page looks."""

    feed: Feed
    stored: Stored
    files: Witnessed | None
    """None where the servers' files are not on this machine."""

    def queue_of(self, name: str, what: str) -> str:
        """The queue that an id names.

        Raises:
            NotFound: it is no id, or of no queue here.
        """
        queue = queue_of(MatchId(name))
        if not ID.fullmatch(name) or queue not in self.feed.queue_keys:
            queues = ", ".join(self.feed.queue_keys)
            raise NotFound(
                f"that is no id of a {what} here; one is a queue's name ({queues}), a dot and"
                " 32 hex digits; of a recent one the last eight after the dot are enough:"
                f" {min(self.feed.queue_keys, default='QUEUE')}.0643dcb1"
            )
        return queue

    async def ticket(self, queue: str, name: str) -> TicketLine | None:
        """One ticket, from the streams or else from the store."""
        line = self.feed.timelines.ticket(name)
        if line is not None:
            return line
        stored: StoredTicket | None = await self.stored.ticket(queue, name)
        return stored.line if stored else None

    async def match(self, queue: str, name: str) -> tuple[MatchLine | None, str]:
        """One match, and which of the two told it."""
        line = self.feed.timelines.match(name)
        if line is not None:
            return line, "streams"
        return await self.stored.match(queue, name), "store"

    async def session(self, line: MatchLine) -> Record:
        """A match's session; empty when there is none."""
        return await self.stored.session(line.fleet, line.match) if line.fleet else {}

    async def steps_of(self, line: MatchLine, session: Record) -> list[Step]:
        """A match's steps, with who joined: by its servers' own word, else by its session's."""
        steps = [*line.steps, *await self._told(line)]
        if not any(step.kind == "player.joined" for step in steps):
            joined = session_steps(line.fleet, session)
            steps += [step for step in joined if step.kind == "player.joined"]
        return steps

    def shown(self, steps: list[Step], *, zero_ms: int) -> tuple[StepView, ...]:
        """Steps in their order, as a page shows them."""
        return tuple(
            StepView(
                t_ms=step.t_ms,
                since_ms=step.t_ms - zero_ms,
                src=step.src,
                kind=step.kind,
                words=step.words,
                server=self.server(step.server),
            )
            for step in in_order(steps)
        )

    def server(self, uid: str) -> ServerName | None:
        """What a server is called; None for no server."""
        if not uid:
            return None
        known = self.feed.known.get(uid)
        return ServerName(uid if known else "", known.view.name if known else uid[:8])

    async def _told(self, line: MatchLine) -> list[Step]:
        """What the match's servers say of it themselves."""
        if self.files is None:
            return []
        uids = {step.server for step in line.steps if step.server} | {line.server}
        names = sorted({k.view.name for uid in uids if (k := self.feed.known.get(uid))})
        found: list[Step] = []
        for name in names:
            found += await asyncio.to_thread(self.files.told, name, line.match)
        return found


def not_here(what: str, name: str) -> NotFound:
    """Nobody knows of it, or not any more."""
    return NotFound(
        f"no {what} {name} is known: records are kept for an hour after the end; look into the"
        " history of the run, or follow a link of the console's first page"
    )
