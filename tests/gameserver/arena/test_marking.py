"""What the arena sends is marked as it was asked, and a player's socket sees it."""

import asyncio
import socket
import struct
from unittest.mock import Mock

import pytest

from core import dice
from core.errors import Invalid
from gameserver.arena.__main__ import read_dscp
from gameserver.arena.server import ArenaServer


@pytest.mark.parametrize("dscp", [0, 34, 46])
async def test_datagrams_carry_the_mark_that_was_asked_for(dscp: int):
    arena = ArenaServer(
        "127.0.0.1", 0, seconds={}, seconds_default=1, chance=dice.stream(1, "arena"), dscp=dscp
    )
    await arena.open(Mock())
    player = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        player.bind(("127.0.0.1", 0))
        player.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        arena._send(b"snapshot", player.getsockname())
        datagram, said, _, _ = await asyncio.to_thread(player.recvmsg, 64, 64)
    finally:
        arena._loop.remove_reader(arena._socket)
        arena._socket.close()
        player.close()
    marks = [struct.unpack("B", data[:1])[0] for level, kind, data in said if kind == socket.IP_TOS]

    assert (datagram, marks) == (b"snapshot", [dscp << 2])


@pytest.mark.parametrize("text", ["-1", "64", "EF", "4.6", "٤"])
def test_what_is_no_mark_is_refused(text: str):
    with pytest.raises(Invalid, match="ARENA_DSCP"):
        read_dscp(text)
