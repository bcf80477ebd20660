"""Two network namespaces, and a line between them that delays, loses, doubles and reorders.

At each end of the line is a tun device, and this process carries packets from one to the other.
The kernel's netem spoils them on their way into the line where there is one; elsewhere the line
does it itself, by a seed. As root, with iproute2.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import random
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
DEVICE = "line"
UDP = 17

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Quality:
    """What a line does to each packet of each way; shares are 0 to 1."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Evenly spread, to both sides of the delay."""

    lost_share: float = 0.0
    early_share: float = 0.0
    """Of the packets that are not delayed, and so overtake those before them."""

    doubled_share: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.delay_ms:g} ms ± {self.jitter_ms:g}", f"{self.lost_share:.0%} lost"]
        words += [f"{self.early_share:.0%} overtake"] if self.early_share else []
        words += [f"{self.doubled_share:.0%} twice"] if self.doubled_share else []
        return ", ".join(words) if self != CLEAN else "clean"

    def netem(self) -> list[str]:
        """The same in the words of ``tc``."""
        words = ["delay", f"{self.delay_ms}ms", f"{self.jitter_ms}ms"]
        words += ["loss", f"{self.lost_share:%}", "duplicate", f"{self.doubled_share:%}"]
        return words + (["reorder", f"{self.early_share:%}"] if self.early_share else [])


CLEAN = Quality()


class End:
    """A network namespace in which there is nothing but its end of the line."""

    def __init__(self, address: str, other: str) -> None:
        self.address = address
        self.marks: Counter[int] = Counter()
        """DSCP of the UDP datagrams that came out here, as they were then."""

        with _back_home():
            _check(_libc.unshare(CLONE_NEWNET))
            self._namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            self.packets = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            asked = struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI)
            fcntl.ioctl(self.packets, TUNSETIFF, asked)
            _run("ip", "address", "add", address, "peer", other, "dev", DEVICE)
            _run("ip", "link", "set", DEVICE, "up")

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets made meanwhile are of this namespace for good. Nothing may be awaited."""
        with _back_home():
            _check(_libc.setns(self._namespace, CLONE_NEWNET))
            yield

    def spoil(self, quality: Quality) -> bool:
        """Have netem do it; false where the kernel has none."""
        with self.inside():
            asked = ["tc", "qdisc", "add", "dev", DEVICE, "root", "netem", *quality.netem()]
            return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    def close(self) -> None:
        """What is still to be delivered finds no end any more."""
        os.close(self.packets)
        os.close(self._namespace)
        self.packets = -1


class Line:
    """Carries packets between two ends, inside a running loop. ``near`` has the game server."""

    def __init__(self, quality: Quality, dice: random.Random) -> None:
        self.near = End("10.99.0.1", "10.99.0.2")
        self.far = End("10.99.0.2", "10.99.0.1")
        self.sent = self.lost = 0
        self.by_netem = quality != CLEAN and self.near.spoil(quality) and self.far.spoil(quality)
        self._quality = CLEAN if self.by_netem else quality
        self._dice = dice
        self._loop = asyncio.get_running_loop()
        for source, target in ((self.near, self.far), (self.far, self.near)):
            self._loop.add_reader(source.packets, self._carry, source, target)

    def close(self) -> None:
        for end in (self.near, self.far):
            self._loop.remove_reader(end.packets)
            end.close()

    def _carry(self, source: End, target: End) -> None:
        with contextlib.suppress(BlockingIOError):
            while packet := os.read(source.packets, 2048):
                if packet[0] >> 4 == 4 and packet[9] == UDP:
                    self._take(packet, target)

    def _take(self, packet: bytes, target: End) -> None:
        quality, dice = self._quality, self._dice
        self.sent += 1
        if dice.random() < quality.lost_share:
            self.lost += 1
            return
        for _ in range(1 + (dice.random() < quality.doubled_share)):
            early = dice.random() < quality.early_share
            delay_ms = quality.delay_ms + dice.uniform(-1, 1) * quality.jitter_ms
            if early or delay_ms <= 0:
                self._deliver(packet, target)
            else:
                self._loop.call_later(delay_ms / 1000, self._deliver, packet, target)

    def _deliver(self, packet: bytes, target: End) -> None:
        with contextlib.suppress(OSError):  # a full queue, or the line was taken down
            os.write(target.packets, packet)
            target.marks[packet[1] >> 2] += 1


def missing() -> str:
    """Why there can be no line here; empty when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun here"
    return "" if shutil.which("ip") and shutil.which("tc") else "iproute2 is not installed"


@contextlib.contextmanager
def _back_home() -> Iterator[None]:
    """A thread's namespace is where its sockets and programs are made."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        yield
    finally:
        _check(_libc.setns(home, CLONE_NEWNET))
        os.close(home)


def _check(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
