"""Invariants of rooms: one holder at a time, kept while in use, held for a reason."""

from collections import defaultdict

from readyup.history import store_events as store, witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Fleet, Handlers, Room, Session, Story


class OneHolder(Invariant):
    """A room is claimed when free, and acked, given back or ended by its holder only."""

    title = "4 a room serves one match per claim, and a claim has one owner"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._hosting: dict[tuple[str, str], tuple[str, int]] = {}
        self._hosted: defaultdict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)

    def handlers(self) -> Handlers:
        return {
            store.RoomAdded: self._added,
            store.RoomClaimed: self._claimed,
            store.SessionMoved: self._moved,
            store.RoomAcked: self._acked,
            store.RoomReleased: self._released,
            store.SessionEnded: self._ended,
            own.PlayerJoined: self._joined,
        }

    def _added(self, e: store.RoomAdded) -> None:
        self.judged += 1
        room = self.story.fleet(e.src).rooms.get(e.room)
        if room and room.is_held:
            detail = f"room {e.room} is added, free, while {room.holder} holds it"
            self.breach(detail, e.room, room.holder)

    def _claimed(self, e: store.RoomClaimed) -> None:
        self.judged += 1
        fleet = self.story.fleet(e.src)
        session = fleet.sessions.get(e.match)
        if session and session.live:
            detail = f"{e.match} claims room {e.room} while it holds {session.now.room}"
            self.breach(detail, e.match)
            return
        self._epoch_rises(e, session)
        self._take(e, fleet)

    def _moved(self, e: store.SessionMoved) -> None:
        self.judged += 1
        fleet = self.story.fleet(e.src)
        session = fleet.sessions.get(e.match)
        if session is None or not session.live:
            self.breach(f"{e.match} moves to {e.room}, and has no live session", e.match)
        elif e.origin not in (session.now.room, session.now.server):
            detail = f"{e.match} moves from {e.origin}, and was in {session.now.room}"
            self.breach(detail, e.match)
        self._epoch_rises(e, session)
        self._take(e, fleet)

    def _epoch_rises(
        self, e: store.RoomClaimed | store.SessionMoved, session: Session | None
    ) -> None:
        if session and e.session_epoch <= session.now.epoch:
            detail = (
                f"{e.match} takes room {e.room} at session epoch {e.session_epoch}"
                f" after epoch {session.now.epoch}"
            )
            self.breach(detail, e.match)

    def _take(self, e: store.RoomClaimed | store.SessionMoved, fleet: Fleet) -> None:
        room = fleet.rooms.get(e.room)
        if room is None:
            self.breach(f"{e.match} takes room {e.room}, which is not in the pool", e.match, e.room)
        elif room.holder not in ("", e.match):
            how = "is still suspected to host it" if room.suspect else "holds it"
            detail = f"{e.match} takes room {e.room} while {room.holder} {how}"
            self.breach(detail, e.match, room.holder)
        elif room.server != e.server:
            detail = f"{e.match} takes room {e.room} of {e.server}; it was added by {room.server}"
            self.breach(detail, e.match, e.room)

    def _acked(self, e: store.RoomAcked) -> None:
        room = self.story.fleet(e.src).rooms.get(e.room)
        self._by_holder(e, "acks", room)
        if room and room.suspect and room.holder == e.match:
            self.breach(f"{e.match} acks room {e.room}, which it was moved away from", e.match)

    def _released(self, e: store.RoomReleased) -> None:
        self._by_holder(e, "gives back", self.story.fleet(e.src).rooms.get(e.room))

    def _by_holder(self, e: store.FleetHold, verb: str, room: Room | None) -> None:
        self.judged += 1
        if room and (room.holder, room.epoch) != (e.match, e.session_epoch):
            holder = f"{room.holder} at epoch {room.epoch}" if room.holder else "nobody"
            detail = f"{e.match} {verb} room {e.room} at epoch {e.session_epoch}; {holder} holds it"
            self.breach(detail, e.match, *filter(None, [room.holder]))

    def _ended(self, e: store.SessionEnded) -> None:
        self.judged += 1
        session = self.story.fleet(e.src).sessions.get(e.match)
        if session is None:
            self.breach(f"a session of {e.match} ends, and never began", e.match)
        elif not session.live:
            self.breach(f"the session of {e.match} ends twice", e.match)
        elif session.now.epoch != e.session_epoch:
            detail = (
                f"the session of {e.match} is ended by epoch {e.session_epoch}"
                f" while epoch {session.now.epoch} owns it"
            )
            self.breach(detail, e.match)

    def _joined(self, e: own.PlayerJoined) -> None:
        """The server's own word: it never goes back to a match it had left."""
        self.judged += 1
        where, what = (e.server, e.room), (e.match, e.session_epoch)
        hosting = self._hosting.get(where)
        if hosting == what:
            return
        if what in self._hosted[where] and hosting:
            detail = f"room {e.room} admits to {e.match} again after it hosted {hosting[0]}"
            self.breach(detail, e.match, hosting[0])
        self._hosting[where] = what
        self._hosted[where].add(what)

    def finish(self) -> None:
        """A queue with several fleets leaves one for good before it asks the next."""
        owners: defaultdict[str, list[str]] = defaultdict(list)
        for name, fleet in self.story.fleets.items():
            for match in fleet.sessions:
                owners[match].append(name)
        for match, fleets in owners.items():
            if len(fleets) > 1:
                self.breach(f"{match} got rooms in fleets {' and '.join(fleets)}", match)


class InUseKept(Invariant):
    """Scaling down never takes a server where a match lives."""

    title = "6 a server in use is never removed by us"

    def handlers(self) -> Handlers:
        return {store.ServerDeleted: self._deleted}

    def _deleted(self, e: store.ServerDeleted) -> None:
        if e.reason != "scale":
            return
        self.judged += 1
        matches = sorted(self.story.fleet(e.src).in_use.get(e.server, ()))
        if matches:
            detail = f"server {e.server} is scaled away while it hosts {', '.join(matches)}"
            self.breach(detail, e.server, *matches)


class HeldForAReason(Invariant):
    """Every held room has a live session, every session a proposed match; the figures agree."""

    title = "11 no room is held without a live claim or session"

    def finish(self) -> None:
        held = live = 0
        for fleet in self.story.fleets.values():
            held += sum(room.is_held for room in fleet.rooms.values())
            live += sum(session.live for session in fleet.sessions.values())
            self._judge(fleet)
        ended = self.story.ended
        if ended is None:
            return
        self.judged += 2
        if ended.final.held_rooms != held:
            detail = f"{ended.final.held_rooms} rooms are held at the end; the log accounts for"
            self.breach(f"{detail} {held}", "run")
        if ended.final.sessions != live:
            detail = f"{ended.final.sessions} sessions live at the end; the log accounts for"
            self.breach(f"{detail} {live}", "run")

    def _judge(self, fleet: Fleet) -> None:
        for name, room in fleet.rooms.items():
            if not room.is_held:
                continue
            self.judged += 1
            session = fleet.sessions.get(room.holder)
            if session is None or not session.live or session.now.room != name:
                detail = f"room {name} is held for {room.holder}, whose session there is over"
                self.breach(detail, room.holder)
        for match in fleet.sessions:
            self.judged += 1
            known = self.story.matches.get(match)
            if known is None or not known.proposed:
                self.breach(f"a room was held for {match}, which no queue proposed", match)
