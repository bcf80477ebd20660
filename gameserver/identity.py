"""Who this server is, asked of Agones' SDK where nobody put it into the environment.

Our admission webhook does put it there. Without the webhook, one server on a node, the SDK
server beside us knows name, uid, fleet, address and port.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from core.errors import Unreachable
from gameserver.sdk.client import AgonesSdk
from gameserver.sdk.game_server import GameServer

NEEDED: Final = ("READYUP_SERVER_NAME", "READYUP_SERVER_UID", "READYUP_FLEET", "READYUP_PORT")
AGONES: Final = "AGONES_SDK_GRPC_PORT"
"""Agones sets it in every game container, so it tells that there is somebody to ask."""

KNOWN_S: Final = 60.0
"""How long Agones may take to know our address: it waits for the node's."""


async def identified(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with what the SDK knows about us beneath it.

    Raises:
        Unreachable: there is an SDK server, and it does not tell in time.
    """
    if not environ.get(AGONES) or all(environ.get(name) for name in NEEDED):
        return environ
    async with AgonesSdk.connect() as sdk:
        try:
            async with asyncio.timeout(KNOWN_S):
                async for server in sdk.watch():
                    if server.address and server.ports:
                        break
                else:
                    raise AssertionError("a watch does not end by itself")
        except TimeoutError:
            raise Unreachable(
                f"the SDK server does not know our address after {KNOWN_S:g} s; has the GameServer "
                "a port, and its node an address?"
            ) from None
    told = {name: value for name, value in environ.items() if value}
    return {**variables(server), **told}


def variables(server: GameServer) -> dict[str, str]:
    """What Agones knows, as the environment has it."""
    found = {
        "READYUP_SERVER_NAME": server.name,
        "READYUP_SERVER_UID": server.uid,
        "READYUP_FLEET": server.labels.get("agones.dev/fleet", ""),
        "READYUP_ADDRESS": server.address,
        "READYUP_PORT": str(next(iter(server.ports.values()))),
        "READYUP_VERSION": server.labels.get("readyup/version", ""),
        "READYUP_ROOMS": server.annotations.get("readyup/rooms", ""),
    }
    return {name: value for name, value in found.items() if value}
