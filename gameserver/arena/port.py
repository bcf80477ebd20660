"""One UDP socket and one timer for all the players of a process.

Most of what a datagram costs in Python is the waking up for it, so two hundred players share
one. IPv4 and POSIX event loops only.
"""

import asyncio
import contextlib
import socket
from typing import Final, Protocol, Self

from gameserver.arena.wire import HEAD, WELCOME_SIZE, Kind

INPUT_HZ: Final = 10
_SLOTS: Final = 10  # a tenth of the players speaks every 10 ms, so that 200 make no bursts
_READ_MAX: Final = 256  # datagrams taken per waking, so that timers get their turn


class Listener(Protocol):
    """One player, as the port sees them."""

    def answered(self, datagram: bytes, now_s: float) -> None:
        """Something came that repeats the echo of the player's join."""
        ...

    def heard(self, datagram: bytes, now_s: float) -> None:
        """Something came that names the player's link."""
        ...

    def speak(self, now_s: float) -> None:
        """It is the player's turn, ten times a second."""
        ...

    def drop(self) -> None:
        """The port closes."""
        ...


class ArenaPort:
    """The socket and the timer. Make it inside a running loop, and close it (or use ``with``)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # As much as the system gives: a stalled process should find its datagrams waiting.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._loop.add_reader(self._socket, self._readable)
        self._joining: dict[bytes, Listener] = {}
        self._slots: list[dict[int, Listener]] = [{} for _ in range(_SLOTS)]
        self._by_link: dict[int, tuple[Listener, int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0
        self._due_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop everybody without goodbye; twice is fine."""
        for client, _ in list(self._by_link.values()):
            client.drop()
        if self._timer is not None:
            self._timer.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def send(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Send, or lose it where a network might: full buffer, no route, closed port."""
        with contextlib.suppress(OSError):
            self._socket.sendto(datagram, address)

    def await_answer(self, echo: bytes, client: Listener) -> None:
        """Answers to a join go to this client."""
        self._joining[echo] = client

    def forget_answer(self, echo: bytes) -> None:
        """Whatever still answers that join is ignored."""
        self._joining.pop(echo, None)

    def add(self, link: int, client: Listener) -> None:
        """Datagrams of this link go to this client, and it speaks ten times a second."""
        slot = min(range(_SLOTS), key=lambda n: len(self._slots[n]))
        self._slots[slot][link] = client
        self._by_link[link] = client, slot
        if self._timer is None:
            self._due_s = self._loop.time()
            self._beat()

    def remove(self, link: int) -> None:
        """The link has ended; twice is fine."""
        _, slot = self._by_link.pop(link, (None, -1))
        if slot >= 0:
            del self._slots[slot][link]

    def _beat(self) -> None:
        now_s = self._loop.time()
        period_s = 1 / (INPUT_HZ * _SLOTS)
        self._due_s = max(self._due_s + period_s, now_s - period_s)  # a stall is not made up for
        self._timer = self._loop.call_at(self._due_s, self._beat) if self._by_link else None
        self._turn = (self._turn + 1) % _SLOTS
        for client in list(self._slots[self._turn].values()):
            client.speak(now_s)

    def _readable(self) -> None:
        now_s = self._loop.time()
        for _ in range(_READ_MAX):
            try:
                datagram = self._socket.recv(2048)
            except OSError:  # nothing more, or an ICMP error about somebody gone
                return
            self._deliver(datagram, now_s)

    def _deliver(self, datagram: bytes, now_s: float) -> None:
        if len(datagram) >= HEAD.size:
            kind, link, _ = HEAD.unpack_from(datagram)
            known = self._by_link.get(link)
            if known is not None and kind != Kind.WELCOME:
                known[0].heard(datagram, now_s)
                return
        if 9 <= len(datagram) <= WELCOME_SIZE:
            client = self._joining.get(datagram[1:9])
            if client is not None:
                client.answered(datagram, now_s)
