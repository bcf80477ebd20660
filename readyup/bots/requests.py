"""What a player asks of the API: one request at a time over its line, and the answer to it."""

from dataclasses import dataclass, replace
from typing import Any

from readyup.bots import messages
from readyup.bots.behaviour import ANSWER_S, Comes, answer
from readyup.bots.diary import Diary
from readyup.bots.lifeline import Lifeline
from readyup.bots.messages import Hello, Push, TicketNews


@dataclass(frozen=True, slots=True)
class _Open:
    kind: str
    key: str
    """The idempotency key of an enqueue, the ticket of a cancel."""

    frame: bytes
    asked_s: float


class Requests:
    """Frames carry no number: an answer belongs to the one request that is open."""

    def __init__(self, line: Lifeline, diary: Diary) -> None:
        self._line = line
        self._diary = diary
        self._open: _Open | None = None
        self.cancel_asked = False
        """Whether the ticket was asked to be cancelled, with an answer or none yet."""

    def overdue_s(self) -> float | None:
        """When the open request counts as unanswered (loop's time); None without one."""
        return None if self._open is None else self._open.asked_s + ANSWER_S

    async def enqueue(
        self,
        queue: str,
        told: dict[str, Any],
        *,
        key: str,
        others: list[dict[str, Any]],
        now_s: float,
    ) -> None:
        """``told`` is what is to be known of the player itself."""
        frame = messages.enqueue(queue, told, key=key, others=others)
        await self._ask(_Open("enqueue", key, frame, now_s))

    async def cancel(self, ticket: str, *, now_s: float) -> None:
        self.cancel_asked = True
        await self._ask(_Open("cancel", ticket, messages.CANCEL, now_s))

    async def come(self, push: Push, player: str, comes: Comes) -> None:
        """Tell a match that asks for it whether the player comes; said again where it is asked."""
        ticket = push.ticket if isinstance(push, TicketNews | Hello) else None
        asked = ticket.acceptance if ticket else None
        if ticket is None or asked is None or player in asked.accepted or comes is Comes.SLEEP:
            return
        accept = comes is Comes.ACCEPT
        self._diary.answered(ticket.id, asked.match, accept=accept)
        await self._line.send(messages.answer(ticket.id, asked.match, accept=accept))

    def waiting_again(self) -> None:
        """A new ticket waits, and nobody asked to cancel that one."""
        self.cancel_asked = False

    def heard(self, push: Push, *, known: str) -> int | None:
        """Take note of an answer. The problem's status when an enqueue was refused, else None.

        ``known`` is the ticket that the player had before this push.
        """
        asked = self._open
        if asked is None:
            # An assignment that beats a cancel answers it; the 409 that follows says it again.
            late = self.cancel_asked and isinstance(push, messages.Refused)
            if isinstance(push, messages.Refused) and not (late and push.problem.status == 409):
                # A 503 to what a push had answered: it was done, and the store's reply was lost.
                status = push.problem.status
                self._diary.error("api_busy" if status == 503 else f"refused_{status}")
            return None
        told = answer(asked.kind, push, known=known)
        if told is None:
            return None
        self._open = None
        phase, fields = told
        if asked.kind == "cancel":
            self._diary.cancel(phase, asked.key, **fields)
            return None
        self._diary.enqueue(phase, asked.key, **fields)
        return push.problem.status if isinstance(push, messages.Refused) else None

    async def resume(self, hello: Hello, *, now_s: float) -> None:
        """On a new line an enqueue that left no trace is sent once more, under its key."""
        asked = self._open
        if asked is None or asked.kind != "enqueue":
            return
        if hello.session is None:
            await self._ask(replace(asked, asked_s=now_s))
        else:
            self._open = None  # it was answered, and the match found, while the line was away

    def unknown(self, *, now_s: float) -> None:
        """The line is gone, or no answer came: the outcome may be either."""
        asked = self._open
        if asked is None:
            return
        if asked.kind == "cancel":
            self._open, self.cancel_asked = None, False
            self._diary.cancel("info", asked.key)
        else:
            self._open = replace(asked, asked_s=now_s)
            self._diary.enqueue("info", asked.key)

    def abandon(self) -> None:
        """Wait for no answer any more."""
        self._open = None

    async def _ask(self, asked: _Open) -> None:
        self._open = asked
        if asked.kind == "cancel":
            self._diary.cancel("invoke", asked.key)
        else:
            self._diary.enqueue("invoke", asked.key)
        await self._line.send(asked.frame)
