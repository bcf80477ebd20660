"""One player: hears, decides by ``behaviour``, and acts over its line and its link."""

import asyncio
from dataclasses import replace
from typing import Any

from readyup.bots import messages
from readyup.bots.behaviour import MISSES_MAX, NEVER, Intent, Mood, Situation, closing_word, intend
from readyup.bots.diary import Diary
from readyup.bots.habits import draw_round
from readyup.bots.lifeline import Barred, Lifeline, LineLost
from readyup.bots.messages import Assigned, Hello, Push
from readyup.bots.party import Nudge, Party
from readyup.bots.requests import Requests
from readyup.bots.standing import Deed, Phase, Standing, astray, hear, let_in, rested
from readyup.bots.visit import Finished, Joined, LinkLost, NoAnswer, NoSession, Report, Visits
from readyup.bots.world import Who, World

HEARTBEAT_S = 5.0
"""A quarter of the 20 s of grace that a ticket has without a sign of life."""

INBOX_MAX = 64

Heard = Push | LineLost | Barred | Report | Nudge


class Player:
    """Lives from ``live()`` until it leaves or crashes."""

    def __init__(
        self, who: Who, world: World, party: Party, diary: Diary, *, first_think_s: float
    ) -> None:
        self.id = who.id
        self.who = who
        self.connected = False
        self.standing = Standing()
        self._dice = who.dice
        self._world = world
        self._party = party
        self._diary = diary
        self._line = Lifeline(world.api, who.id, who.dice)
        self._inbox: asyncio.Queue[Heard] = asyncio.Queue(INBOX_MAX)
        self._plan = replace(draw_round(world.habits, who.dice), think_s=first_think_s)
        self._requests = Requests(self._line, diary)
        self._visits = Visits(world.api, world.game, player=who.id, tell=self._inbox.put)
        self._counted_return = False
        self._misses = self._enqueues = 0
        self._unsure_with: list[dict[str, Any]] | None = None
        self._refusals = 0
        """Enqueues refused in a row."""

        self._since_s = self._waiting_since_s = 0.0

    @property
    def phase(self) -> Phase:
        return self.standing.phase

    def nudge(self) -> None:
        if not self._inbox.full():  # one that is busy thinks anyway
            self._inbox.put_nowait(Nudge())

    async def live(self) -> None:
        """Until it leaves, crashes, or is cancelled; nothing of it is left behind."""
        self._since_s = _now_s()
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._line.run(self._inbox.put), name=f"{self.id} line")
                await self._act(group)
                keeper.cancel()
                self._visits.stop()
        finally:
            if self.phase is not Phase.GONE:  # cancelled: whoever waits for it need not
                self._diary.left()
                self._enter(replace(self.standing, phase=Phase.GONE))

    async def _act(self, group: asyncio.TaskGroup) -> None:
        beat_s = _now_s() + self._dice.uniform(0.5, 1.0) * HEARTBEAT_S
        while self.phase is not Phase.GONE:
            due_s, intent = self._next()
            try:
                async with asyncio.timeout_at(min(due_s, beat_s)):
                    heard = await self._inbox.get()
            except TimeoutError:
                if _now_s() >= beat_s:
                    beat_s += HEARTBEAT_S
                    await self._line.send(messages.HEARTBEAT)
                if _now_s() >= due_s:
                    await self._do(intent, group)
                continue
            await self._take(heard, group)

    def _next(self) -> tuple[float, Intent | None]:
        """When to act and what to do; None stands for giving up on an answer."""
        after_s, intent = intend(
            self.standing,
            self._plan,
            Situation(
                mood=self._world.mood,
                leads=self._party.leads(self),
                over=self._party.over(),
                awaited=self._party.waits(),
                may_cancel=self.connected and not self._requests.cancel_asked,
                returning=self._visits.under_way(),
            ),
        )
        overdue_s = self._requests.overdue_s()
        patient = intent in {Intent.ENQUEUE, Intent.CANCEL, Intent.LEAVE}
        if overdue_s is not None and patient and self._world.mood is not Mood.CLOSED:
            return overdue_s, None
        return self._since_s + after_s, intent

    async def _do(self, intent: Intent | None, group: asyncio.TaskGroup) -> None:
        match intent:
            case None:
                await self._unanswered()
            case Intent.ENQUEUE:
                await self._enqueue()
            case Intent.CANCEL:
                await self._requests.cancel(self.standing.ticket, now_s=_now_s())
            case Intent.DROP:
                self._drop()
            case Intent.CRASH:
                await self._crash()
            case Intent.RETURN:
                self._visits.start(group, None)
            case Intent.GIVE_UP:
                self._give_up()
            case Intent.LEAVE:
                self._diary.left()
                self._enter(replace(self.standing, phase=Phase.GONE))

    async def _take(self, heard: Heard, group: asyncio.TaskGroup) -> None:
        match heard:
            case Joined() | Finished() | LinkLost() | NoSession() | NoAnswer():
                if self._visits.reported_by(heard.visit):
                    self._report(heard)
            case LineLost():
                self.connected = False
                self._diary.error(heard.kind)
                self._requests.unknown(now_s=_now_s())
            case Barred():
                self._diary.error("unauthorized")
                self._enter(replace(self.standing, phase=Phase.GONE))
            case Nudge():
                pass
            case _:
                await self._push(heard, group)

    async def _push(self, push: Push, group: asyncio.TaskGroup) -> None:
        before = self.standing
        after, deed = hear(before, push)
        if (refused := self._requests.heard(push, known=before.ticket)) is not None:
            self._refused(refused)
        waited_ms = self._waited_ms(before, after) if deed in {Deed.WAIT, Deed.PLAY} else None
        self._diary.heard(push, before, after, deed, waited_ms=waited_ms)
        if after.phase is not before.phase:
            self._enter(after)
        else:
            self.standing = after
        match deed:
            case Deed.WAIT:
                self._requests.waiting_again()
            case Deed.PLAY:
                assert isinstance(push, Assigned)
                self._visits.start(group, push.assignment)
            case Deed.RETURN:
                self._visits.start(group, None)
            case Deed.REST:
                self._rest()
            case Deed.WRAP_UP:
                self._since_s = _now_s()
            case Deed.NOTHING:
                pass
        await self._requests.come(push, self.id, self._plan.comes)
        if isinstance(push, Hello):
            self.connected = True
            await self._requests.resume(push, now_s=_now_s())

    def _waited_ms(self, before: Standing, after: Standing) -> float | None:
        """Since the party heard that its ticket waits; None for a match that was moved."""
        known, now_s = self._party.knows(after.ticket), _now_s()
        self._waiting_since_s = self._party.waiting_since_s(after.ticket, now_s=now_s)
        new = after.match != before.match
        return (now_s - self._waiting_since_s) * 1000.0 if known and new else None

    async def _enqueue(self) -> None:
        if not self._party.together():
            self._plan = replace(self._plan, think_s=self._after_s(0.2))
            return
        others = self._party.others(self, self._world.key)
        # What was answered with 503 may have been done; asked again, it is asked by its key.
        if others != self._unsure_with:
            self._enqueues += 1
        self._unsure_with = None
        await self._requests.enqueue(
            self._party.queue,
            self.who.told(),
            key=f"{self._world.run}-{self.id}-{self._enqueues}",
            others=others,
            now_s=_now_s(),
        )

    async def _unanswered(self) -> None:
        """Hang up: the next Hello says how things stand."""
        self._diary.error("no_answer")
        self._requests.unknown(now_s=_now_s())
        if self._world.mood is not Mood.OPEN:
            self._requests.abandon()
        await self._line.hang_up()

    def _refused(self, status: int) -> None:
        if status == 503:
            self._unsure_with = self._party.others(self, self._world.key)
        # One who crashed may have enqueued the others, who are told of it only later.
        if not (status == 409 and self._party.bereft()):
            self._diary.error("api_busy" if status == 503 else f"enqueue_refused_{status}")
        # Longer each time: a player may ask once a second, whatever became of it.
        self._refusals = min(self._refusals + 1, 4)
        patience_s = self._dice.uniform(0.5, 1.0) * 2 ** (self._refusals - 1)
        self._plan = replace(self._plan, think_s=self._after_s(patience_s))

    def _report(self, heard: Report) -> None:
        self._count_return(heard)
        match heard:
            case Joined(assignment=to):
                if self.standing.epoch == 0:
                    self._diary.led_back(self.standing, to)
                self._diary.joined(self.standing, to)
                self._misses = 0
                self._enter(let_in(self.standing, to))
            case Finished(match=match, result=result, quality=quality):
                self._diary.result(match, result, quality)
                self._enter(rested(self.standing))
                self._rest()
            case LinkLost(reason=reason):
                self._link_lost(closing_word(reason))
            case NoSession():
                self._stray(self._dice.uniform(0.5, 1.0))
                self._misses += 1
                if self._misses >= MISSES_MAX:
                    self._give_up()
            case NoAnswer():
                self._stray(self._dice.uniform(0.5, 1.0))

    def _count_return(self, heard: Report) -> None:
        """A way back into a match that was left is tried once, however often it knocks."""
        if self.phase is not Phase.AWAY or not self.standing.joined:
            return
        if isinstance(heard, Joined | LinkLost) and not self._counted_return:
            self._counted_return = True
            self._diary.rejoin("tried")
        if isinstance(heard, Joined):
            self._diary.rejoin("succeeded")

    def _link_lost(self, error: str) -> None:
        if self.standing.ending:
            self._give_up()
            return
        if error:
            self._diary.error(error)
        self._stray(self._dice.uniform(0.2, 0.6))

    def _stray(self, away_s: float) -> None:
        self._visits.stop()
        if self.phase is not Phase.AWAY:
            self._counted_return = False
            self._enter(astray(self.standing))
        self._plan = replace(self._plan, away_s=self._after_s(away_s))

    def _drop(self) -> None:
        self._visits.drop()
        self._diary.dropped(self.standing.match)
        self._plan = replace(self._plan, drop_after_s=NEVER)
        self._stray(self._plan.away_s)

    def _give_up(self) -> None:
        if not self.standing.ending:
            kind = "match_silent" if self.phase is Phase.PLAYING else "session_lost"
            self._diary.error(kind, match=self.standing.match)
        self._enter(rested(self.standing))
        self._rest()

    async def _crash(self) -> None:
        self._diary.crashed()
        self._visits.drop()
        await self._line.vanish()
        self._enter(replace(self.standing, phase=Phase.GONE))

    def _enter(self, standing: Standing) -> None:
        self.standing = standing
        self._since_s = _now_s()
        if standing.phase is not Phase.RESTING:
            self._unsure_with, self._refusals = None, 0
        if standing.phase is Phase.GONE:
            self._party.nudge()

    def _rest(self) -> None:
        """A round is over: match played, lost, or wait cancelled."""
        self._visits.stop()
        self._counted_return, self._misses = False, 0
        self._diary.round_done(_now_s() - self._waiting_since_s)
        self._plan = draw_round(self._world.habits, self._dice)
        if self._party.leads(self):
            self._party.round_done()

    def _after_s(self, more_s: float) -> float:
        return _now_s() - self._since_s + more_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()
