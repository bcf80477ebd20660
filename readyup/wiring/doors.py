"""Doors: the sockets that roles listen on, bound before anybody is told where.

Whoever starts roles as processes of their own opens the doors and hands each process its
own by number, so the place stays taken while a role is dead: nobody else can have it,
and those who knock meanwhile are let in by its successor.
"""

import contextlib
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.errors import Conflict, Invalid
from readyup.listen import Listen
from readyup.settings import Config

DOOR_OF = {"api": "api", "allocator": "sessions", "console": "console"}
"""Role to the section of the configuration that says where it listens."""

HANDED = "READYUP_DOORS"
"""Variable with the doors that a process was handed, e.g. ``api=7``."""

KNOCKING_MAX = 1024
"""Connections that wait at a door until they are let in."""

Doors = Mapping[str, socket.socket]


def open_doors(
    config: Config, sections: Iterable[str], *, elsewhere: bool = False
) -> tuple[Config, dict[str, socket.socket]]:
    """Listen at the places of these sections; the configuration with the ports that it became.

    With ``elsewhere`` a taken port gives way to a free one.

    Raises:
        Conflict: a port is taken, or the host is not this machine's.
    """
    doors: dict[str, socket.socket] = {}
    places: dict[str, Listen] = {}
    with contextlib.ExitStack() as undo:
        for section in sections:
            listen: Listen = getattr(config, section)
            door = undo.enter_context(_opened(listen, section, elsewhere=elsewhere))
            doors[section] = door
            places[section] = replace(listen, port=int(door.getsockname()[1]))
        undo.pop_all()
    return replace(config, **places), doors  # type: ignore[arg-type]  # by name of section


def handed_to_child(doors: Doors, roles: Iterable[str]) -> tuple[dict[str, str], tuple[int, ...]]:
    """What a process with these roles needs: its environment, and the numbers it inherits."""
    theirs = {DOOR_OF[role]: doors[DOOR_OF[role]].fileno() for role in roles if role in DOOR_OF}
    if not theirs:
        return {}, ()
    said = ",".join(f"{section}={fd}" for section, fd in theirs.items())
    return {HANDED: said}, tuple(theirs.values())


def handed_to_us(environ: Mapping[str, str] = os.environ) -> dict[str, socket.socket]:
    """The doors that whoever started this process opened for it.

    Raises:
        Invalid: what the variable names is no listening socket.
    """
    doors: dict[str, socket.socket] = {}
    for word in filter(None, environ.get(HANDED, "").split(",")):
        section, _, number = word.partition("=")
        try:
            door = doors[section] = socket.socket(fileno=int(number))
            if not door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise ValueError("nobody listens there")
        except (ValueError, OSError) as wrong:
            raise Invalid(
                f"{HANDED}: {word!r} is no door we were handed ({wrong}); unset it", field=HANDED
            ) from wrong
        door.set_inheritable(False)
    return doors


def _opened(listen: Listen, section: str, *, elsewhere: bool) -> socket.socket:
    place = f"{listen.host}:{listen.port}"
    try:
        return _bound(listen.host, listen.port)
    except OSError as wrong:
        if elsewhere and listen.port:
            return _opened(replace(listen, port=0), section, elsewhere=False)
        why = wrong.strerror or wrong
        raise Conflict(
            f"{section}: {place} cannot be listened on ({why}); choose another port with "
            f"--{section}-port, READYUP_{section.upper()}_PORT or [{section}] port, 0 for any"
        ) from wrong


def _bound(host: str, port: int) -> socket.socket:
    """The first address of the host, IPv4 before IPv6: what ``localhost`` means to most."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return socket.create_server(address[:2], family=family, backlog=KNOCKING_MAX)
