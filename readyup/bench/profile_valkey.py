"""What each script costs inside Valkey: its slow log, told to keep every command for a while."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from importlib import resources
from typing import Any

from core.lua import LuaScript
from core.redis import Store

COMMANDS_MAX = 200_000
"""Commands that are kept at most; a demo makes some thousands a second."""

SLOWER_THAN_US = 10_000
"""Valkey's own setting, which stands again afterwards."""

Costs = dict[str, tuple[int, int]]
"""Script or command to calls and microseconds inside Valkey."""


@contextlib.asynccontextmanager
async def every_command(store: Store) -> AsyncIterator[Costs]:
    """Yields what is filled at the end of the block with what ran in it."""
    costs: Costs = {}
    await store.call("CONFIG", "SET", "slowlog-max-len", COMMANDS_MAX)
    await store.call("SLOWLOG", "RESET")
    await store.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
    try:
        yield costs
    finally:
        await store.call("CONFIG", "SET", "slowlog-log-slower-than", SLOWER_THAN_US)
    entries = await store.call("SLOWLOG", "GET", COMMANDS_MAX)
    await store.call("SLOWLOG", "RESET")
    costs.update(costs_of(entries, scripts_by_sha()))


def costs_of(entries: Iterable[list[Any]], scripts: dict[str, str]) -> Costs:
    """Calls and time by script, or by command where it is none.

    What a script calls is noted for itself too, and is in the script's time already.

    >>> costs_of([[1, 0, 40, ["EVALSHA", "ab", "1"]], [2, 0, 2, ["GET", "x"]]], {"ab": "enqueue"})
    {'enqueue.lua': (1, 40), 'GET': (1, 2)}
    """
    costs: Costs = {}
    for _, _, us, command, *_ in entries:
        word = command[0].upper()
        script = scripts.get(command[1], "?") if word == "EVALSHA" else ""
        name = f"{script}.lua" if script else word
        calls, before_us = costs.get(name, (0, 0))
        costs[name] = (calls + 1, before_us + us)
    return costs


def scripts_by_sha() -> dict[str, str]:
    """The names of all scripts of ours by what Valkey knows them by."""
    found = {}
    for package in ("core", "matchmaker.lua", "allocator.lua", "fleets.lua"):
        for file in resources.files(package).iterdir():
            name, _, ending = file.name.rpartition(".")
            if ending == "lua":
                found[LuaScript.load(package, name).sha] = name
    return found
