"""The join token: minted by the API when it answers, verified offline by the game server.

A JWS signed with Ed25519, bound to one server, match, player and seat. It holds
for 90 seconds to its first use; the game server remembers the ``jti`` of each
token it accepted until the token's end, so a copied token opens nothing.
"""

import re
from dataclasses import dataclass
from typing import Any, Self

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.errors import Unauthorized
from core.ids import MatchId, PlayerId, ServerUid, TicketId

TYPE = "readyup-join+jwt"
LIFETIME_S = 90
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
LEEWAY_S = 2  # server and API clocks may differ by what production allows (ARCHITECTURE §5)


@dataclass(frozen=True, slots=True)
class Seat:
    """What one join token entitles to."""

    server: ServerUid
    match: MatchId
    epoch: int
    """Session epoch; a match that was moved has a higher one, and older tokens are refused."""

    player: PlayerId
    ticket: TicketId
    team: str
    seat: int
    """Place in the team, counted from 0."""


@dataclass(frozen=True, slots=True)
class JoinToken:
    """A verified token."""

    seat: Seat
    jti: str
    expires_s: int
    """Seconds since 1970."""


class Minter:
    """Holds the signing key. Its public half is what game servers get."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.kid = key.public_key().public_bytes_raw().hex()[:8]

    @classmethod
    def from_hex(cls, seed: str) -> Self:
        """From 64 hex digits, as settings carry it."""
        return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)))

    def public_hex(self) -> str:
        """The public key, 64 hex digits."""
        return self._key.public_key().public_bytes_raw().hex()

    def mint(self, seat: Seat, *, now_ms: int, jti: str) -> str:
        """A token for this seat; each call with a ``jti`` of its own (128 random bits, hex)."""
        now_s = now_ms // 1000
        claims: dict[str, Any] = {
            "iss": "readyup",
            "aud": seat.server,
            "sub": seat.player,
            "mid": seat.match,
            "ep": seat.epoch,
            "tid": seat.ticket,
            "team": seat.team,
            "seat": seat.seat,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + LIFETIME_S,
            "jti": jti,
        }
        return jwt.encode(claims, self._key, "EdDSA", headers={"typ": TYPE, "kid": self.kid})


class Verifier:
    """Checks tokens against the public keys a game server was given (current and next)."""

    def __init__(self, public_keys_hex: list[str]) -> None:
        self._keys = {
            key[:8]: Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
            for key in public_keys_hex
        }

    def verify(self, token: str, *, server: ServerUid, now_ms: int) -> JoinToken:
        """What the token entitles to. Whether it was used before is the caller's to remember.

        Raises:
            Unauthorized: not ours, not for this server, too old, too new, or malformed.
        """
        if not _SHAPE.fullmatch(token):  # Python's base64 passes over whatever is none of it
            raise Unauthorized("join token is not three parts of base64url")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TYPE:
                raise Unauthorized(f"join token type is {header.get('typ')!r}, not {TYPE!r}")
            key = self._keys.get(str(header.get("kid")))
            if key is None:
                raise Unauthorized("join token is signed with an unknown key")
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=server,
                issuer="readyup",
                # The library would read the machine's clock; time is an argument here.
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "require": ["exp", "nbf", "jti", "sub", "mid", "ep", "tid", "team", "seat"],
                },
            )
            return _checked(claims, server, now_s=now_ms // 1000)
        except _REFUSED as wrong:
            raise Unauthorized(f"join token refused: {wrong}") from wrong


_REFUSED = (
    jwt.PyJWTError, InvalidSignature, ValueError, TypeError, KeyError, ArithmeticError,
    RecursionError,
)  # fmt: skip
"""What the libraries raise on their way through a stranger's bytes."""


def _checked(claims: dict[str, Any], server: ServerUid, *, now_s: int) -> JoinToken:
    expires_s, not_before_s = int(claims["exp"]), int(claims["nbf"])
    if now_s >= expires_s + LEEWAY_S:
        raise Unauthorized("join token has expired; ask for a new one")
    if now_s < not_before_s - LEEWAY_S:
        raise Unauthorized("join token is not valid yet; check the clocks")
    seat = Seat(
        server=server,
        match=MatchId(str(claims["mid"])),
        epoch=int(claims["ep"]),
        player=PlayerId(str(claims["sub"])),
        ticket=TicketId(str(claims["tid"])),
        team=str(claims["team"]),
        seat=int(claims["seat"]),
    )
    return JoinToken(seat, str(claims["jti"]), expires_s)
