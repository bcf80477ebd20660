"""What those who wait are told while they wait: how long it may take, and that it takes long."""

from matchmaker.engine.pool import PoolView
from matchmaker.estimates import Estimator
from matchmaker.records import Records
from matchmaker.unmatched import Unmatched


class Outlook:
    """One term's view of those who wait in a queue; ``tell`` is called about once a second."""

    def __init__(self, queue: Records, *, now_ms: int) -> None:
        self._line_max = queue.settings.line_max
        self._unmatched = Unmatched(queue, now_ms=now_ms)
        self._estimator = Estimator(queue)

    async def tell(self, view: PoolView, *, now_ms: int, paused: bool, in_line: int) -> None:
        """Publish what waits were like, and tell those who wait long why."""
        held_up = ""
        if paused:
            held_up = "The queue is paused."
        elif in_line >= self._line_max:
            held_up = "Matches wait in line for rooms."
        await self._unmatched.look(view, now_ms=now_ms, held_up=held_up)
        await self._estimator.publish(view, now_ms=now_ms)
