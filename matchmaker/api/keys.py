"""Who is asking: bearer keys to principals."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

from core.errors import Invalid, Unauthorized
from core.ids import PLAYER, PlayerId
from matchmaker.api.settings import Backend

BACKEND_PREFIX = "rub_"
"""How the keys of back ends begin, so that a leaked one is found by whoever searches for it."""

DEV_PREFIX = "dev-"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller we know."""

    kind: str
    """``player`` or ``backend``."""

    name: str
    expires_ms: int = 0
    """When the key ends, in milliseconds since 1970; 0 for never."""

    def owner(self) -> str:
        """How tickets remember who asked for them."""
        return f"{self.kind}:{self.name}"

    def has_ended(self, now_ms: int) -> bool:
        """Whether the key counts no more."""
        return 0 < self.expires_ms <= now_ms

    def is_backend(self) -> bool:
        """A game back end: trusted with ratings, parties and other players' tickets of its own."""
        return self.kind == "backend"

    def is_player(self, player: str) -> bool:
        """Whether the caller is this very player."""
        return self.kind == "player" and self.name == player


class Keys(Protocol):
    """Whoever can tell whose key it is."""

    async def principal(self, key: str) -> Principal:
        """The caller behind a key.

        Raises:
            Unauthorized: nobody's.
            Unreachable: whoever could tell does not answer.
        """
        ...


class KeyRing:
    """Several kinds of keys, told apart by how they begin; the first that fits decides."""

    def __init__(self, kinds: Mapping[str, Keys]) -> None:
        self._kinds = dict(kinds)

    async def principal(self, key: str) -> Principal:
        for prefix, keys in self._kinds.items():
            if key.startswith(prefix):
                return await keys.principal(key)
        raise Unauthorized("unknown key")


class DevKeys:
    """Development keys: ``dev-player:<id>`` and ``dev-backend``. Anybody can make them.

    That is why they are refused on any address but loopback, and in a pod, where loopback
    is shared with whatever runs beside.
    """

    def __init__(self, host: str, *, environ: Mapping[str, str] | None = None) -> None:
        if host != "localhost" and not is_loopback(host):
            raise Invalid(
                f"development keys work on loopback only, not on {host!r}; "
                "listen on 127.0.0.1 or configure [[api.issuers]] and set api.dev_keys = false",
                field="$.api.host",
            )
        if environ and environ.get("KUBERNETES_SERVICE_HOST"):
            raise Invalid(
                "development keys do not work in Kubernetes; configure [[api.issuers]] and set "
                "api.dev_keys = false, or unset KUBERNETES_SERVICE_HOST where a pod is a workbench",
                field="$.api.dev_keys",
            )

    async def principal(self, key: str) -> Principal:
        if key == "dev-backend":
            return Principal("backend", "dev")
        kind, _, player = key.partition(":")
        if kind == "dev-player" and PLAYER.fullmatch(player):
            return Principal("player", PlayerId(player))
        raise Unauthorized("unknown key; on a laptop use 'dev-player:<id>' or 'dev-backend'")


class BackendKeys:
    """The keys of game back ends, of which only hashes are known here."""

    def __init__(self, backends: tuple[Backend, ...]) -> None:
        self._names = {backend.key_sha256: backend.name for backend in backends}

    async def principal(self, key: str) -> Principal:
        # Looked up by the hash: how long that takes tells nothing about the key.
        name = self._names.get(key_sha256(key))
        if name is None:
            raise Unauthorized("unknown key of a back end")
        return Principal("backend", name)


def key_sha256(key: str) -> str:
    """What settings keep of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def bearer(header: str | None) -> str:
    """The key in an Authorization header.

    Raises:
        Unauthorized: none there.
    """
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthorized("send 'Authorization: Bearer <key>'")
    return key.strip()


@functools.lru_cache(maxsize=4096)  # asked for every request; parsing was a twentieth of it
def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own; names are none."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
