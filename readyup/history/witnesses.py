"""Whether those who were there say so too: a log of the store alone proves little.

For every announced match its players' bots must have heard of it, a server must have
hosted it, and the two must have met. What may rightly be missing is written beside each
rule; docs/history.md tells it at length.
"""

from collections import defaultdict

from core.words import many
from readyup.history import witness_events as own
from readyup.history.invariant import Invariant
from readyup.history.story import Handlers, Match, Session, Story

GRACE_MS = 20_000
"""How long after an announcement going away still explains that one never heard of it.

As long as a lost socket is waited for. Whoever stayed longer had to be told."""


class _Going:
    """When one bot went away, and whether that was its last word."""

    __slots__ = ("is_last", "times_ms")

    def __init__(self) -> None:
        self.times_ms: list[int] = []
        self.is_last = False


class Witnesses(Invariant):
    """Bots and game servers tell of every announced match."""

    title = "witnesses: bots and game servers tell of every announced match"

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._bots: defaultdict[str, _Going] = defaultdict(_Going)
        self._stalls: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._assigned: set[tuple[str, str]] = set()
        self._played: set[tuple[str, str]] = set()
        self._told_end: set[tuple[str, str]] = set()
        self._completed: set[tuple[str, str]] = set()
        self._met: set[tuple[str, str, str]] = set()
        self._hosted: set[tuple[str, str, int]] = set()
        self._finished: set[tuple[str, str]] = set()
        self._admitted: set[tuple[str, str, str]] = set()
        self._outsiders: set[str] = set()

    def handlers(self) -> Handlers:
        return {
            own.BotEnqueue: self._speaks,
            own.BotCancel: self._speaks,
            own.BotTold: self._told,
            own.BotAssigned: self._is_assigned,
            own.BotEnded: self._hears_of_end,
            own.BotJoined: self._joined,
            own.BotResult: self._plays,
            own.BotCrashed: self._goes,
            own.BotStalled: self._stops_reading,
            own.BotLeft: self._goes,
            own.ServerAssigned: self._hosts,
            own.ServerAcked: self._hosts,
            own.PlayerJoined: self._admits,
            own.MatchFinished: self._finishes,
        }

    def _speaks(self, e: own.BotEvent) -> None:
        self._bots[e.player].is_last = False

    def _told(self, e: own.BotTold) -> None:
        self._speaks(e)
        if e.status == "COMPLETED":
            self._completed.add((e.player, e.ticket))

    def _is_assigned(self, e: own.BotAssigned) -> None:
        self._speaks(e)
        self._assigned.add((e.player, e.match))

    def _plays(self, e: own.BotJoined | own.BotResult) -> None:
        self._speaks(e)
        self._played.add((e.player, e.match))

    def _hears_of_end(self, e: own.BotEnded) -> None:
        self._speaks(e)
        self._told_end.add((e.player, e.match))

    def _joined(self, e: own.BotJoined) -> None:
        self._plays(e)
        self._met.add((e.player, e.match, e.server))

    def _goes(self, e: own.BotEvent) -> None:
        bot = self._bots[e.player]
        bot.times_ms.append(e.t)
        bot.is_last = True

    def _stops_reading(self, e: own.BotStalled) -> None:
        self._stalls[e.player].append((e.t, e.until_ms))

    def _hosts(self, e: own.ServerHold) -> None:
        self._hosted.add((e.server, e.match, e.session_epoch))

    def _admits(self, e: own.PlayerJoined) -> None:
        self._hosts(e)
        self._admitted.add((e.player, e.match, e.server))

    def _finishes(self, e: own.MatchFinished) -> None:
        self._hosts(e)
        self._finished.add((e.server, e.match))

    def finish(self) -> None:
        for name, match in self.story.matches.items():
            if match.announced_ms is not None and not match.of:
                self._judge_bots(name, match, match.announced_ms)
                for session in self.story.sessions_of(name):
                    self._judge_server(name, match.announced_ms, session)
        for player, name, server in sorted(self._met - self._admitted):
            if self._tells_nothing(name, server):
                continue
            self.breach(f"{player} joined {name} on {server}, which does not tell of it", name)
        self.judged += len(self._met) + len(self._admitted)
        for player, name, server in sorted(self._admitted):
            self._judge_guest(player, name, server)
        if count := len(self._outsiders):
            self.remarks.append(f"{many(count, 'player')} from outside had no witness")

    def _is_own(self, player: str) -> bool:
        """Of the run's crowd, or heard in this log; where no crowd is named, everybody is."""
        crowd = self.story.crowd
        return not crowd or player.startswith(f"{crowd}-") or player in self._bots

    def _tells_nothing(self, name: str, server: str) -> bool:
        """It speaks only an Agones SDK: somebody else acked for it, and it writes no events."""
        sessions = self.story.sessions_of(name)
        return any(
            s.held[e].server == server for s in sessions for e in s.spoken_for & s.held.keys()
        )

    def _judge_guest(self, player: str, name: str, server: str) -> None:
        """Without a token it could not come; and who stayed to the end must have noticed."""
        match = self.story.matches.get(name)
        if match is None or player not in match.seats:  # invariant 5 names it
            return
        if not self._is_own(player):
            return
        whose = (player, name)
        if whose not in self._assigned and whose not in self._played:
            self.breach(f"{server} admitted {player} to {name}; {player} was not sent there", name)
        elif not self._noticed(whose) and self._finished_with(name, server):
            since_ms = match.announced_ms or 0
            if not any(gone_ms >= since_ms for gone_ms in self._bots[player].times_ms):
                detail = f"{player} was let in to {name} on {server}, and does not tell of it"
                self.breach(detail, name)

    def _noticed(self, whose: tuple[str, str]) -> bool:
        return whose in self._played or whose in self._told_end

    def _finished_with(self, name: str, server: str) -> bool:
        sessions = self.story.sessions_of(name)
        return any(s.reason == "finished" and s.now.server == server for s in sessions)

    def _judge_bots(self, name: str, match: Match, first_ms: int) -> None:
        for player, ticket in match.seats.items():
            if not self._is_own(player):
                self._outsiders.add(player)
                continue
            self.judged += 1
            announced_ms = match.came_ms.get(player, first_ms)
            admitted = any((player, name, p.server) in self._admitted for p in match.told)
            heard = self._noticed((player, name)) or (player, name) in self._assigned
            if heard or admitted or (player, ticket) in self._completed:  # admitted: see guests
                continue
            if self._read_nothing(player, match, announced_ms):
                continue
            if not self._was_away(player, ticket, announced_ms) and not self._at_tail(announced_ms):
                detail = f"{name} was announced, and {player} neither heard of it nor had gone"
                self.breach(detail, name, ticket)

    def _was_away(self, player: str, ticket: str, announced_ms: int) -> bool:
        """It went while it had this ticket, or had gone before and never came back."""
        bot = self._bots.get(player)
        if bot is None:
            return False
        known = self.story.tickets.get(ticket)
        since_ms = known.enqueued_ms if known else announced_ms
        until_ms = announced_ms + GRACE_MS
        if bot.is_last and bot.times_ms[-1] <= until_ms:
            return True
        return any(since_ms <= gone_ms <= until_ms for gone_ms in bot.times_ms)

    def _read_nothing(self, player: str, match: Match, announced_ms: int) -> bool:
        """From before the announcement until the match was over; who reads again is told."""
        over_ms = match.ended_ms
        return over_ms is not None and any(
            from_ms <= announced_ms and over_ms <= until_ms
            for from_ms, until_ms in self._stalls[player]
        )

    def _at_tail(self, announced_ms: int) -> bool:
        """Cut short: a run that was not drained stops in the middle of its last matches."""
        ended = self.story.ended
        return not self.story.drained and ended is not None and announced_ms > ended.t - GRACE_MS

    def _judge_server(self, name: str, announced_ms: int, session: Session) -> None:
        for epoch in sorted(session.acked):
            # It notes its match before it acks, so not even a kill excuses this one.
            place = session.held.get(epoch)
            if place is None or epoch in session.spoken_for:
                continue
            self.judged += 1
            if (place.server, name, epoch) not in self._hosted:
                detail = f"{place.server} acked {name} at epoch {epoch}, and does not tell of it"
                self.breach(detail, name)
        server = session.now.server
        if session.reason == "finished" and session.now.epoch not in session.spoken_for:
            self.judged += 1
            if (server, name) not in self._finished:
                self.breach(f"{name} finished on {server}, which does not tell of it", name)
        # Lost or failed: no server may have lived to ack. Stopped: an operator was quicker.
        # Closed: invariant 12 names it, and invariant 13 what still lives at the end.
        excused = session.live or session.reason in (
            "lost",
            "abandoned",
            "failed",
            "stopped",
            "closed",
        )
        if not session.acked and not excused and not self._at_tail(announced_ms):
            self.breach(f"{name} was announced, and no server ever acked it", name)
