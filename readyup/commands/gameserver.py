"""``readyup gameserver``: a game server by name, started by a fleet or by hand."""

import os
import secrets
import socket
import sys
from typing import Literal

from core.errors import Invalid
from readyup.commands.options import PORT_MAX, refuse_url

ROOMS_MAX = 1024


def gameserver(  # noqa: PLR0913 - the options of a command
    game: Literal["arena"] = "arena",
    *,
    register: str = "",
    fleet: str = "",
    key: str = "",
    name: str = "",
    address: str = "127.0.0.1",
    port: int = 0,
    rooms: int = 1,
) -> int:
    """Run the example game.

    A fleet gives it its place in the environment. By hand, it registers itself: then it
    takes matches of the queues whose fleet it joins, for as long as it runs.

    Args:
        game: Which game; arena is the one that ships.
        register: Where the sessions API is, e.g. http://127.0.0.1:8082.
        fleet: The fleet to join; one of [own_fleets] there.
        key: That fleet's key.
        name: This server's name; this machine's without it.
        address: Where players reach this machine.
        port: UDP port for players; a free one of this machine.
        rooms: Matches at a time.
    """
    try:
        if register:
            by_hand = {"--fleet": fleet, "--key": key}
            _refuse(register, by_hand, address, port, rooms)
            os.environ |= _environment(register, key) | {
                "READYUP_SERVER_NAME": name or f"{_host()}-{port}",
                "READYUP_FLEET": fleet,
                "READYUP_ADDRESS": address,
                "READYUP_PORT": str(port),
                "READYUP_ROOMS": str(rooms),
            }
        elif fleet or key or "READYUP_SERVER_NAME" not in os.environ:
            raise Invalid(
                "by hand it needs --register http://HOST:PORT of the sessions API, --fleet, --key"
                " and --port; a fleet that starts it gives it its place in the environment",
                field="--register",
            )
    except Invalid as wrong:
        print(f"readyup gameserver: {wrong}", file=sys.stderr)
        return 1
    assert game == "arena"
    from gameserver.arena.__main__ import main

    return main()


def _refuse(register: str, needed: dict[str, str], address: str, port: int, rooms: int) -> None:
    refuse_url("--register", register)
    for option, value in needed.items():
        if not value:
            raise Invalid(
                f"{option} is missing; `readyup keys --fleet` makes a key, and its hash names a"
                " fleet in the service's configuration: [own_fleets.NAME]",
                field=option,
            )
    if not address:
        raise Invalid("--address: write where players reach this machine", field="--address")
    if not 1 <= port <= PORT_MAX:
        raise Invalid(
            f"--port: {port} is none that players could be told; write a free UDP port,"
            f" 1 to {PORT_MAX}",
            field="--port",
        )
    if not 1 <= rooms <= ROOMS_MAX:
        raise Invalid(f"--rooms: {rooms} is outside 1 to {ROOMS_MAX}", field="--rooms")


def _environment(register: str, key: str) -> dict[str, str]:
    url = register.rstrip("/")
    return {
        "READYUP_REGISTER_URL": url,
        "READYUP_REGISTER_KEY": key,
        "READYUP_SESSIONS_URL": f"ws{url.removeprefix('http')}/v1/servers/connect",
        "READYUP_SERVER_UID": secrets.token_hex(16),
    }


def _host() -> str:
    name = "".join(c if c.isalnum() else "-" for c in socket.gethostname().lower())
    return name.strip("-")[:40] or "server"
