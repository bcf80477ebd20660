"""``readyup gameserver``: a game server by name, started by a fleet or by hand."""

import os
import secrets
import socket
from typing import Literal


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
        port: UDP port for players.
        rooms: Matches at a time.
    """
    if register:
        url = register.rstrip("/")
        host = "".join(c if c.isalnum() else "-" for c in socket.gethostname().lower())
        os.environ |= {
            "READYUP_REGISTER_URL": url,
            "READYUP_REGISTER_KEY": key,
            "READYUP_SESSIONS_URL": f"ws{url.removeprefix('http')}/v1/servers/connect",
            "READYUP_SERVER_NAME": name or f"{host.strip('-')[:40] or 'server'}-{port}",
            "READYUP_SERVER_UID": secrets.token_hex(16),
            "READYUP_FLEET": fleet,
            "READYUP_ADDRESS": address,
            "READYUP_PORT": str(port),
            "READYUP_ROOMS": str(rooms),
        }
    assert game == "arena"
    from gameserver.arena.__main__ import main

    return main()
