"""What a game server process was told when it was started."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.errors import Invalid
from core.ids import FleetName, ServerUid
from gameserver.cores import parse_cores

ROOMS_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Environment:
    """One life of one game server, as its parent described it."""

    name: str
    """READYUP_SERVER_NAME."""

    uid: ServerUid
    """READYUP_SERVER_UID."""

    fleet: FleetName
    """READYUP_FLEET."""

    address: str
    """READYUP_ADDRESS: where players reach this machine."""

    port: int
    """READYUP_PORT, UDP; 0 lets the system choose."""

    sessions_url: str
    """READYUP_SESSIONS_URL of the allocator, ws:// or wss://."""

    key: Ed25519PrivateKey
    """By which this server proves itself."""

    key_known: bool = True
    """False when we made the key ourselves, and must publish its public half."""

    rooms: int = 1
    """READYUP_ROOMS: how many matches at a time."""

    version: str = ""
    """READYUP_VERSION of the game."""

    events: Path | None = None
    """READYUP_EVENTS: file for this server's own account of what happened."""

    cores: tuple[int, ...] = ()
    """READYUP_CORES, e.g. ``0-1``; empty leaves this process where its parent put it."""

    cpus: int = 0
    """READYUP_CPUS: whole cores that the pod asked for; 0 when nobody asked."""

    drain_s: float = 20.0
    """READYUP_DRAIN_S: how long running matches may go on after SIGTERM; below the 30 s that
    Kubernetes waits."""

    register_url: str = ""
    """READYUP_REGISTER_URL: where a server started by hand registers itself, ``http://host:port``
    of the sessions API; empty speaks to Agones' SDK instead."""

    register_key: str = ""
    """READYUP_REGISTER_KEY: the key of its fleet."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """From environment variables; reads and closes READYUP_SERVER_KEY_FD.

        Raises:
            Invalid: one is missing or wrong; ``field`` names it.
        """
        key = _key(environ)
        cores = environ.get("READYUP_CORES", "")
        events = environ.get("READYUP_EVENTS", "")
        return cls(
            name=_needed(environ, "READYUP_SERVER_NAME"),
            uid=ServerUid(_needed(environ, "READYUP_SERVER_UID")),
            fleet=FleetName(_needed(environ, "READYUP_FLEET")),
            address=environ.get("READYUP_ADDRESS", "127.0.0.1"),
            port=_number(environ, "READYUP_PORT", "", 0, 65535),
            sessions_url=_needed(environ, "READYUP_SESSIONS_URL"),
            key=key or Ed25519PrivateKey.generate(),
            key_known=key is not None,
            rooms=_number(environ, "READYUP_ROOMS", "1", 1, ROOMS_MAX),
            version=environ.get("READYUP_VERSION", ""),
            events=Path(events) if events else None,
            cores=parse_cores(cores) if cores else (),
            cpus=_number(environ, "READYUP_CPUS", "0", 0, 10_000),
            drain_s=_number(environ, "READYUP_DRAIN_S", "20", 0, 86_400),
            register_url=environ.get("READYUP_REGISTER_URL", ""),
            register_key=_needed(environ, "READYUP_REGISTER_KEY")
            if environ.get("READYUP_REGISTER_URL")
            else "",
        )

    @property
    def bind_address(self) -> str:
        """Where to listen: on loopback where players are, else on every address, for the one
        that players dial may be another machine's.
        """
        local = self.address.startswith("127.") or self.address in ("localhost", "::1")
        return self.address if local else "0.0.0.0"  # noqa: S104 - players come from anywhere

    def public_hex(self) -> str:
        """The public half of the key, 64 hex digits."""
        return self.key.public_key().public_bytes_raw().hex()


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise Invalid(f"{name} is not set; whoever starts a game server sets it", field=name)
    return value


def _number(environ: Mapping[str, str], name: str, default: str, low: int, high: int) -> int:
    text = environ.get(name, default) or _needed(environ, name)
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise Invalid(f"{name} is {text!r}; write a number from {low} to {high}", field=name)
    return int(text)


def _key(environ: Mapping[str, str]) -> Ed25519PrivateKey | None:
    name = "READYUP_SERVER_KEY_FD"
    if not environ.get(name):
        return None
    fd = _number(environ, name, "", 0, 1 << 20)
    try:
        with os.fdopen(fd, "rb") as inherited:
            seed = inherited.read(33)
    except OSError as wrong:
        raise Invalid(f"cannot read file descriptor {fd}: {wrong}", field=name) from wrong
    if len(seed) != 32:
        raise Invalid(
            f"file descriptor {fd} holds {len(seed)} bytes, not a 32-byte seed", field=name
        )
    return Ed25519PrivateKey.from_private_bytes(seed)
