"""Host ports for game servers: from the fleet's range, free, and rested."""

import contextlib
import socket

from core.errors import Exhausted
from fleets.spec import PortRange


class UdpPorts:
    """The ports of one fleet. A port given back is the last to be given out again."""

    def __init__(self, address: str, ports: PortRange, *, begin: int = 0) -> None:
        """``begin`` is how far into the range the first port lies.

        A role that starts anew begins anywhere, so that players of its dead predecessor's
        servers do not at once knock at somebody else's door.
        """
        self._address = address
        self._given: set[int] = set()
        there = list(range(ports.first, ports.last + 1))
        self._resting = there[begin:] + there[:begin]

    def take(self) -> int:
        """A port that nobody on this machine is bound to.

        Raises:
            Exhausted: there is none.
        """
        for port in self._resting:
            if self._is_free(port):
                self._resting.remove(port)
                self._given.add(port)
                return port
        raise Exhausted(
            f"no free UDP port is left: {len(self._given)} have servers of ours, "
            f"{len(self._resting)} are bound by others; widen the fleet's ports"
        )

    def give_back(self, port: int) -> None:
        """Its server is gone; twice is fine."""
        if port in self._given:
            self._given.remove(port)
            self._resting.append(port)

    def _is_free(self, port: int) -> bool:
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            try:
                probe.bind((self._address, port))
            except OSError:
                return False
        return True
