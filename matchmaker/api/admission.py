"""When this process has more to do than it can: new tickets are shed first, all else goes on.

Creates under way are bounded by what is finished in a twentieth of a second, which keeps the
process as busy as it can be and no busier. What is beyond is refused at the door, before
HTTP is parsed and keys are verified. Even that costs a tenth of a create, so at ten times
too much the refused alone would fill the day: refusals have a rate of their own, and who was
refused is not read again before it is their turn. Two more signs shed all creates until it
has been calm for a moment: calls that pile up before the store, and an event loop that is
late again and again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.clock import Clock
from core.errors import Exhausted
from core.patience import Refusal
from core.supervise import every
from core.web import Problem, problem_of, problem_response

LOOK_S = 0.02
"""Between two looks at the signs."""

RATE_S = 0.5
"""Seconds over which the rate of finished creates is smoothed."""

REST_S_MAX = 0.75
"""Less than ``Retry-After``: whoever waits as long as they were told is read at once."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What tells that it is too much."""

    creates_min: int = 64
    """Creates that may be under way at any rate. A few dozen fill the store's pipelines and
    one core; at a millisecond each, so many are answered within a tenth of a second."""

    answer_s: float = 0.05
    """More may be under way where more than those are finished within so many seconds."""

    refusals_per_s: float = 1_000.0
    """At the door. One costs some 25 microseconds, so that these are a fortieth of a core."""

    pending_max: int = 1_000
    """Calls that wait for the store: two pipelines' worth."""

    lag_s_max: float = 0.5
    """Lateness of the loop. Above it an answer takes longer than players find normal."""

    late_max: int = 3
    """Looks in a row that may be late; a single stall is no overload."""

    calm_s: float = 0.2
    """Both signs below half their bounds for so long lets creates in again."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether all creates are shed, how often in a row a look was late, since when it is calm."""

    shedding: bool = False
    late: int = 0
    calm_since_s: float | None = None


def judged(state: State, signs: Signs, *, lag_s: float, pending: int, now_s: float) -> State:
    """The state after one more look.

    >>> judged(State(), Signs(), lag_s=0.0, pending=1001, now_s=1.0).shedding
    True
    >>> judged(State(late=3), Signs(), lag_s=0.3, pending=0, now_s=1.0).shedding
    True
    >>> judged(State(True, 0, 1.0), Signs(), lag_s=0.0, pending=0, now_s=1.2).shedding
    False
    """
    late = state.late + 1 if lag_s > signs.lag_s_max else 0
    if pending > signs.pending_max or late > signs.late_max:
        return State(shedding=True, late=late)
    if not state.shedding:
        return State(late=late)
    if late or 2 * lag_s > signs.lag_s_max or 2 * pending > signs.pending_max:
        return State(shedding=True, late=late)
    since_s = now_s if state.calm_since_s is None else state.calm_since_s
    if now_s - since_s >= signs.calm_s:
        return State()
    return State(shedding=True, calm_since_s=since_s)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many creates are finished in a second, smoothed."""

    per_s: float = 0.0

    def after(self, finished: int, seconds: float) -> "Pace":
        """The pace after so many more in so many seconds.

        >>> Pace(1000.0).after(20, 0.02)
        Pace(per_s=1000.0)
        """
        share = min(1.0, seconds / RATE_S)
        return Pace(self.per_s + share * (finished / seconds - self.per_s))


class Admission:
    """Decides for each create whether it may begin."""

    def __init__(
        self,
        pending: Callable[[], int],
        clock: Clock,
        signs: Signs,
        tell_shed: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._pending = pending
        self._clock = clock
        self._signs = signs
        self._state = State()
        self._creates = 0
        self._at_door = 0
        self._finished = 0
        self._pace = Pace()
        self._even_s = 0.0
        self._tell_shed = tell_shed
        self._told = 0
        self.shed = 0
        """Creates refused so far."""

    def creates_max(self) -> int:
        """Creates that may be under way now."""
        return max(self._signs.creates_min, int(self._pace.per_s * self._signs.answer_s))

    @contextlib.contextmanager
    def create(self, many: int = 1) -> Iterator[None]:
        """So many creates are under way while the block lasts.

        Raises:
            Exhausted: there is too much to do already; nothing was begun.
        """
        self._at_door = max(0, self._at_door - 1)
        if self._state.shedding or self._creates >= self.creates_max():
            self.shed += many
            raise Exhausted(BUSY)
        self._creates += many
        try:
            yield
        finally:
            self._creates -= many
            self._finished += many

    def at_door(self, data: bytes) -> Refusal | None:
        """What a whole request is told that is refused unread; None lets it in.

        Only to ``POST /v1/tickets``, and only when ``data`` is that request from its first
        byte to its last: then the connection is as good for the next one as before.
        """
        if not data.startswith(CREATE):
            return None
        waiting = self._creates + self._at_door
        if not (self._state.shedding or waiting >= self.creates_max()):
            self._at_door += 1
            return None
        if not _is_whole(data):
            return None
        self.shed += 1
        return self._refusal()

    def _refusal(self) -> Refusal:
        """What the refused are told, and for how long they are not read: until their turn."""
        now_s, each_s = self._clock.elapsed_s(), 1 / self._signs.refusals_per_s
        self._even_s = min(max(self._even_s, now_s) + each_s, now_s + REST_S_MAX)
        return Refusal(REFUSAL, self._even_s - now_s)

    def look(self, *, lag_s: float) -> None:
        """Take the signs; called every ``LOOK_S``."""
        # Those who passed the door and never came to be a create: wrong keys, cut lines.
        self._at_door = 0
        self._pace = self._pace.after(self._finished, LOOK_S + lag_s)
        self._finished = 0
        if self.shed > self._told:
            # Not at each refusal: a refusal must cost next to nothing.
            self._tell_shed(self.shed - self._told)
            self._told = self.shed
        self._state = judged(
            self._state,
            self._signs,
            lag_s=lag_s,
            pending=self._pending(),
            now_s=self._clock.elapsed_s(),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few milliseconds until ``stop``."""
        looked_s = self._clock.elapsed_s()

        async def look() -> None:
            nonlocal looked_s
            now_s = self._clock.elapsed_s()
            self.look(lag_s=max(0.0, now_s - looked_s - LOOK_S))
            looked_s = now_s

        await every(LOOK_S, look, stop=stop)


CREATE = b"POST /v1/tickets HTTP/1.1\r\n"
BUSY = "this server has more to do than it can; ask again in a moment"


def _refusal() -> bytes:
    problem: Problem = problem_of(Exhausted(BUSY))
    response = problem_response(problem)
    body = response.body
    assert isinstance(body, bytes)
    lines = [f"HTTP/1.1 {problem.status} Service Unavailable"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if "Content-Length" not in response.headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


REFUSAL = _refusal()
"""What the handler would answer, made once."""


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    lengths = [line[15:].strip() for line in lines if line.startswith(b"content-length:")]
    if not end or len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > 6:
        return False
    strange = (b"transfer-encoding:", b"expect:", b"upgrade:", b"connection: close")
    return len(body) == int(lengths[0]) and not any(line.startswith(strange) for line in lines)
