"""A mailbox that keeps the latest value by key, for one reader who may be slow."""

import asyncio
from typing import Generic, Self, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Mailbox(Generic[K, V]):
    """Never longer than the number of keys; read with ``async for``, by one task.

    A newer value takes the place in line of the older one under its key.
    """

    def __init__(self) -> None:
        self._latest: dict[K, V] = {}
        self._stirred = asyncio.Event()
        self._closed = False

    def put(self, key: K, value: V) -> None:
        """Leave a value; one that waits under this key is forgotten."""
        self._latest[key] = value
        self._stirred.set()

    def drop(self, key: K) -> None:
        """Forget what waits under this key."""
        self._latest.pop(key, None)

    def close(self) -> None:
        """The reader gets what waits, then its loop ends."""
        self._closed = True
        self._stirred.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> V:
        while not self._latest:
            if self._closed:
                raise StopAsyncIteration
            self._stirred.clear()
            await self._stirred.wait()
        return self._latest.pop(next(iter(self._latest)))
