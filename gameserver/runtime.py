"""One game server process from its first word to its last.

It tells Agones that it lives and is ready, keeps the line to the allocator, ticks the game,
and leaves in good order. What happens to a match is decided in matches.py.
"""

import asyncio
import contextlib
import logging
import random
from typing import Final

from core.clock import Clock
from core.errors import ReadyUpError
from core.supervise import Service, every, serve_all
from gameserver.environment import Environment
from gameserver.matches import Matches
from gameserver.occupancy import Occupancy
from gameserver.pinning import Pinned
from gameserver.ports import Game, Sdk, Witness
from gameserver.rooms import State
from gameserver.sessions_link import SessionsLink
from gameserver.telling import Telling
from gameserver.tick import TickLoop

log = logging.getLogger("readyup.gameserver.runtime")

HEALTH_S: Final = 1.0
"""Between pings to the SDK server: half the shortest health period that makes sense."""

LOOK_S: Final = 0.1
"""How often deadlines are looked at."""

FORSAKEN_S: Final = 600.0
"""A server in reserve that hears nothing for so long shuts down: it could not ack a match."""

HAND_OVER_S: Final = 3.0
"""Before the end, for the handing over of matches that would have liked to finish."""

LAST_WORDS_S: Final = 1.0
"""How long the answer to a last release, and the SDK server's to Shutdown(), are waited for."""


class Runtime:
    """Runs one game on one server. Make it inside the event loop, and run it once."""

    def __init__(
        self,
        environment: Environment,
        game: Game,
        sdk: Sdk,
        witness: Witness,
        clock: Clock,
        dice: random.Random,
    ) -> None:
        self._environment = environment
        self._game = game
        self._sdk = sdk
        self._witness = witness
        self._clock = clock
        telling = Telling(environment, witness, clock)
        self._matches = Matches(environment, game, telling, clock)
        self._link = SessionsLink(environment.sessions_url, self._matches, clock, dice)
        telling.line = self._link
        self._ticks = TickLoop(game.tick_hz)
        self._stop_by_s: float | None = None

    async def run(self, stop: asyncio.Event, pinned: Pinned) -> str:
        """Serve matches until ``stop``, a retirement, or for want of an allocator; tells which.

        After ``stop``, other servers are asked for: at once for matches that nobody joined yet,
        after the fleet's ``finish_s`` for those with a snapshot, and for the rest shortly
        before ``drain_s`` are over. Where matches in play are not handed over they have
        ``drain_s`` and then fail. The SDK's Shutdown() has been said when this returns.
        """
        leave = asyncio.Event()
        await self._game.open(self._matches)
        try:
            await self._announce(pinned)
            await serve_all(
                self._shown()
                | {
                    "health": lambda done: self._sdk.health(HEALTH_S, done),
                    "sessions": self._link.run,
                    "ticks": lambda done: self._ticks.run(self._game.tick, done),
                    "heartbeat": self._beat,
                    "life": lambda done: self._live(stop, done),
                },
                stop=leave,
                drain_s=LAST_WORDS_S,
            )
        finally:
            self._game.close()
        await self._say_shutdown()
        log.info("server.leaving", extra={"reason": self._matches.retiring})
        return self._matches.retiring

    def _shown(self) -> dict[str, Service]:
        """Where Agones runs us and we have several rooms, those that are taken are its counter."""
        if self._environment.key_known or self._environment.rooms == 1:
            return {}
        every_room = self._environment.rooms
        taken = Occupancy(self._sdk, lambda: every_room - self._matches.count(State.FREE))
        return {"occupancy": taken.run}

    async def _announce(self, pinned: Pinned) -> None:
        if not self._environment.key_known:  # nobody knows us yet but Agones
            await self._sdk.set_annotation("readyup-key", self._environment.public_hex())
            await self._sdk.set_annotation("readyup-pinned", pinned.sentence)
            await self._sdk.set_label("readyup-pinned", str(pinned.exclusive).lower())
        await self._sdk.ready()
        self._witness.write(
            "server.ready",
            server=self._environment.uid,
            rooms=self._environment.rooms,
            cores=list(pinned.cores),
            pinned=pinned.sentence,
            exclusive=pinned.exclusive,
        )
        log.info(
            "server.ready",
            extra={"server": self._environment.uid, "pinned": pinned.sentence},
        )

    async def _beat(self, done: asyncio.Event) -> None:
        while not done.is_set():
            self._matches.beat(self._ticks.figures())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._matches.heartbeat_s):
                    await done.wait()

    async def _live(self, stop: asyncio.Event, done: asyncio.Event) -> None:
        async def look() -> None:
            self._matches.look()
            if stop.is_set():
                self._go_on_stopping()
            if self._may_leave():
                done.set()

        await every(LOOK_S, look, stop=done)

    def _go_on_stopping(self) -> None:
        now_s, drain_s = self._clock.elapsed_s(), self._environment.drain_s
        if self._stop_by_s is None:
            self._stop_by_s = now_s + drain_s
            self._matches.drain()
        if not self._matches.hands_over:
            return
        stopping_s = now_s - (self._stop_by_s - drain_s)
        if stopping_s >= self._matches.hand_over_s:
            self._matches.leaving.hand_over(State.PLAYING, kept_only=True)
        if stopping_s >= drain_s - min(HAND_OVER_S, drain_s / 2):
            self._matches.leaving.hand_over(State.PLAYING)

    def _may_leave(self) -> bool:
        now_s, matches = self._clock.elapsed_s(), self._matches
        if matches.idle:
            forsaken = not self._link.up and now_s - self._link.down_since_s > FORSAKEN_S
            if forsaken:
                matches.retire("forsaken")
            return bool(matches.retiring)
        if self._stop_by_s is None:
            return False
        if now_s > self._stop_by_s:
            if matches.hands_over:
                return True  # whoever misses us hands over what is left
            matches.give_up(State.HELD, State.PLAYING)
        # What is left waits for an answer, which nobody gives while the line is down.
        waits_s = LAST_WORDS_S if self._link.up else 0.0
        return not matches.count(State.HELD, State.PLAYING) and now_s > self._stop_by_s + waits_s

    async def _say_shutdown(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._sdk.shutdown()
        except (ReadyUpError, TimeoutError) as unheard:  # whoever started us sees us go
            log.warning("sdk.shutdown_unheard", extra={"reason": str(unheard)})
