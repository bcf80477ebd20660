"""Invariants of matches: whole, parties unsplit, one director, and what was announced stays."""

from collections import Counter, defaultdict

from readyup.history import store_events as store, witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Handlers, Story


class Whole(Invariant):
    """The commit takes exactly the proposed tickets, all still there, and nothing undoes it."""

    title = "2 a match is committed whole or not at all"

    def handlers(self) -> Handlers:
        return {
            store.MatchCommitted: self._committed,
            store.MatchClosed: self._closed,
            store.MatchAnnounced: self._announced,
        }

    def _committed(self, e: store.MatchCommitted) -> None:
        self.judged += 1
        match = self.story.matches.get(e.match)
        if match is None or not match.proposed:
            self.breach(f"{e.match} is committed, and was never proposed", e.match)
        elif match.closed:
            self.breach(f"{e.match} is committed after it was closed", e.match)
        elif match.committed:
            self.breach(f"{e.match} is committed twice", e.match)
        elif set(e.tickets) != set(match.tickets):
            odd = sorted(set(e.tickets) ^ set(match.tickets))
            detail = f"{e.match} is committed with other tickets than proposed: {', '.join(odd)}"
            self.breach(detail, e.match, *odd)
        for name in e.tickets:
            ticket = self.story.tickets.get(name)
            if ticket and ticket.gone:
                detail = f"{e.match} is committed with ticket {name}, which was {ticket.gone}"
                self.breach(detail, e.match, name)

    def _closed(self, e: store.MatchClosed) -> None:
        self.judged += 1
        match = self.story.matches.get(e.match)
        if match is None or not match.proposed:
            self.breach(f"{e.match} is closed, and was never proposed", e.match)
        elif match.committed and match.announced_ms is None:
            self.breach(f"{e.match} is closed after it was committed", e.match)

    def _announced(self, e: store.MatchAnnounced) -> None:
        self.judged += 1
        match = self.story.matches.get(e.match)
        if match is None or not match.committed:
            self.breach(f"{e.match} is announced, and was never committed", e.match)
        elif set(e.tickets) != set(match.seats.values()):
            odd = sorted(set(e.tickets) ^ set(match.seats.values()))
            detail = f"{e.match} is announced to other tickets than committed: {', '.join(odd)}"
            self.breach(detail, e.match, *odd)


class PartiesWhole(Invariant):
    """All players of a ticket sit in one team of its match, each once."""

    title = "7 a party is never split"

    def handlers(self) -> Handlers:
        return {store.MatchCommitted: self._committed}

    def _committed(self, e: store.MatchCommitted) -> None:
        seated: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        for team, seats in e.teams.items():
            for name, player in seats:
                seated[name].setdefault(team, []).append(player)
        for name in e.tickets:
            self._judge(e.match, name, seated.pop(name, {}))
        for name in seated:
            detail = f"{e.match} seats players of ticket {name}, which it did not commit"
            self.breach(detail, e.match, name)

    def _judge(self, match: str, name: str, teams: dict[str, list[str]]) -> None:
        ticket = self.story.tickets.get(name)
        if ticket is None:
            return
        self.judged += 1
        if len(teams) > 1:
            where = " and ".join(sorted(teams))
            self.breach(f"ticket {name} is split in {match}: {where}", name, match)
        elif Counter(p for team in teams.values() for p in team) != Counter(ticket.players):
            players = ", ".join(ticket.players)
            detail = f"{match} does not seat the players of ticket {name}, each once: {players}"
            self.breach(detail, name, match)


class OneDirector(Invariant):
    """Proposals and commits carry the epoch that leads at that place of the stream."""

    title = "8 only the current epoch's director proposes and commits"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._leading: dict[str, int] = {}

    def handlers(self) -> Handlers:
        return {
            store.LeaderElected: self._elected,
            store.MatchProposed: self._acts,
            store.MatchCommitted: self._acts,
        }

    def _elected(self, e: store.LeaderElected) -> None:
        self.judged += 1
        leading = self._leading.get(e.src, 0)
        if e.epoch <= leading:
            self.breach(f"{e.src} elects epoch {e.epoch} after {leading}", e.src)
        self._leading[e.src] = max(leading, e.epoch)

    def _acts(self, e: store.MatchProposed | store.MatchCommitted) -> None:
        self.judged += 1
        leading = self._leading.get(e.src, 0)
        if e.epoch != leading:
            verb = "proposed" if isinstance(e, store.MatchProposed) else "committed"
            detail = f"{e.match} is {verb} at epoch {e.epoch} while epoch {leading} leads {e.src}"
            self.breach(detail, e.match)


class Survives(Invariant):
    """What players were told is never taken back, and the store still knows it."""

    title = "12 what was announced survives"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._told: dict[str, str] = {}

    def handlers(self) -> Handlers:
        return {
            store.MatchClosed: self._closed,
            own.BotAssigned: self._assigned,
            own.ApiPushed: self._pushed,
        }

    def _closed(self, e: store.MatchClosed) -> None:
        match = self.story.matches.get(e.match)
        if match and match.announced_ms is not None:
            self.breach(f"{e.match} is closed after it was announced", e.match)

    def _assigned(self, e: own.BotAssigned) -> None:
        self._told[e.match] = min(e.src, self._told.get(e.match, e.src))

    def _pushed(self, e: own.ApiPushed) -> None:
        self._told[e.match] = min(e.src, self._told.get(e.match, e.src))

    def finish(self) -> None:
        for name, match in self.story.matches.items():
            if match.announced_ms is None:
                continue
            self.judged += 1
            if match.ended == "closed" or any(
                session.reason == "closed" for session in self.story.sessions_of(name)
            ):
                self.breach(f"{name} was announced, and ended because it was closed", name)
        for name, who in sorted(self._told.items()):
            self.judged += 1
            if name not in self.story.matches:
                detail = f"{who} tells of {name}, which no queue has any memory of"
                self.breach(detail, name)
