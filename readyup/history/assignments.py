"""The invariant of assignments: what is announced, told and admitted to is a held room.

Queues, fleets, servers and bots write to logs of their own, so nothing here compares
clocks: a session epoch names one claim, and what was told must name a claim there was.
"""

from collections import defaultdict

from readyup.history import store_events as store, witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Handlers, Match, Place, Story


class HeldRoom(Invariant):
    """From the announcement to the server's door, one place, one match, one epoch."""

    title = "5 an assignment names a room held by its match at that session epoch"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._heard: dict[tuple[str, str], int] = {}
        self._completed: list[own.BotTold] = []
        self._assigned: list[own.BotAssigned] = []
        self._pushed: list[own.ApiPushed] = []
        self._hosted: list[own.ServerHold] = []
        self._tokens: defaultdict[str, set[str]] = defaultdict(set)

    def handlers(self) -> Handlers:
        return {
            store.MatchAnnounced: self._announced,
            own.BotTold: self._told,
            own.BotAssigned: self._told_place,
            own.ApiPushed: self._pushed.append,
            own.ServerAssigned: self._hosted.append,
            own.ServerAcked: self._hosted.append,
            own.MatchFinished: self._hosted.append,
            own.PlayerJoined: self._joined,
        }

    def _announced(self, e: store.MatchAnnounced) -> None:
        match = self.story.matches.get(e.match)
        if match and (ended := self.story.played(e.match).ended):
            self.breach(f"{e.match} is announced after it ended ({ended})", e.match)

    def _told(self, e: own.BotTold) -> None:
        self._version(e)
        if e.status == "COMPLETED":
            self._completed.append(e)

    def _told_place(self, e: own.BotAssigned) -> None:
        self._version(e)
        self._assigned.append(e)

    def _version(self, e: own.BotTold | own.BotAssigned) -> None:
        self.judged += 1
        heard = self._heard.get((e.player, e.ticket), 0)
        if e.ver < heard:
            detail = f"{e.player} is told version {e.ver} of ticket {e.ticket} after {heard}"
            self.breach(detail, e.ticket)
        self._heard[e.player, e.ticket] = max(heard, e.ver)

    def _joined(self, e: own.PlayerJoined) -> None:
        self._hosted.append(e)
        if e.jti in self._tokens[e.server]:
            detail = f"{e.server} admits {e.player} to {e.match} by a token used before: {e.jti}"
            self.breach(detail, e.match, e.jti)
        self._tokens[e.server].add(e.jti)

    def finish(self) -> None:
        for name, match in self.story.matches.items():
            for place in sorted(match.told):
                self.judge_told(name, place)
        for told in self._completed:
            self._judge_completed(told)
        for assigned in self._assigned:
            self._judge_assigned(assigned)
        for pushed in self._pushed:
            self._judge_pushed(pushed)
        for hosted in self._hosted:
            self._judge_hosted(hosted)

    def judge_told(self, name: str, place: Place) -> None:
        """What the queue told its players, held against the fleet's own word."""
        self.judged += 1
        if not any(s.held.get(place.epoch) == place for s in self.story.sessions_of(name)):
            detail = (
                f"players of {name} are sent to room {place.room} of {place.server} at session"
                f" epoch {place.epoch}, which fleet {place.fleet} never gave it"
            )
            self.breach(detail, name)

    def _judge_completed(self, e: own.BotTold) -> None:
        self.judged += 1
        ticket = self.story.tickets.get(e.ticket)
        if ticket is None or not ticket.match:
            detail = f"{e.player} is told that ticket {e.ticket} is completed; it is in no match"
            self.breach(detail, e.ticket)

    def _judge_assigned(self, e: own.BotAssigned) -> None:
        match = self.story.matches.get(e.match)
        if match is None:  # invariant 12 names it
            return
        self.judged += 1
        if (e.player, e.ticket) not in match.seated:
            detail = f"{e.player} is sent to {e.match}, where ticket {e.ticket} has no seat for it"
            self.breach(detail, e.match, e.ticket)
        elif not self._may_be_told(match, e):
            detail = (
                f"{e.player} is sent to {e.match} on {e.server} at session epoch"
                f" {e.session_epoch}, which was never announced"
            )
            self.breach(detail, e.match)

    def _judge_pushed(self, e: own.ApiPushed) -> None:
        match = self.story.matches.get(e.match)
        if match is None:
            return
        self.judged += 1
        if match.announced_ms is None or all(e.ticket != ticket for _, ticket in match.seated):
            detail = f"{e.src} pushes {e.match} to ticket {e.ticket}, to which it was not announced"
            self.breach(detail, e.match, e.ticket)

    def _judge_hosted(self, e: own.ServerHold) -> None:
        self.judged += 1
        session = next(
            (
                s
                for s in self.story.sessions_of(e.match)
                if s.held.get(e.session_epoch, Place("", "", "", 0))[1:3] == (e.room, e.server)
            ),
            None,
        )
        where = f"{e.match} in room {e.room} at session epoch {e.session_epoch}"
        if session is None:
            self.breach(f"{e.server} hosts {where}; that room was never held for it", e.match)
        elif isinstance(e, own.PlayerJoined):
            match = self.story.matches.get(e.match)
            if match is None or e.player not in match.seats:
                self.breach(f"{e.server} admits {e.player}, who has no seat in {e.match}", e.match)
            elif e.session_epoch not in session.acked:
                self.breach(f"{e.server} admits {e.player} to {where} before its ack", e.match)

    def _may_be_told(self, match: Match, e: own.BotAssigned) -> bool:
        """Announced there, or moved there since; a bot may hear of a move from its session."""
        if match.announced_ms is None:
            return False
        moved = (place for s in self.story.sessions_of(e.match) for place in s.held.values())
        return any(
            place.server == e.server
            and place.epoch == e.session_epoch
            and e.room in (None, "", place.room)
            for place in (*match.told, *moved)
        )
