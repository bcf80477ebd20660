"""What an operator decides about the player API: whose keys count, and how much is too much."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import Invalid

ALGORITHMS = ("EdDSA", "RS256", "ES256")
"""Signatures with a public key. A shared secret is never one of them."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Issuer:
    """One identity provider whose tokens open the player API."""

    issuer: str
    """Exactly what its tokens carry as ``iss``."""

    audience: str
    """What its tokens must carry in ``aud``."""

    jwks_url: str
    """Where its public keys are; https, or http to loopback."""

    algorithms: tuple[str, ...] = ALGORITHMS
    """Which signatures count, of EdDSA, RS256 and ES256; the token's own word does not."""

    player_claim: str = "sub"
    """The claim that names the player. It must be the issuer's to give, never the player's."""

    plain_ids: bool = True
    """Whether a claim that reads as a player's id is that id. Otherwise, and for all other
    claims, the id is ``x-`` and a hash of issuer and claim. One issuer may have it."""

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience:
            raise Invalid("issuer and audience must not be empty", field="$.issuer")
        if not self.player_claim:
            raise Invalid("write the claim's name, e.g. sub", field="$.player_claim")
        wrong = [name for name in self.algorithms if name not in ALGORITHMS]
        if wrong or not self.algorithms:
            raise Invalid(
                f"{wrong or 'none'} will not do; choose of {', '.join(ALGORITHMS)}",
                field="$.algorithms",
            )
        url = urlsplit(self.jwks_url)
        near = url.hostname in ("127.0.0.1", "::1", "localhost")
        if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and near)):
            raise Invalid(
                f"{self.jwks_url!r}: write https://..., or http:// to loopback", field="$.jwks_url"
            )


@dataclass(frozen=True, slots=True)
class Backend:
    """One game back end that may enlist anybody."""

    name: str
    """Whose tickets are whose; letters, digits, dots, dashes and underscores."""

    key_sha256: str
    """SHA-256 of its key, 64 hex digits; the key itself is kept by the back end alone."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.name):
            raise Invalid(
                f"{self.name!r}: 1 to 64 letters, digits, dots, dashes or underscores",
                field="$.name",
            )
        if not _SHA256.fullmatch(self.key_sha256):
            raise Invalid(
                "64 hex digits; `readyup keys --backend NAME` makes a key and its hash",
                field="$.key_sha256",
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one player, address or connection may ask of one API process."""

    creates_per_s: float = 1.0
    """Tickets that one player may ask for."""

    creates_burst: int = 3
    """So many at once, after a rest."""

    address_creates_per_s: float = 20.0
    """Tickets that the players of one address may ask for; loopback may at will."""

    polls_per_s: float = 1.0
    """Reads by one player: of tickets, of the session, and openings of event streams."""

    polls_burst: int = 5
    """So many at once, after a rest."""

    sockets_per_player: int = 3
    """Sockets and event streams of one player open at a time."""

    sockets_per_address: int = 50
    """The same for the players of one address; loopback may have any number."""

    frames_per_s: float = 5.0
    """Frames of one socket; more are read later, so the sender waits. Also a player's cancels."""

    frames_burst: int = 20
    """So many at once, after a rest."""

    body_s: float = 5.0
    """A request's body must be here within so many seconds after its headers."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise Invalid(f"{getattr(self, name)} is not above 0", field=f"$.{name}")
