"""Operators' tokens: how one is made, and whose one is."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from readyup.operators.settings import Operator

PREFIX = "ruo_"
"""How every token begins, so that a leaked one is found by whoever searches for it."""


def new_token() -> str:
    """A token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def sha256(token: str) -> str:
    """What settings and the store keep of a token, or of a cookie."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def owner(token_sha256: str, operators: Sequence[Operator]) -> Operator | None:
    """Whose token has this hash. It takes the same time whoever it is, and when it is nobody."""
    found = None
    for operator in operators:
        if hmac.compare_digest(operator.token_sha256, token_sha256):
            found = operator
    return found
