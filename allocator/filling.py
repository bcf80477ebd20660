"""A server's words about its match's players: whom it lacks, and whom it knows of."""

from collections.abc import Sequence

from allocator import frames
from allocator.link import Link
from allocator.ports import Matches, Wanted
from allocator.sessions import Sessions
from core.errors import Invalid
from core.ids import MatchId


class Filling:
    """One fleet's."""

    def __init__(self, sessions: Sessions, matches: Matches) -> None:
        self._sessions = sessions
        self._matches = matches

    async def hear(self, link: Link, said: frames.Left | frames.Backfill, *, now_ms: int) -> None:
        """Hand a request on and push what became of it; of a match not its own it is "moved".

        That somebody left is no request, for they may come back; who did not is named at the end.
        """
        if isinstance(said, frames.Backfill):
            await self._ask(link, said, now_ms=now_ms)

    async def _ask(self, link: Link, said: frames.Backfill, *, now_ms: int) -> None:
        session = await self._sessions.get(said.match)
        theirs = session is not None and session.live() and session.server == link.server.uid
        if session is None or not theirs or session.epoch != said.epoch:
            link.push(frames.backfill(said, state="moved"))
            return
        wanted = Wanted(
            said.match, said.epoch, said.n, said.open, said.gone, automatic=said.automatic
        )
        try:
            state = await self._matches.backfill(wanted, now_ms=now_ms)
        except Invalid as wrong:
            link.push(frames.backfill(said, state="refused", detail=str(wrong)))
        else:
            link.push(frames.backfill(said, state=state))

    def tell(self, link: Link, match: MatchId, epoch: int) -> None:
        """Push who plays, unless the match has ended or moved when its turn comes."""

        async def when_its_turn_comes() -> frames.Frame | None:
            session = await self._sessions.get_durably(match)
            if session is None or not session.live() or session.epoch != epoch:
                return None
            return frames.roster(session) if session.server == link.server.uid else None

        link.push(when_its_turn_comes)

    async def compare(self, link: Link, holding: Sequence[frames.Holding]) -> None:
        """Tell the server who plays in those of its matches of which it knows something older."""
        for held in holding:
            if held.match is None:
                continue
            pool = self._sessions.pool
            roster = await pool.store.call("HGET", pool.key(f"session:{held.match}"), "roster")
            if int(roster or 0) > held.roster:
                self.tell(link, held.match, held.epoch)
