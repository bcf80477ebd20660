"""Invariant of the ready check: nobody is put into a match that they did not accept."""

from readyup.history import store_events as store, witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Handlers, Match, Story


class AllAccepted(Invariant):
    """A match that asks its players goes on only with the word of each of them.

    The word is the store's; of bots, who tell what they said, it is theirs too.
    """

    title = "14 a match that asks its players is committed only when all accepted"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._bots: set[str] = set()
        self._said: set[tuple[str, str]] = set()

    def handlers(self) -> Handlers:
        return {
            store.MatchAccepted: self._goes_on,
            store.MatchCommitted: self._goes_on,
            own.BotTold: self._told,
            own.BotAnswered: self._answered,
        }

    def _goes_on(self, e: store.MatchAccepted | store.MatchCommitted) -> None:
        match = self.story.matches.get(e.match)
        if match is None or not match.asks:
            return
        self.judged += 1
        verb = "committed" if isinstance(e, store.MatchCommitted) else "said to be accepted"
        if missing := sorted(self._players(match) - match.accepted):
            detail = f"{e.match} is {verb} without the word of {', '.join(missing)}"
            self.breach(detail, e.match, *missing)

    def _players(self, match: Match) -> set[str]:
        tickets = (self.story.tickets.get(name) for name in match.tickets)
        return {player for ticket in tickets if ticket for player in ticket.players}

    def _told(self, e: own.BotTold) -> None:
        self._bots.add(e.player)

    def _answered(self, e: own.BotAnswered) -> None:
        if e.accept:
            self._said.add((e.player, e.match))

    def finish(self) -> None:
        for name, match in self.story.matches.items():
            if not (match.asks and match.committed):
                continue
            for player in sorted(match.accepted & self._bots):
                if (player, name) not in self._said:
                    detail = f"{name} is committed with the word of {player}, who never gave it"
                    self.breach(detail, name, player)
