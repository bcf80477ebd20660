"""Invariants of tickets: in one match at most, out of the queue once, one per request."""

from collections import defaultdict

from readyup.history import store_events as store, witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Handlers, Story


class OneMatch(Invariant):
    """A ticket that was committed is never committed to another match."""

    title = "1 a ticket is in at most one committed match"

    def handlers(self) -> Handlers:
        return {store.MatchCommitted: self._committed}

    def _committed(self, e: store.MatchCommitted) -> None:
        for name in e.tickets:
            self.judged += 1
            ticket = self.story.tickets.get(name)
            if ticket and ticket.match not in ("", e.match):
                self.breach(
                    f"ticket {name} is committed to {e.match}, and was to {ticket.match}",
                    name,
                    e.match,
                    ticket.match,
                )


class LeavesOnce(Invariant):
    """Assigned, cancelled or expired, and nothing after.

    A commit of what was cancelled before is for invariant 2 to name, a second commit for
    invariant 1; so is a proposal that led there. A proposal that took a ticket which had
    left, and came to nothing, is named here.
    """

    title = "3 a ticket leaves its queue exactly once"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._late: defaultdict[str, list[str]] = defaultdict(list)
        self._cancels: list[own.BotCancel] = []
        self._ends_told: list[own.BotTold] = []

    def handlers(self) -> Handlers:
        return {
            store.TicketEnqueued: self._enqueued,
            store.TicketCancelled: self._leaves,
            store.TicketExpired: self._leaves,
            store.TicketUnmatched: self._still_waits,
            store.MatchProposed: self._proposed,
            store.MatchCommitted: self._committed,
            store.MatchClosed: self._closed,
            own.BotCancel: self._cancel_answered,
            own.BotTold: self._told,
        }

    def _enqueued(self, e: store.TicketEnqueued) -> None:
        self.judged += 1
        ticket = self.story.tickets.get(e.ticket)
        if ticket and ticket.has_left:
            self.breach(f"ticket {e.ticket} is enqueued again after it left", e.ticket)

    def _leaves(self, e: store.TicketCancelled | store.TicketExpired) -> None:
        self.judged += 1
        verb = "cancelled" if isinstance(e, store.TicketCancelled) else "expired"
        ticket = self.story.tickets.get(e.ticket)
        if ticket is None:
            self.breach(f"ticket {e.ticket} is {verb}, and was never enqueued", e.ticket)
        elif ticket.has_left:
            before = ticket.gone or f"committed to {ticket.match}"
            self.breach(f"ticket {e.ticket} is {verb} after it was {before}", e.ticket)

    def _still_waits(self, e: store.TicketUnmatched) -> None:
        self.judged += 1
        ticket = self.story.tickets.get(e.ticket)
        if ticket is None or ticket.has_left:
            detail = f"ticket {e.ticket} is told to wait on, and is not in the queue"
            self.breach(detail, e.ticket)

    def _proposed(self, e: store.MatchProposed) -> None:
        for name in e.tickets:
            ticket = self.story.tickets.get(name)
            if ticket is None or ticket.has_left:
                self._late[e.match].append(name)

    def _committed(self, e: store.MatchCommitted) -> None:
        self._late.pop(e.match, None)
        for name in e.tickets:
            self.judged += 1
            if name not in self.story.tickets:
                detail = f"ticket {name} is committed to {e.match}, and was never enqueued"
                self.breach(detail, name, e.match)

    def _closed(self, e: store.MatchClosed) -> None:
        match = self.story.matches.get(e.match)
        if match and match.committed:
            return
        for name in e.tickets:
            self.judged += 1
            ticket = self.story.tickets.get(name)
            if ticket is None or ticket.has_left:
                detail = f"{e.match} gives back ticket {name}, which is not in the queue any more"
                self.breach(detail, name, e.match)

    def _cancel_answered(self, e: own.BotCancel) -> None:
        if e.ph == "ok":
            self._cancels.append(e)

    def _told(self, e: own.BotTold) -> None:
        if e.status in ("CANCELLED", "TIMED_OUT"):
            self._ends_told.append(e)

    def finish(self) -> None:
        for match, names in self._late.items():
            for name in names:
                detail = f"{match} is proposed with ticket {name}, which is not in the queue"
                self.breach(detail, name, match)
        for e in self._cancels:
            self._must_be_gone(e.ticket or "", f"{e.player}'s cancel of ticket {e.ticket}")
        for told in self._ends_told:
            self._must_be_gone(told.ticket, f"{told.player}'s news that {told.ticket} has ended")

    def _must_be_gone(self, name: str, what: str) -> None:
        self.judged += 1
        ticket = self.story.tickets.get(name)
        if ticket is None:
            self.breach(f"{what} was answered, but no queue knows that ticket", name)
        elif ticket.match:
            detail = f"{what} was answered, but it is committed to {ticket.match}"
            self.breach(detail, name, ticket.match)
        elif not ticket.gone:
            self.breach(f"{what} was answered, but it never left its queue", name)


class SameKey(Invariant):
    """An idempotency key stands for one ticket, in the store and in every answer."""

    title = "9 a repeated request has one effect and one answer"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._stored: dict[tuple[str, str], str] = {}
        self._answered: dict[tuple[str, str, str], str] = {}

    def handlers(self) -> Handlers:
        return {store.TicketEnqueued: self._enqueued, own.BotEnqueue: self._answer}

    def _enqueued(self, e: store.TicketEnqueued) -> None:
        self.judged += 1
        before = self.story.tickets.get(e.ticket)
        if before and not before.has_left:
            self.breach(f"ticket {e.ticket} is enqueued twice", e.ticket)
        if e.key is None:
            return
        first = self._stored.setdefault((e.src, e.key), e.ticket)
        if first != e.ticket:
            detail = f"key {e.key!r} made ticket {e.ticket}, and had made {first}"
            self.breach(detail, e.ticket, first)

    def forget(self, src: str, key: str) -> None:
        """The key's time is over: what it stands for next is a new request."""
        self._stored.pop((src, key), None)

    def _answer(self, e: own.BotEnqueue) -> None:
        if e.ph != "ok" or e.key is None or e.ticket is None:
            return
        self.judged += 1
        first = self._answered.setdefault((e.player, e.queue, e.key), e.ticket)
        if first != e.ticket:
            detail = f"{e.player} repeated key {e.key!r}: answered {e.ticket}, and before {first}"
            self.breach(detail, e.ticket, first)
