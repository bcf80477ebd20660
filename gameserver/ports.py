"""What the runtime asks of a game and of its surroundings, and what a game may ask of it."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from core.ids import MatchId, PlayerId
from gameserver.admission import Admitted, TurnedAway
from gameserver.rooms import Assignment


class Host(Protocol):
    """What a game asks of the runtime."""

    def admit(self, token: str) -> Admitted | TurnedAway:
        """Let a player in. Ask once per join: a token that opened is refused after that."""
        ...

    def left(self, match: MatchId, player: PlayerId) -> None:
        """The player is not connected any more; a later join is a rejoin."""
        ...

    def snapshot(self, match: MatchId, state: bytes) -> None:
        """Keep what another server needs to go on with the match, should this one die.

        The newest stands, and goes out as often as the allocator takes it, so call this
        whenever it suits. ``Game.start`` gets the last one back in ``Assignment.snapshot``.

        Raises:
            Invalid: it is larger than ``core.game_server.SNAPSHOT_MAX_BYTES``.
        """
        ...

    def backfill(
        self, match: MatchId, open_: Mapping[str, int], gone: Collection[PlayerId] = ()
    ) -> None:
        """Ask for players: so many seats of each team, those of ``gone`` first.

        The newest stands; without seats nobody is asked for. Whoever comes is let in by
        ``admit``, to a seat that is free or was that of somebody who has gone.
        """
        ...

    def finished(self, match: MatchId, result: dict[str, Any]) -> None:
        """The match is over, with a result as JSON. ``Game.stop`` is not called for it."""
        ...


class Game(Protocol):
    """What the runtime asks of a game. All is called on the event loop and must not block."""

    tick_hz: float
    """How often ``tick`` is called, per second."""

    async def open(self, host: Host) -> None:
        """Bind the transport; players may come from now on. Once."""
        ...

    def start(self, match: Assignment) -> None:
        """The match is ours: play it.

        Raises:
            Rejected: this game cannot play it; the room is released as failed.
        """
        ...

    def stop(self, match: MatchId, reason: str) -> None:
        """The match ends here without a result: tell its players. Once per started match."""
        ...

    def tick(self, n: int) -> None:
        """One step of every match; ``n`` rises, with gaps where ticks were skipped."""
        ...

    def close(self) -> None:
        """Tell whoever is connected, and give the transport back."""
        ...


class Sdk(Protocol):
    """What the runtime asks of the Agones SDK; ``gameserver.sdk.client.AgonesSdk`` is one.

    Each call raises ``Unreachable`` when the SDK server does not answer, and may be repeated.
    """

    async def ready(self) -> None:
        """Players can come."""
        ...

    async def shutdown(self) -> None:
        """Have this server removed."""
        ...

    async def set_annotation(self, key: str, value: str) -> None:
        """Publish a text beside this server's name, under ``agones.dev/sdk-<key>``."""
        ...

    async def set_label(self, key: str, value: str) -> None:
        """Publish a short word by which others can choose, under ``agones.dev/sdk-<key>``."""
        ...

    async def set_counter_count(self, key: str, count: int) -> None:
        """Publish a number, of a counter that the fleet declares.

        Raises:
            Rejected: there is no such counter, or it is smaller.
        """
        ...

    async def health(self, period_s: float, stop: asyncio.Event) -> None:
        """Ping until ``stop``, whatever happens to the SDK server meanwhile."""
        ...


class Line(Protocol):
    """What is said to the allocator goes this way."""

    @property
    def up(self) -> bool:
        """Whether anybody hears it."""
        ...

    def send(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Say it if the line is up, else lose it."""
        ...


class Witness(Protocol):
    """Where this server's own account of what happened goes: ``core.eventfile.EventFile``."""

    def write(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Note that it happened now."""
        ...
