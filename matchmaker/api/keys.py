"""Who is asking: bearer keys to principals."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

from core.errors import Invalid, Unauthorized
from core.ids import PLAYER, PlayerId


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller we know."""

    kind: str
    """``player`` or ``backend``."""

    name: str

    def owner(self) -> str:
        """How tickets remember who asked for them."""
        return f"{self.kind}:{self.name}"

    def is_backend(self) -> bool:
        """A game back end: trusted with ratings, parties and other players' tickets of its own."""
        return self.kind == "backend"

    def is_player(self, player: str) -> bool:
        """Whether the caller is this very player."""
        return self.kind == "player" and self.name == player


class Keys(Protocol):
    """Whoever can tell whose key it is."""

    def principal(self, key: str) -> Principal:
        """The caller behind a key.

        Raises:
            Unauthorized: nobody's.
        """
        ...


class DevKeys:
    """Development keys: ``dev-player:<id>`` and ``dev-backend``. Anybody can make them.

    That is why they are refused on any address but loopback.
    """

    def __init__(self, host: str) -> None:
        if host != "localhost" and not _is_loopback(host):
            raise Invalid(
                f"development keys work on loopback only, not on {host!r}; "
                "listen on 127.0.0.1 or configure real keys",
                field="$.api.host",
            )

    def principal(self, key: str) -> Principal:
        if key == "dev-backend":
            return Principal("backend", "dev")
        kind, _, player = key.partition(":")
        if kind == "dev-player" and PLAYER.fullmatch(player):
            return Principal("player", PlayerId(player))
        raise Unauthorized("unknown key; on a laptop use 'dev-player:<id>' or 'dev-backend'")


def bearer(header: str | None) -> str:
    """The key in an Authorization header.

    Raises:
        Unauthorized: none there.
    """
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthorized("send 'Authorization: Bearer <key>'")
    return key.strip()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
