"""Redis inside this process: fakeredis runs our very scripts, and its time is the loop's.

Three things differ from fakeredis as it comes, none of them in what a command does. A
script is compiled once and no full collection follows each run (ten times the speed).
The machine's clock is replaced by the loop's. And whoever waits for a stream is told
when it has grown.
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
from fakeredis._helpers import SimpleError
from fakeredis._socket import FakeSocket, _base
from fakeredis.commands_mixins import scripting_mixin, server_mixin
from fakeredis.model import _stream
from redis.exceptions import ResponseError

from core.clock import Clock
from core.lua import LuaScript

Word = str | float


class Engine:
    """One Redis. Commands take no time; ``readyup.simulation.store`` adds the way there."""

    def __init__(self, on_entry: Callable[[str, str, dict[str, str]], None]) -> None:
        """``on_entry`` is told each stream entry as it is written: key, id and fields."""
        self._socket = _Socket(FakeServer(version=(8,), server_type="valkey"), self._grown)
        self._server = self._socket.server
        # What redis-py makes of a reply, by command.
        self._callbacks: dict[str, Callable[[Any], Any]] = dict(
            redis.Redis(protocol=2).response_callbacks
        )
        self._on_entry = on_entry
        self._waiting: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)
        self._new: list[str] = []

    def command(self, *words: Word) -> Any:  # noqa: ANN401 - whatever the command replies
        """One command; its reply as redis-py gives it.

        Raises:
            ResponseError: the server's own word on what is wrong.
        """
        reply = self._execute([_encoded(word) for word in words])
        callback = self._callbacks.get(str(words[0]).upper())
        return callback(reply) if callback is not None else reply

    def script(self, script: LuaScript, keys: list[str], args: list[str | int]) -> Any:  # noqa: ANN401
        """One script; raises as ``command`` does."""
        words = [_encoded(word) for word in (*keys, *args)]
        return self._execute([b"EVAL", script.source.encode(), b"%d" % len(keys), *words])

    def grown(self, key: str) -> asyncio.Future[None]:
        """Done when the stream has a new entry. Whoever waits no longer cancels it."""
        waiting = self._waiting[key] = [one for one in self._waiting[key] if not one.done()]
        waiting.append(asyncio.get_running_loop().create_future())
        return waiting[-1]

    def _execute(self, words: list[bytes]) -> Any:  # noqa: ANN401
        self._socket.process(words)
        for key in self._new:
            for waiting in self._waiting.pop(key, ()):
                if not waiting.done():
                    waiting.set_result(None)
        self._new.clear()
        reply = self._socket.reply
        if isinstance(reply, ResponseError):
            raise reply
        return _decoded(reply)

    def _grown(self, key: bytes, entry: bytes, fields: list[bytes]) -> None:
        name = key.decode()
        self._new.append(name)
        words = [word.decode() for word in fields]
        pairs = dict(zip(words[::2], words[1::2], strict=True))
        self._on_entry(name, entry.decode(), pairs)


class _Socket(FakeSocket):
    """A connection to fakeredis without the wire."""

    def __init__(
        self, server: FakeServer, grown: Callable[[bytes, bytes, list[bytes]], None]
    ) -> None:
        super().__init__(server, 0, client_class=redis.Redis)
        self.server = server
        self.reply: Any = None
        self._told = grown
        self._bodies: dict[bytes, Any] = {}

    def process(self, words: list[bytes]) -> None:
        self._process_command(words)

    def put_response(self, msg: Any) -> None:  # noqa: ANN401 - as fakeredis has it
        self.reply = msg

    def xadd(self, key: Any, *args: bytes) -> Any:  # noqa: ANN401 - as fakeredis has it
        reply = super().xadd(key, *args)
        if isinstance(reply, bytes):
            fields = args[args.index(b"*") + 1 :]
            self._told(key.key, reply, list(fields))
        return reply

    def eval(self, script: bytes, numkeys: int, *words: bytes) -> Any:  # noqa: ANN401
        runtime = self._get_server_runtime(self.server)
        body = self._bodies.get(script)
        if body is None:
            body = self._bodies[script] = runtime.compile(script)
        shared: Any = self.server  # fakeredis keeps Lua's side of the server there
        shared._lua_current_socket[0] = self  # noqa: SLF001
        self._script_resp = 2
        shared._lua_set_keys_argv(  # noqa: SLF001
            runtime.table_from(words[:numkeys]), runtime.table_from(words[numkeys:])
        )
        try:
            result = body()
        except scripting_mixin.LUA_MODULE.LuaError as wrong:
            raise SimpleError(f"ERR {wrong}") from wrong
        finally:
            self._script_resp = None
        return self._convert_lua_result(result, nested=False)


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
        undo.enter_context(mock.patch.object(scripting_mixin, check))
        yield


def _encoded(word: Word) -> bytes:
    return word.encode() if isinstance(word, str) else str(word).encode()


def _decoded(reply: Any) -> Any:  # noqa: ANN401
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, list):
        return [_decoded(item) for item in reply]
    return reply
