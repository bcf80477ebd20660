"""The promises, judged while the service runs: what was broken so far, and in how many events.

The invariants are those of ``readyup.history``, moved on by the same events that the page is
drawn from. What takes the whole run, or the word of bots and servers, is left to
``readyup check-history``. Pure: time is an argument, and what is over is forgotten.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from core.ids import MatchId, queue_of
from readyup.console.snapshot import Promises
from readyup.history import store_events as said
from readyup.history.acceptance import AllAccepted
from readyup.history.assignments import HeldRoom
from readyup.history.check import Walk
from readyup.history.event import Event
from readyup.history.invariant import Invariant
from readyup.history.matches import OneDirector, PartiesWhole, Survives, Whole
from readyup.history.reading import event_of
from readyup.history.rooms import HeldForAReason, InUseKept, OneHolder
from readyup.history.story import Fleet, Match, Place
from readyup.history.tickets import LeavesOnce, OneMatch, SameKey

JUDGED: tuple[type[Invariant], ...] = (
    OneMatch,
    Whole,
    LeavesOnce,
    OneHolder,
    HeldRoom,
    InUseKept,
    PartiesWhole,
    OneDirector,
    SameKey,
    Survives,
    AllAccepted,
)
"""Those that can be judged as events pass."""

LOST = "a ticket comes to its end within its lifetime"
LEAKED = HeldForAReason.title

GRACE_MS = 60_000
"""Beyond a ticket's lifetime: a match under way may take its thirty seconds to be decided."""

LEAK_MS = 30_000
"""A room may stand held for so long after its session ended, while it is looked after."""

SETTLE_MS = 5_000
"""An announcement and the claim behind it stand in two streams; by now both were read."""

AGAIN_MS = 600_000
"""When to look again whether something that is still going on may be forgotten."""

TURN_MS = 1_000
SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken promise."""

    promise: str
    detail: str
    ids: tuple[str, ...] = ()


class LiveCheck:
    """Takes every event of every stream in its order, and ``turn`` about once a second.

    ``lifetimes_ms`` is how long a ticket of each queue may live.
    """

    def __init__(self, lifetimes_ms: Mapping[str, int]) -> None:
        self._lifetimes_ms = dict(lifetimes_ms)
        self._midway: set[str] = set()
        self._events = 0
        self._unread = 0
        self._before: deque[Broken] = deque(maxlen=SHOWN_MAX)
        self._breaches_before = 0
        self._begin()

    def _begin(self) -> None:
        self._walk = Walk(JUDGED)
        self._held_room = next(i for i in self._walk.invariants if isinstance(i, HeldRoom))
        self._same_key = next(i for i in self._walk.invariants if isinstance(i, SameKey))
        self._elected: set[str] = set()
        self._lost: dict[str, Broken] = {}
        self._leaking_ms: dict[tuple[str, str], int] = {}
        self._leaked: dict[tuple[str, str], Broken] = {}
        self._due: list[tuple[int, int, str, str]] = []
        self._keys: dict[str, tuple[str, str]] = {}
        self._numbers = itertools.count()
        self._told: dict[str, set[Place]] = {}
        self._settled = self._claimed = 0
        self._turned_ms = 0

    def begins_midway(self, src: str) -> None:
        """A source's first events are gone: what began with them is followed, not judged."""
        self._midway.add(src)

    def begin_again(self) -> None:
        """Events were missed: what is known no longer holds. What was broken stays broken."""
        self._before.extend(self._breaches())
        self._breaches_before = self._count()
        self._midway.update(f"queue/{queue}" for queue in self._lifetimes_ms)
        self._midway.update(f"fleet/{fleet}" for fleet in self._walk.story.fleets)
        self._begin()

    def take(self, src: str, fields: Mapping[str, Any]) -> None:
        """One event, as ``core.eventlog`` decodes it; one that is no event of ours is counted."""
        self._events += 1
        try:
            event = event_of(src, fields)
        except Invalid:
            self._unread += 1
            return
        if src in self._midway and self._began_before(event):
            self._walk.tell(event)
            self._look_again(event.t + AGAIN_MS, "match", getattr(event, "match", ""))
        else:
            self._walk.take(event)
        self._note(event)

    def turn(self, now_ms: int) -> None:
        """Judge what time brings. Call it when every stream was read to its end."""
        if now_ms - self._turned_ms < TURN_MS:
            return
        self._turned_ms = now_ms
        while self._due and self._due[0][0] <= now_ms:
            _, _, what, name = heapq.heappop(self._due)
            match what:
                case "ticket":
                    self._settle_ticket(name, now_ms)
                case "match":
                    self._settle_match(name, now_ms)
                case _:
                    self._settle_told(name)
        for name in [name for name in self._lost if self._has_ended(name)]:
            del self._lost[name]
        for name, fleet in self._walk.story.fleets.items():
            self._look_for_leaks(name, fleet, now_ms)

    def promises(self) -> Promises:
        """The figures."""
        return Promises(self._count(), len(self._lost), len(self._leaked), self._events)

    def broken(self) -> tuple[Broken, ...]:
        """What is behind the figures, the first ``SHOWN_MAX`` of each kind."""
        lost, leaked = self._lost.values(), self._leaked.values()
        return (
            *self._before,
            *self._breaches(),
            *itertools.islice(lost, SHOWN_MAX),
            *itertools.islice(leaked, SHOWN_MAX),
        )

    def judged(self) -> dict[str, int]:
        """By promise, how many things it judged since events were last missed."""
        of_invariants = {i.title: i.judged for i in self._walk.invariants}
        return {**of_invariants, LEAKED: self._claimed, LOST: self._settled}

    def is_whole(self) -> bool:
        """Whether every stream was read from its first event on."""
        return not self._midway

    def _breaches(self) -> Iterable[Broken]:
        for invariant in self._walk.invariants:
            for breach in invariant.breaches:
                yield Broken(breach.invariant, breach.detail, breach.ids)

    def _count(self) -> int:
        invariants = self._walk.invariants
        return self._breaches_before + sum(len(i.breaches) + i.untold for i in invariants)

    def _began_before(self, event: Event) -> bool:
        """Whether judging this takes something that was told before we listened."""
        story = self._walk.story
        tickets = getattr(event, "tickets", ())
        if isinstance(event, said.TicketCancelled | said.TicketExpired | said.TicketUnmatched):
            tickets = (event.ticket,)
        if any(name not in story.tickets for name in tickets):
            return True
        match event:
            case said.MatchProposed():
                return event.src not in self._elected
            case said.MatchCommitted() | said.MatchClosed() | said.MatchAnnounced():
                known = story.matches.get(event.match)
                led = event.src in self._elected or not isinstance(event, said.MatchCommitted)
                return known is None or not known.proposed or not led
            case said.MatchMoved() | said.MatchEnded():
                return event.match not in story.matches
            case said.RoomClaimed():
                return event.room not in story.fleet(event.src).rooms
            case said.SessionMoved() | said.RoomAcked() | said.RoomReleased():
                fleet = story.fleet(event.src)
                return event.room not in fleet.rooms or event.match not in fleet.sessions
            case said.SessionEnded():
                return event.match not in story.fleet(event.src).sessions
            case _:
                return False

    def _note(self, event: Event) -> None:
        """When to look at it again."""
        match event:
            case said.TicketEnqueued():
                lifetime_ms = self._lifetimes_ms.get(event.src.partition("/")[2], AGAIN_MS)
                self._look_again(event.t + lifetime_ms + GRACE_MS, "ticket", event.ticket)
                if event.key is not None:
                    self._keys[event.ticket] = (event.src, event.key)
            case said.MatchProposed():
                self._look_again(event.t + AGAIN_MS, "match", event.match)
            case said.MatchMoved():
                self._look_again(event.t + SETTLE_MS, "told", event.match)
            case said.RoomClaimed():
                self._claimed += 1
            case said.LeaderElected():
                self._elected.add(event.src)
            case said.ServerDeleted():
                in_use = self._walk.story.fleet(event.src).in_use
                if not in_use.get(event.server):
                    in_use.pop(event.server, None)
            case _:
                pass

    def _look_again(self, due_ms: int, what: str, name: str) -> None:
        heapq.heappush(self._due, (due_ms, next(self._numbers), what, name))

    def _settle_ticket(self, name: str, now_ms: int) -> None:
        self._settled += 1
        if not self._has_ended(name):
            detail = f"ticket {name} is older than its lifetime, and has come to no end"
            self._lost[name] = Broken(LOST, detail, (name,))
        elif self._plays(name):
            self._look_again(now_ms + AGAIN_MS, "ticket", name)
            return
        else:
            self._walk.story.tickets.pop(name, None)
        if key := self._keys.pop(name, None):
            self._same_key.forget(*key)

    def _has_ended(self, name: str) -> bool:
        """Cancelled, expired, or in a match that its players were told of."""
        story = self._walk.story
        ticket = story.tickets.get(name)
        if ticket is None or ticket.gone:
            return True
        match = story.matches.get(ticket.match)
        known = match is not None and (match.announced_ms is not None or bool(match.ended))
        return bool(ticket.match) and (match is None or known)

    def _plays(self, name: str) -> bool:
        story = self._walk.story
        ticket = story.tickets.get(name)
        match = story.matches.get(ticket.match) if ticket else None
        return match is not None and not self._is_over(match)

    def _is_over(self, match: Match) -> bool:
        """A match of newcomers has no end of its own: it ends with the one that they joined."""
        running = self._walk.story.matches.get(match.of)
        joined_over = bool(match.of) and (running is None or bool(running.ended))
        return bool(match.ended) or match.closed or joined_over

    def _settle_match(self, name: str, now_ms: int) -> None:
        story = self._walk.story
        match = story.matches.get(name)
        over = match is None or self._is_over(match)
        if not over or any(session.live for session in story.sessions_of(name)):
            self._look_again(now_ms + AGAIN_MS, "match", name)
            return
        story.matches.pop(name, None)
        self._told.pop(name, None)
        for fleet in story.fleets.values():
            fleet.sessions.pop(name, None)

    def _settle_told(self, name: str) -> None:
        story = self._walk.story
        match = story.matches.get(name)
        judged = self._told.setdefault(name, set())
        for place in sorted(match.told - judged) if match else ():
            judged.add(place)
            if f"fleet/{place.fleet}" not in self._midway or story.sessions_of(name):
                self._held_room.judge_told(name, place)

    def _look_for_leaks(self, name: str, fleet: Fleet, now_ms: int) -> None:
        """A room's holder must have a live session there, and a queue that knows it."""
        held = {}
        for room, state in fleet.rooms.items():
            if state.is_held and (why := self._without_reason(fleet, room, state.holder)):
                held[name, room] = why
        for known in [key for key in self._leaking_ms if key[0] == name and key not in held]:
            del self._leaking_ms[known]
            self._leaked.pop(known, None)
        for key, why in held.items():
            if now_ms - self._leaking_ms.setdefault(key, now_ms) > LEAK_MS:
                self._leaked[key] = Broken(LEAKED, why, (key[1],))

    def _without_reason(self, fleet: Fleet, room: str, holder: str) -> str:
        session = fleet.sessions.get(holder)
        if session is None or not session.live or session.now.room != room:
            return f"room {room} is held for {holder}, whose session there is over"
        queue = queue_of(MatchId(holder))
        known = self._walk.story.matches.get(holder)
        if f"queue/{queue}" in self._midway or queue not in self._lifetimes_ms:
            return ""
        if known is None or not known.proposed:
            return f"room {room} is held for {holder}, which no queue proposed"
        return ""
