"""The invariant of sessions that outlive their servers: none is forgotten, each has one result.

That an epoch has one owner is part of 4: a handed-over match takes its room at a higher one.
"""

from readyup.history import store_events as store, witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Handlers, Session, Story

DEADLINE_MS = 90_000
"""A match in play that lost its server is elsewhere by then, or over: 5 s of silence, 10 s of
listening and 20 s in line, with room for an allocator that dies in between."""


class Outlives(Invariant):
    """A match in play whose server is gone goes on elsewhere or ends in time; results come once."""

    title = "15 a session outlives its server or ends in time, and has one result"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._orphaned_ms: dict[str, int] = {}
        self._handed_over: set[str] = set()
        self._results: set[str] = set()
        self._finished: set[tuple[str, int]] = set()

    def handlers(self) -> Handlers:
        return {
            store.RoomRemoved: self._removed,
            store.SessionHandover: self._lost_its_server,
            store.SessionMoved: self._goes_on,
            store.SessionEnded: self._ended,
            store.SessionResult: self._result,
            own.MatchFinished: self._says_finished,
        }

    def _removed(self, e: store.RoomRemoved) -> None:
        fleet = self.story.fleet(e.src)
        room = fleet.rooms.get(e.room)
        session = fleet.sessions.get(room.holder) if room and room.is_held else None
        if room and session and session.live and session.now.room == e.room:
            self._orphaned_ms.setdefault(room.holder, e.t)

    def _lost_its_server(self, e: store.SessionHandover) -> None:
        self.judged += 1
        session = self.story.fleet(e.src).sessions.get(e.match)
        if session is None or not session.live:
            self.breach(f"{e.match} is handed over, and has no live session", e.match)
        elif session.now.epoch != e.session_epoch:
            detail = (
                f"{e.match} is taken from {e.server} at session epoch {e.session_epoch}"
                f" while epoch {session.now.epoch} owns it"
            )
            self.breach(detail, e.match)
        elif e.match in self._results:
            self.breach(f"{e.match} is handed over after its result was recorded", e.match)
        self._handed_over.add(e.match)
        self._orphaned_ms.setdefault(e.match, e.t)

    def _goes_on(self, e: store.SessionMoved) -> None:
        self._in_time(e.match, e.t)

    def _ended(self, e: store.SessionEnded) -> None:
        self._in_time(e.match, e.t)
        if e.reason == "abandoned" and e.match not in self._handed_over:
            self.breach(f"{e.match} is abandoned, and was never handed over", e.match)

    def _in_time(self, match: str, now_ms: int) -> None:
        since_ms = self._orphaned_ms.pop(match, None)
        if since_ms is None:
            return
        self.judged += 1
        if now_ms - since_ms > DEADLINE_MS:
            waited_s = (now_ms - since_ms) / 1000
            self.breach(f"{match} had lost its server for {waited_s:.0f} s", match)

    def _result(self, e: store.SessionResult) -> None:
        self.judged += 1
        session = self.story.fleet(e.src).sessions.get(e.match)
        if e.match in self._results:
            self.breach(f"{e.match} has a second result, of {e.server}", e.match)
        elif session is None or not session.live or not _owned(session, e):
            detail = f"{e.server} gives {e.match} a result at epoch {e.session_epoch}, not its own"
            self.breach(detail, e.match)
        self._results.add(e.match)

    def _says_finished(self, e: own.MatchFinished) -> None:
        """A server finishes what it holds at an epoch once, whatever it says again later."""
        self._finished.add((e.match, e.session_epoch))

    def finish(self) -> None:
        """What is still without a server at the end, and what was played for nothing."""
        ended = self.story.ended
        for match, since_ms in self._orphaned_ms.items():
            self.judged += 1
            over = ended is not None and ended.t - since_ms > DEADLINE_MS
            if self.story.drained or over:
                self.breach(f"{match} lost its server, and nobody looked after it", match)
        for match, epoch in self._finished:
            if match not in self._results and self._ended_there(match, epoch):
                self.breach(f"{match} was played to its end, and has no result", match)

    def _ended_there(self, match: str, epoch: int) -> bool:
        sessions = self.story.sessions_of(match)
        return any((s.reason, s.now.epoch) == ("finished", epoch) for s in sessions)


def _owned(session: Session, e: store.SessionResult) -> bool:
    return (session.now.server, session.now.epoch) == (e.server, e.session_epoch)
