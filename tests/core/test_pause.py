"""A pause: the first one stands, and it lasts until it is taken away."""

from core.pause import Pause, PauseKey, pause_of
from core.redis import Store


async def test_a_pause_stands_until_it_is_taken_away(store: Store):
    key, first = PauseKey(store, "{t}:paused"), Pause("ann", 1, "patch")

    assert await key.get() is None
    assert await key.set(first)
    assert not await key.set(Pause("bo", 2))
    assert await key.get() == first
    assert await key.clear()
    assert not await key.clear()
    assert await key.get() is None


def test_what_cannot_be_read_is_a_pause_too():
    assert pause_of("{") == Pause("", 0)
    assert pause_of("") is None
