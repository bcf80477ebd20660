"""Answers about one fleet, one server, one match, one ticket, or the promises."""

from pathlib import Path

from core.errors import NotFound
from core.redis import Store
from readyup.console.detail import MatchDetail, PromisesDetail, ServerDetail, TicketDetail
from readyup.console.feed import Feed
from readyup.console.match_page import match_detail
from readyup.console.server_page import server_detail
from readyup.console.sizes import FleetDetail, fleet_detail
from readyup.console.sources import Sources
from readyup.console.stored import Stored
from readyup.console.ticket_page import ticket_detail
from readyup.console.witnessed import Witnessed


class Lookup:
    """Looks things up for the console's pages.

    ``run_dir`` is where the servers' files are; None when they are not on this machine.
    """

    def __init__(self, feed: Feed, store: Store, *, run_dir: Path | None = None) -> None:
        self._feed, self._store = feed, store
        files = Witnessed(run_dir) if run_dir else None
        self._sources = Sources(feed, Stored(store, feed.queue_keys), files)

    async def fleet(self, name: str) -> FleetDetail:
        """A fleet's page.

        Raises:
            NotFound: there is none of that name.
        """
        if name not in self._feed.reading.fleets:
            raise NotFound(f"no fleet {name!r}; there are: {', '.join(self._feed.reading.fleets)}")
        return await fleet_detail(self._store, name, now_ms=self._feed.now_ms())

    async def server(self, uid: str) -> ServerDetail:
        """A server's page. Raises as ``server_detail`` does."""
        return await server_detail(self._sources, uid)

    async def match(self, name: str) -> MatchDetail:
        """A match's page. Raises as ``match_detail`` does."""
        return await match_detail(self._sources, name)

    async def ticket(self, name: str) -> TicketDetail:
        """A ticket's page. Raises as ``ticket_detail`` does."""
        return await ticket_detail(self._sources, name)

    def promises(self) -> PromisesDetail:
        """The page of the promises."""
        check = self._feed.check
        if check is None:
            return PromisesDetail(None, whole=False, broken=(), judged={})
        return PromisesDetail(check.promises(), check.is_whole(), check.broken(), check.judged())
