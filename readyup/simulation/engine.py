"""Redis inside this process: fakeredis runs our very scripts, and its time is the loop's.

What a command does is fakeredis'; the machine's clock is replaced by the loop's, and whoever
waits for a stream is told when it has grown.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import redis
from fakeredis import _helpers
from fakeredis._core import FakeServer
from fakeredis._socket import _base
from fakeredis.commands_mixins import scripting_mixin, server_mixin
from fakeredis.model import _stream

from core.clock import Clock
from core.lua import LuaScript
from core.redis import Entry
from readyup.simulation.commands import Commands

Word = str | float


class Engine:
    """One Redis. Commands take no time; ``readyup.simulation.store`` adds the way there."""

    def __init__(self, clock: Clock, on_entry: Callable[[str, str, dict[str, str]], None]) -> None:
        """``on_entry`` is told each stream entry as it is written: key, id and fields."""
        server = FakeServer(version=(8,), server_type="valkey")
        self._commands = Commands(server, clock, self._grown)
        # What redis-py makes of a reply, by command.
        self._callbacks: dict[str, Callable[[Any], Any]] = dict(
            redis.Redis(protocol=2).response_callbacks
        )
        self._on_entry = on_entry
        self._waiting: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)
        self._new: list[str] = []
        self._last: dict[str, str] = {}
        """The last id of each stream."""

    def command(self, *words: Word) -> Any:  # noqa: ANN401 - whatever the command replies
        """One command; its reply as redis-py gives it.

        Raises:
            ResponseError: the server's own word on what is wrong.
        """
        reply = self._commands.do([_encoded(word) for word in words])
        self._wake()
        callback = self._callbacks.get(str(words[0]).upper())
        return callback(reply) if callback is not None else reply

    def script(self, script: LuaScript, keys: list[str], args: list[str | int]) -> Any:  # noqa: ANN401
        """One script; raises as ``command`` does."""
        keyed, given = ([_encoded(word) for word in words] for words in (keys, args))
        try:
            return self._commands.evaluate(script.source, keyed, given)
        finally:
            self._wake()  # a script that errors half-way is not rolled back

    def read(self, key: str, after: str, count: int) -> list[Entry]:
        """XREAD. Most readers have read it all, which costs nothing to see."""
        if self._last.get(key, after) == after:
            return []
        reply = self.command("XREAD", "COUNT", count, "STREAMS", key, after)
        return [Entry(entry, fields or {}) for entry, fields in reply[0][1]] if reply else []

    def grown(self, key: str) -> asyncio.Future[None]:
        """Done when the stream has a new entry. Whoever waits no longer cancels it."""
        waiting = self._waiting[key] = [one for one in self._waiting[key] if not one.done()]
        waiting.append(asyncio.get_running_loop().create_future())
        return waiting[-1]

    def _wake(self) -> None:
        for key in self._new:
            for waiting in self._waiting.pop(key, ()):
                if not waiting.done():
                    waiting.set_result(None)
        self._new.clear()

    def _grown(self, key: bytes, entry: bytes, fields: list[bytes]) -> None:
        name = key.decode()
        self._new.append(name)
        self._last[name] = entry.decode()
        words = [word.decode() for word in fields]
        pairs = dict(zip(words[::2], words[1::2], strict=True))
        self._on_entry(name, self._last[name], pairs)


class _LoopTime:
    """Stands where fakeredis looks for the module ``time``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.wall_us() / 1e6


@contextlib.contextmanager
def on_virtual_time(clock: Clock) -> Iterator[None]:
    """While the block lasts, fakeredis knows no other clock than this one."""
    time = _LoopTime(clock)
    with contextlib.ExitStack() as undo:
        for module in (_helpers, _base, _stream, server_mixin):
            undo.enter_context(mock.patch.object(module, "time", time))
        # Looks through all of Lua's globals at every call; the tests on a real server do, once.
        check = "_check_for_lua_globals"
        undo.enter_context(mock.patch.object(scripting_mixin, check, _unchecked))
        yield


def _unchecked(*_: object) -> None:
    """Nothing; a mock would count its calls."""


def _encoded(word: Word) -> bytes:
    return word.encode() if isinstance(word, str) else str(word).encode()
