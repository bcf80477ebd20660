"""A network namespace with nothing but loopback, so that ports are free and nobody outside listens.

Agones' parts listen on all addresses and two of them on the same fixed port. In a
namespace of its own that reaches nobody, and every plane has the same ports as the next.
A namespace lives as long as a process in it, so there is nothing to delete.
"""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def why_not() -> str:
    """Why this process can make no network namespace; "" when it can."""
    if not hasattr(socket, "AF_UNIX") or not Path("/proc/self/ns/net").exists():
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "needs root, or a user namespace: start it with `make test-cluster`"
    return ""


@contextmanager
def inside(process: int | None = None) -> Iterator[None]:
    """Move this thread into a new network, or into that of ``process``, and back at the end.

    Threads and children started meanwhile are in it too and stay there; sockets that
    were open before stay where they were.
    """
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        enter(process)
        yield
    finally:
        # In a user namespace the way back is barred; the process ends soon after.
        with suppress(PermissionError):
            _call("setns", home, _CLONE_NEWNET)
        os.close(home)


def enter(process: int | None = None) -> None:
    """As `inside`, for good."""
    if process is None:
        _call("unshare", _CLONE_NEWNET)
        _raise_loopback()
        return
    there = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        _call("setns", there, _CLONE_NEWNET)
    finally:
        os.close(there)


def _call(name: str, *arguments: int) -> None:
    """A call of the C library that Python has only since 3.12."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        wrong = ctypes.get_errno()
        raise OSError(wrong, f"{name}: {os.strerror(wrong)}")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        flags = struct.unpack("16sh14x", answer)[1] | _IFF_UP
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))
