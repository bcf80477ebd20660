"""Lua scripts as files, called by name.

The comment at the head of a ``.lua`` file is its signature: the loader reads
the ``KEYS[n] name`` and ``ARGV[n] name`` lines, and a call passes both by name,
so a swapped key is a ``TypeError`` here and not a corrupt set in Redis.

Shared functions: a line ``-- include: NAME`` (or ``-- include: PACKAGE:NAME``) puts the
text of ``NAME.lua`` of the same package (or of that one) in its place.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol, Self

import msgspec

_SLOT = re.compile(r"^\s*(KEYS|ARGV)\[(\d+)\]\s+(\w+)", re.MULTILINE)
_INCLUDE = re.compile(r"^-- include: (?:([a-z_.]+):)?(\w+)$", re.MULTILINE)
_PASSED_OVER = re.compile(r"^\s*--\s*include:.*$", re.MULTILINE)


class Runner(Protocol):
    """Whoever can run a script: one connection, or a pipeline that many callers share."""

    async def run(self, script: "LuaScript", keys: list[str], args: list[str | int]) -> Any:  # noqa: ANN401
        """Run it atomically; the reply is whatever the script returns.

        Raises:
            StoreUnreachable: no answer; whether the script ran is not known.
        """
        ...


@dataclass(frozen=True, slots=True)
class LuaScript:
    """A script and the names of what it takes, in order."""

    name: str
    source: str
    sha: str
    keys: tuple[str, ...]
    args: tuple[str, ...]

    @classmethod
    def load(cls, package: str, name: str) -> Self:
        """Read ``name.lua`` from ``package`` and its signature from the head comment."""
        source = _read(package, name)
        head, _, _ = source.partition("]]")
        source = _INCLUDE.sub(lambda found: _read(found[1] or package, found[2]), source)
        # One level deep: what shared text needs, the script includes before it.
        assert not (left := _PASSED_OVER.findall(source)), f"{name}: no such include: {left}"
        sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        return cls(name, source, sha, _slots(head, "KEYS"), _slots(head, "ARGV"))

    async def __call__(
        self, store: Runner, *, keys: Mapping[str, str], args: Mapping[str, str | int]
    ) -> Any:  # noqa: ANN401 - the reply is whatever the script returns
        """Run the script; keys and arguments come in the order of its head comment."""
        if tuple(keys) != self.keys or tuple(args) != self.args:
            raise TypeError(f"{self.name} takes {self.keys}, {self.args}; got {keys}, {args}")
        return await store.run(self, list(keys.values()), list(args.values()))


def _read(package: str, name: str) -> str:
    return resources.files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8")


def _slots(head: str, kind: str) -> tuple[str, ...]:
    found = [(int(n), name) for k, n, name in _SLOT.findall(head) if k == kind]
    assert [n for n, _ in found] == list(range(1, len(found) + 1)), (kind, found)
    return tuple(name for _, name in found)


def as_json(value: object) -> str:
    """A value for a script's argument; cjson reads it. Numbers beyond 2**53 go as strings."""
    return msgspec.json.encode(value).decode()
