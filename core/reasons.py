"""Why a server did not do what it was asked, in words that name the place and the cure.

No password is ever among them: servers do not repeat it, and we do not either.
"""

from dataclasses import dataclass
from typing import Self

from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError as RedisConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    TimeoutError as RedisTimeoutError,
    TryAgainError,
)

from core.address import PASSWORD, SENTINEL_PASSWORD, Address, Endpoint
from core.errors import Exhausted, StoreUnreachable

AWAY = (
    *(RedisConnectionError, RedisTimeoutError, OSError),
    *(ReadOnlyError, ClusterDownError, TryAgainError, AskError, NoPermissionError),
)
"""No answer, or none that this server can give now: it starts, is no primary, gives a slot
away, or has not been told yet what we may do."""

REFUSALS = ("NOREPLICAS", "MISCONF", "BUSY ", "UNBLOCKED", "Script attempted to access")
"""How answers begin that mean the same and have no class of their own."""

FORBIDDEN = ("The user executing the script can't run", "ACL failure in script")
"""The same of what a script does."""

CURES = (
    ("Authentication required", "{place} wants a password: set {variable}"),
    (
        "without any password configured",
        "{place} has no password and was given one: unset {variable}, or set requirepass there",
    ),
    (
        "invalid username-password pair",
        "{place} refuses {who} with the password of {variable}: set it, or ACL SETUSER there",
    ),
    ("not valid for", "{place} shows a certificate that is not made out to that name: {said}"),
    ("certificate has expired", "{place} shows a certificate that has expired: renew it"),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "{place} shows a certificate of an unknown authority: name it behind the URL, ?ca=FILE",
    ),
    (
        "CERTIFICATE_REQUIRED",
        "{place} wants a certificate of ours: name it behind the URL, ?cert=FILE&key=FILE",
    ),
    ("UNKNOWN_CA", "{place} does not know the authority that signed our certificate"),
    ("WRONG_VERSION_NUMBER", "{place} does not speak TLS: write redis for rediss"),
    *(
        (sign, "{place} does not let {who} do that: {said}; docs/redis.md says what to grant")
        for sign in ("no permissions", "No permissions", *FORBIDDEN)
    ),
)
"""What is said, and what is told instead; the first that fits."""

CLOSED = ("Connection reset", "Connection closed", "Broken pipe")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who was asked, and as whom."""

    endpoint: Endpoint
    user: str
    variable: str
    """Of the environment: it holds the password."""

    @classmethod
    def server(cls, address: Address, endpoint: Endpoint) -> Self:
        """One that holds the state."""
        return cls(endpoint, address.user, PASSWORD)

    @classmethod
    def sentinel(cls, address: Address, endpoint: Endpoint) -> Self:
        """One that knows who is primary."""
        return cls(endpoint, address.sentinel_user, SENTINEL_PASSWORD)


def why(wrong: Exception, peer: Peer) -> str:
    """What to tell of an answer that is none."""
    if isinstance(wrong, AskError):
        return f"{peer.endpoint} gives the slot to {wrong.host or peer.endpoint.host}:{wrong.port}"
    said = str(wrong) or type(wrong).__name__
    who = f"user {peer.user!r}" if peer.user else "the default user"
    for sign, cure in CURES:
        if sign in said:
            return cure.format(place=peer.endpoint, who=who, variable=peer.variable, said=said)
    return f"{peer.endpoint} did not answer: {said}"


def doubt(said: str, address: Address) -> str:
    """What may be behind it when the very first word finds no answer: whoever was spoken to in
    the wrong way cannot always say so.
    """
    if address.tls and "Timeout connecting" in said:
        return "; if that port is not for TLS, write redis for rediss"
    if not any(sign in said for sign in CLOSED):
        return ""
    if not address.tls:
        return "; if that port is for TLS, write rediss for redis"
    if not address.cert:
        return "; if it wants a certificate of ours, name it: ?cert=FILE&key=FILE"
    return "; it may not know the authority that signed our certificate"


def as_ours(wrong: Exception, peer: Peer) -> Exception:
    """What callers are told: load and machines in our words, a wrong command in Redis' own."""
    if isinstance(wrong, OutOfMemoryError):
        return Exhausted("Redis is out of memory")
    if isinstance(wrong, AWAY) or str(wrong).startswith((*REFUSALS, *FORBIDDEN)):
        return StoreUnreachable(why(wrong, peer))
    return wrong
