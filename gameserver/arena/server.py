"""The arena's game server: its UDP socket and its clock.

A ``gameserver.ports.Game``; what is played, and what datagrams mean, is in arena.py.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import Mapping
from typing import Final

from core.errors import Exhausted
from core.ids import MatchId, QueueName
from gameserver.arena.arena import Arena
from gameserver.arena.match import TICK_HZ
from gameserver.arena.reception import Address
from gameserver.ports import Host
from gameserver.rooms import Assignment

READ_MAX: Final = 256
"""Datagrams taken per waking, so that the tick gets its turn."""


class ArenaServer:
    """Plays arena matches. ``seconds`` is how long a match of each queue lasts.

    ``dscp`` marks what is sent, for networks that heed it: 46 is expedited forwarding, 0 nothing.
    """

    tick_hz = float(TICK_HZ)

    def __init__(
        self,
        address: str,
        port: int,
        *,
        seconds: Mapping[QueueName, float],
        seconds_default: float,
        chance: random.Random,
        dscp: int = 0,
    ) -> None:
        self.port = port
        """The port it is bound to, once open."""

        # The address players reach may be the node's, or a NAT's; loopback is meant as it is.
        self._bind = address if address.startswith("127.") else ""
        self._seconds = seconds
        self._seconds_default = seconds_default
        self._chance = chance
        self._dscp = dscp

    async def open(self, host: Host) -> None:
        """Bind the socket and read from it.

        Raises:
            Exhausted: the port is taken.
        """
        self._arena = Arena(
            host,
            self._send,
            seconds=self._seconds,
            seconds_default=self._seconds_default,
            chance=self._chance,
        )
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # The field's upper six bits; the lower two are congestion's.
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, self._dscp << 2)
        try:
            self._socket.bind((self._bind, self.port))
        except OSError as taken:
            self._socket.close()
            raise Exhausted(f"cannot bind UDP port {self.port}: {taken}") from taken
        self.port = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket, self._readable)

    def start(self, match: Assignment) -> None:
        """Play the match once its players are there."""
        self._arena.start(match)

    def stop(self, match: MatchId, reason: str) -> None:
        """Tell the match's players why it ends here."""
        self._arena.stop(match, reason)

    def tick(self, n: int) -> None:  # time is counted in ticks that ran, not in ``n``
        """One step of every match."""
        self._arena.tick(self._now_us())

    def close(self) -> None:
        """Tell who is still here, and close the socket."""
        self._arena.close()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _now_us(self) -> int:
        return round(self._loop.time() * 1e6)

    def _readable(self) -> None:
        now_us = self._now_us()
        for _ in range(READ_MAX):
            try:
                datagram, address = self._socket.recvfrom(2048)
            except OSError:  # nothing more
                return
            self._arena.hear(datagram, address, now_us)

    def _send(self, datagram: bytes, address: Address) -> None:
        """Send, or lose it where a network might: full buffer, no route, closed port."""
        with contextlib.suppress(OSError):
            self._socket.sendto(datagram, address)
