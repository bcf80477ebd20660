"""A mailbox with a slow reader."""

import asyncio

from gameserver.sidecar.mailbox import Mailbox


async def test_a_slow_reader_gets_the_latest_by_key_in_the_order_of_the_first():
    mailbox: Mailbox[str, int] = Mailbox()
    for n in range(1000):
        mailbox.put("a", n)
        mailbox.put("b", -n)
    mailbox.close()

    assert [value async for value in mailbox] == [999, -999]


async def test_what_is_dropped_is_not_read():
    mailbox: Mailbox[str, int] = Mailbox()
    mailbox.put("a", 1)
    mailbox.put("b", 2)
    mailbox.drop("a")
    mailbox.drop("never there")
    mailbox.close()

    assert [value async for value in mailbox] == [2]


async def test_a_waiting_reader_is_woken_by_a_value_and_by_the_end():
    mailbox: Mailbox[str, int] = Mailbox()
    read: list[int] = []

    async def reader() -> None:
        read.extend([value async for value in mailbox])

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(reader(), name="reader")
        await asyncio.sleep(0)
        mailbox.put("a", 1)
        await asyncio.sleep(0)
        mailbox.close()

    assert read == [1]
