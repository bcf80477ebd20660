"""fakeredis' commands and Lua, without the way through a server that nobody connects to.

What a command does is fakeredis' own code. Left out is what a simulation has no use for:
the wire, access control, transactions, subscribers; a script is compiled once, and no full
collection follows each run.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import redis
from fakeredis._commands import Key, Signature
from fakeredis._core import CommandItem, FakeServer
from fakeredis._helpers import SimpleError, SimpleString
from fakeredis._msgs import FLAG_DO_NOT_CREATE, FLAG_LEAVE_EMPTY_VAL, WRONGTYPE_MSG
from fakeredis._socket import FakeSocket
from fakeredis._socket._resp import convert_to_resp2, extract_command
from fakeredis.commands_mixins import scripting_mixin

from core.clock import Clock

Grown = Callable[[bytes, bytes, list[bytes]], None]


class Commands(FakeSocket):
    """A connection to fakeredis without the wire."""

    def __init__(self, server: FakeServer, clock: Clock, grown: Grown) -> None:
        """``grown`` is told each stream entry: key, id and fields."""
        super().__init__(server, 0, client_class=redis.Redis)
        server.lock.acquire()  # for good: there is one thread, and nobody else asks for it
        self._clock = clock
        self._grown = grown
        self._lua = self._get_server_runtime(server)
        shared: Any = server  # fakeredis keeps Lua's side of the server there
        shared._lua_current_socket[0] = self  # noqa: SLF001
        self._give = shared._lua_set_keys_argv  # noqa: SLF001
        self._bodies: dict[str, Any] = {}

    def do(self, words: list[bytes]) -> Any:  # noqa: ANN401 - whatever the command replies
        """Raises ``redis.exceptions.ResponseError``, as ``evaluate`` does."""
        name, args = extract_command(words)
        self._db.time = self._clock.wall_us() / 1e6
        return self._said(self._run_command(*self._name_to_func(name), args, False))

    def evaluate(self, source: str, keys: list[bytes], args: list[bytes]) -> Any:  # noqa: ANN401
        body = self._bodies.get(source)
        if body is None:
            body = self._bodies[source] = self._lua.compile(source.encode())
        self._db.time = self._clock.wall_us() / 1e6
        self._give(self._lua.table_from(keys), self._lua.table_from(args))
        self._script_resp = 2
        try:
            result = self._convert_lua_result(body(), nested=False)
        except scripting_mixin.LUA_MODULE.LuaError as wrong:
            result = SimpleError(f"ERR {wrong}")
        except SimpleError as wrong:
            result = wrong
        finally:
            self._script_resp = None
        return self._said(result)

    def xadd(self, key: Any, *args: bytes) -> Any:  # noqa: ANN401 - as fakeredis has it
        reply = super().xadd(key, *args)
        if isinstance(reply, bytes):
            self._grown(key.key, reply, list(args[args.index(b"*") + 1 :]))
        return reply

    def _run_command(self, func: Any, sig: Signature, args: list[Any], _: bool) -> Any:  # noqa: ANN401
        """As fakeredis', for one who speaks RESP2; a script's calls come here too."""
        items: list[CommandItem] = []
        try:
            plan = _plan(sig, len(args), self.version)
            args = list(args)
            for n, type_ in plan.first:
                if not isinstance(type_, Key):
                    args[n] = type_.decode(args[n])
                elif args[n] not in self._db:
                    return type_.missing_return
            for n, type_, may_create in plan.keys:
                item = self._db.get(args[n])
                if type_ is not None and item is not None and type(item.value) is not type_:
                    raise SimpleError(WRONGTYPE_MSG)
                fresh = type_() if may_create and item is None else None
                args[n] = CommandItem(args[n], self._db, item, default=fresh)
                items.append(args[n])
            result = convert_to_resp2(func(*args), self.server_type)
        except SimpleError as wrong:
            result = wrong
        for item in items:
            item.writeback(remove_empty_val=FLAG_LEAVE_EMPTY_VAL not in sig.flags)
        return result

    def _said(self, reply: Any) -> Any:  # noqa: ANN401
        if isinstance(reply, SimpleError):
            raise self._decode_error(reply)
        return _plain(reply)


class _Plan(NamedTuple):
    """What is done to a command's arguments before it runs."""

    first: tuple[tuple[int, Any], ...]
    """Where something is decoded, or a missing key is the answer."""

    keys: tuple[tuple[int, Any, bool], ...]
    """Where, of which type, and whether it is made when there is none."""


@functools.cache
def _plan(sig: Signature, count: int, version: tuple[int, ...]) -> _Plan:
    sig.check_arity([b""] * count, version)
    types: list[Any] = list(sig.fixed)
    types += [sig.repeat[n % len(sig.repeat)] for n in range(count - len(types))]
    first, keys = [], []
    for n, type_ in enumerate(types):
        if isinstance(type_, Key):
            if type_.missing_return is not Key.UNSPECIFIED:
                first.append((n, type_))
            makes = FLAG_DO_NOT_CREATE not in sig.flags and type_.type_ not in {None, bytes}
            keys.append((n, type_.type_, makes))
        elif type_ is not bytes:
            first.append((n, type_))
    return _Plan(tuple(first), tuple(keys))


def _plain(reply: Any) -> Any:  # noqa: ANN401
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, list):
        return [_plain(item) for item in reply]
    return _plain(reply.value) if isinstance(reply, SimpleString) else reply
