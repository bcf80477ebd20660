"""The invariant of seats: newcomers to a running match sit where nobody does."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from readyup.history import store_events as store
from readyup.history.invariant import Invariant
from readyup.history.story import Handlers, Story

Place = tuple[str, int]
"""Team and seat."""

Seats = dict[Place, str]
"""Who has each."""

Fill = store.SessionFilled | store.SessionUnfilled


class SeatsOnce(Invariant):
    """Queue and fleet write to streams of their own, so seats are counted at the end."""

    title = "16 a seat of a running match has one player, and was given at the epoch that holds it"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._began: dict[str, Seats] = {}
        self._newcomers: list[store.MatchCommitted] = []
        self._fills: defaultdict[str, list[Fill]] = defaultdict(list)

    def handlers(self) -> Handlers:
        return {
            store.MatchCommitted: self._committed,
            store.SessionFilled: self._filled,
            store.SessionUnfilled: self._unfilled,
        }

    def _committed(self, e: store.MatchCommitted) -> None:
        if e.of:
            self._newcomers.append(e)
            return
        self.judged += 1
        players = Counter(player for seats in e.teams.values() for _, player in seats)
        for player in (player for player, times in players.items() if times > 1):
            self.breach(f"{player} has two seats in {e.match}", e.match)
        self._began[e.match] = {
            (team, n): player
            for team, seats in e.teams.items()
            for n, (_, player) in enumerate(seats)
        }

    def _filled(self, e: store.SessionFilled) -> None:
        self.judged += 1
        self._fills[e.match].append(e)
        session = self.story.fleet(e.src).sessions.get(e.match)
        if session is None or not session.live:
            self.breach(f"{e.fill} is seated in {e.match}, which is not played", e.match, e.fill)
        elif session.now.epoch != e.session_epoch:
            detail = (
                f"{e.fill} is seated in {e.match} at session epoch {e.session_epoch}, and it is"
                f" played at {session.now.epoch}"
            )
            self.breach(detail, e.match, e.fill)

    def _unfilled(self, e: store.SessionUnfilled) -> None:
        self._fills[e.match].append(e)

    def finish(self) -> None:
        seated: set[tuple[str, str]] = set()
        for match, fills in self._fills.items():
            seated |= {(match, fill) for fill in self._replayed(match, fills)}
        for commit in self._newcomers:
            self.judged += 1
            if (commit.of or "", commit.match) not in seated:
                detail = f"{commit.match} is committed to {commit.of}, which keeps no seats for it"
                self.breach(detail, commit.match, commit.of or "")

    def _replayed(self, match: str, fills: Sequence[Fill]) -> set[str]:
        """Those that have seats in the end; a seat that was taken is named on the way."""
        seats = dict(self._began.get(match, {}))
        given: dict[str, tuple[Seats, Seats]] = {}  # and whose seats they were before
        for fill in fills:
            if isinstance(fill, store.SessionUnfilled):
                seats = _given_back(seats, *given.pop(fill.fill, ({}, {})))
                continue
            left = {place: player for place, player in seats.items() if player in fill.out}
            seats = {place: player for place, player in seats.items() if place not in left}
            given[fill.fill] = {(one.team, one.seat): one.player for one in fill.players}, left
            for one in fill.players:
                self.judged += 1
                holder = seats.setdefault((one.team, one.seat), one.player)
                if holder != one.player:
                    where = f"seat {one.seat} of {one.team} in {match}"
                    detail = f"{one.player} gets {where}, which {holder} has"
                    self.breach(detail, match, fill.fill)
        return set(given)


def _given_back(seats: Seats, came: Seats, left: Seats) -> Seats:
    """As before they came, except seats that others have by now."""
    stay = {place: player for place, player in seats.items() if came.get(place) != player}
    sitting = set(stay.values())
    return {place: player for place, player in left.items() if player not in sitting} | stay
