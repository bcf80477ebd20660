"""A server's socket: order is kept, and who does not read is dropped, never waited for."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from allocator.link import OUTBOX_MAX, Link
from core.errors import StoreUnreachable
from tests.allocator.worlds import NOW, server


@dataclass
class Socket:
    """Takes frames while it is ``open``."""

    sent: list[str] = field(default_factory=list)
    stuck: bool = False

    async def send_str(self, text: str) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        self.sent.append(text)


def link(socket: Any, *, send_s: float = 5.0) -> Link:  # noqa: ANN401 - a stand-in
    return Link(socket, server("a"), send_s=send_s, now_ms=NOW)


async def written(to: Link) -> None:
    async with asyncio.TaskGroup() as group:
        writer = group.create_task(to.write(), name="writer")
        for _ in range(20):
            await asyncio.sleep(0)
        writer.cancel()


async def test_frames_go_out_in_order_and_what_is_no_longer_true_is_left_out():
    async def nothing() -> None:
        return None

    async def late() -> dict[str, Any]:
        return {"n": 2}

    socket = Socket()
    to = link(socket)
    for outgoing in ({"n": 1}, late, nothing, {"n": 3}):
        to.push(outgoing)
    await written(to)

    assert socket.sent == ['{"n":1}', '{"n":2}', '{"n":3}']


async def test_a_server_that_does_not_read_is_dropped():
    cuts: list[str] = []
    to = link(Socket(stuck=True), send_s=0.01)
    to.on_drop(lambda: cuts.append("cut"))
    to.push({"n": 1})
    async with asyncio.timeout(5):
        await to.write()

    assert (to.dropped, cuts) == ("slow", ["cut"])


async def test_a_line_that_is_full_drops_the_server():
    to = link(Socket())
    for n in range(OUTBOX_MAX + 1):
        to.push({"n": n})

    assert to.dropped == "slow"


async def test_what_cannot_be_read_from_the_store_drops_the_server_who_comes_back():
    async def away() -> None:
        raise StoreUnreachable("away")

    to = link(Socket())
    to.push(away)
    async with asyncio.timeout(5):
        await to.write()

    assert to.dropped == "store"
