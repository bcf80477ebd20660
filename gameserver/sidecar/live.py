"""A running game server's present state, and everybody who wants to hear of its changes."""

import contextlib
from collections.abc import Callable, Iterator

from core.clock import Clock
from core.game_server import ServerView
from gameserver.sidecar.mailbox import Mailbox
from gameserver.sidecar.state import SdkState, checked, pinged

Watch = Mailbox[None, SdkState]


class LiveServer:
    """Holds one ``SdkState``; ``on_change`` gets each new view before ``become`` returns."""

    def __init__(
        self, first: SdkState, clock: Clock, on_change: Callable[[ServerView], None]
    ) -> None:
        self.clock = clock
        self._state = first
        self._on_change = on_change
        self._watches: set[Watch] = set()

    @property
    def state(self) -> SdkState:
        return self._state

    def become(self, new: SdkState) -> None:
        """Take on a state made from the present one, and tell the watchers if it is news."""
        before, self._state = self._state, new
        if new.resource_version != before.resource_version:
            for watch in self._watches:
                watch.put(None, new)
        if new.view != before.view:
            self._on_change(new.view)

    def ping(self) -> None:
        """The server says that it is well."""
        self._state = pinged(self._state, now_s=self.clock.elapsed_s())

    def check(self) -> None:
        """See whether its health was lost or its reservation ended."""
        self.become(checked(self._state, now_s=self.clock.elapsed_s()))

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        """The present state, then the latest one after each change, until ``close``."""
        watch = Watch()
        watch.put(None, self._state)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    def close(self) -> None:
        """End the watches, once they have given what they hold."""
        for watch in self._watches:
            watch.close()
