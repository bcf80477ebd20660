"""Players' keys as JSON Web Tokens of identity providers that the operator named."""

import hashlib
import math
import re
from collections.abc import Iterable
from typing import Any

import jwt
from cryptography.exceptions import InvalidSignature

from core.clock import Clock
from core.errors import Unauthorized
from core.ids import PLAYER, PlayerId
from matchmaker.api.jwks import Jwks
from matchmaker.api.keys import Principal
from matchmaker.api.settings import Issuer

LEEWAY_S = 30
"""Seconds by which an issuer's clock and ours may differ."""

KID_MAX = 256
CLAIM_MAX = 1024

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

_REFUSED = (
    jwt.PyJWTError, InvalidSignature, ValueError, TypeError, KeyError, ArithmeticError,
    RecursionError,
)  # fmt: skip
"""What the library raises on its way through a stranger's bytes."""


class JwtKeys:
    """Whose token it is: signature, issuer, audience and time checked, in that order."""

    def __init__(self, issuers: Iterable[Issuer], clock: Clock) -> None:
        self._clock = clock
        self._issuers = {
            issuer.issuer: (issuer, Jwks(issuer.jwks_url, issuer.algorithms, clock))
            for issuer in issuers
        }

    async def principal(self, key: str) -> Principal:
        if not _SHAPE.fullmatch(key):
            raise Unauthorized("unknown key; a player's key is a token of an issuer we know")
        try:
            header = jwt.get_unverified_header(key)
            said = jwt.decode(key, options={"verify_signature": False})
        except _REFUSED as wrong:
            raise Unauthorized(f"token refused: {wrong}") from wrong
        name, kid, algorithm = said.get("iss"), header.get("kid"), header.get("alg")
        issuer, jwks = self._issuers.get(name if isinstance(name, str) else "", (None, None))
        if issuer is None or jwks is None:
            raise Unauthorized("token refused: its issuer is none of ours")
        if algorithm not in issuer.algorithms:
            raise Unauthorized(f"token refused: its issuer may not sign with {algorithm!r:.20}")
        if not isinstance(kid, str) or not 0 < len(kid) <= KID_MAX:
            raise Unauthorized("token refused: it does not say which key signed it (kid)")
        public = await jwks.key(kid)
        try:
            claims = jwt.decode(
                key,
                public,
                algorithms=list(issuer.algorithms),
                audience=issuer.audience,
                issuer=issuer.issuer,
                # The library would read the machine's clock; time is an argument here.
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "require": ["exp", "aud", "iss"],
                },
            )
            return _player(claims, issuer, now_ms=self._clock.wall_ms())
        except _REFUSED as wrong:
            raise Unauthorized(f"token refused: {wrong}") from wrong


def _player(claims: dict[str, Any], issuer: Issuer, *, now_ms: int) -> Principal:
    """Whom verified claims name.

    Raises:
        Unauthorized: too old, too new, or they name nobody.
    """
    ends_ms = _instant_ms(claims, "exp") + LEEWAY_S * 1000
    if now_ms >= ends_ms:
        raise Unauthorized("the token has expired; ask your issuer for a new one")
    begins = [_instant_ms(claims, name) for name in ("nbf", "iat") if name in claims]
    if any(now_ms < begin_ms - LEEWAY_S * 1000 for begin_ms in begins):
        raise Unauthorized("the token is not valid yet; check the clocks")
    claim = claims.get(issuer.player_claim)
    if not isinstance(claim, str) or not 0 < len(claim) <= CLAIM_MAX:
        raise Unauthorized(f"the token's claim {issuer.player_claim!r} names no player")
    return Principal("player", player_of(issuer, claim), expires_ms=ends_ms)


def player_of(issuer: Issuer, claim: str) -> PlayerId:
    """The player id of a claim: itself where it may stand as it is, else ``x-`` and a hash.

    A claim that looks like such a hash is hashed too, so that nobody is named by two claims.
    """
    if issuer.plain_ids and PLAYER.fullmatch(claim) and not claim.startswith("x-"):
        return PlayerId(claim)
    digest = hashlib.sha256(f"{issuer.issuer}|{claim}".encode("utf-8", "surrogatepass"))
    return PlayerId(f"x-{digest.hexdigest()[:32]}")


def _instant_ms(claims: dict[str, Any], name: str) -> int:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthorized(f"the token's {name!r} is no time")
    return round(value * 1000)
