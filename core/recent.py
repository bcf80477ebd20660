"""What was read of a stream lately, to be compared with what a failover left of it."""

from collections import deque
from typing import Any

from core.redis import Entry, Store

RECENT_MAX = 8192
"""Entries remembered. A failover takes back seconds, and each second has hundreds at most."""


class Recent:
    """The newest entries that were read, by id and content.

    A new primary has all that the old one wrote up to some moment, then its own. Ids are
    times, so both may have written under one id.
    """

    def __init__(self) -> None:
        self._read: deque[tuple[str, int]] = deque(maxlen=RECENT_MAX)

    def note(self, entry: Entry) -> None:
        """It was read."""
        self._read.append((entry.id, _content(entry.fields)))

    async def taken_back(self, store: Store, key: str, after: str) -> tuple[list[str], str]:
        """Which of them the stream has no more, and after which id to read on.

        Raises:
            StoreUnreachable: ask again; nothing was changed.
        """
        read = list(self._read)
        kept, lost = 0, len(read)
        while kept < lost:  # all before kept are there, all from lost on are not
            middle = (kept + lost) // 2
            if await _has(store, key, *read[middle]):
                kept = middle + 1
            else:
                lost = middle
        while len(self._read) > kept:
            self._read.pop()
        if kept < len(read):
            after = read[kept - 1][0] if kept else before(read[0][0])
        return [entry for entry, _ in read[kept:]], after


async def _has(store: Store, key: str, entry: str, content: int) -> bool:
    found: list[tuple[str, Any]] = await store.call("XRANGE", key, entry, entry)
    return bool(found) and _content(_fields(found[0][1])) == content


def _fields(said: Any) -> dict[str, str]:  # noqa: ANN401 - redis-py gives either
    return said if isinstance(said, dict) else dict(zip(said[::2], said[1::2], strict=True))


def _content(fields: dict[str, str]) -> int:
    return hash(tuple(fields.items()))


def before(entry: str) -> str:
    """The greatest id below this one."""
    ms, _, n = entry.partition("-")
    return f"{ms}-{int(n) - 1}" if int(n) else f"{int(ms) - 1}-{2**64 - 1}"
