"""An identity provider on this machine: keys that rotate, and a page of them over real HTTP."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    generate_private_key as generate_rsa_key,
)
from jwt.algorithms import get_default_algorithms

from core.web import serve_app
from matchmaker.api.settings import Issuer

NAME = "https://id.test"
NOW_MS = 1_700_000_000_000
RSA = generate_rsa_key(65537, 2048)
WEAK_RSA = generate_rsa_key(65537, 1024)  # noqa: S505 - to be refused
EC = generate_private_key(SECP256R1())


class Hands:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.s = 0.0

    def wall_us(self) -> int:
        return self.wall_ms() * 1000

    def wall_ms(self) -> int:
        return NOW_MS + round(self.s * 1000)

    def elapsed_s(self) -> float:
        return self.s


@dataclass
class Provider:
    """What it signs with, and what its page says."""

    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """``kid`` to algorithm and private key."""

    asked: int = 0
    page: bytes | None = None
    """In place of the keys."""

    status: int = 200
    url: str = ""
    hold: asyncio.Event | None = None

    def issuer(self, **change) -> Issuer:
        return Issuer(**{"issuer": NAME, "audience": "game", "jwks_url": self.url, **change})

    def rotate(self, kid: str, algorithm: str = "EdDSA", private: object = None) -> None:
        """Sign with a new key from now on; the page shows the old ones too."""
        self.keys[kid] = (algorithm, private or Ed25519PrivateKey.generate())

    def token(
        self, kid: str = "", *, header: dict[str, Any] | None = None, **claims: object
    ) -> str:
        """A token as it should be, but for what is named; None takes a claim out."""
        kid = kid or list(self.keys)[-1]
        algorithm, private = self.keys[kid]
        now_s = NOW_MS // 1000
        right = {"iss": NAME, "aud": "game", "sub": "ann", "iat": now_s, "exp": now_s + 600}
        said = {name: value for name, value in {**right, **claims}.items() if value is not None}
        return jwt.encode(said, private, algorithm, headers={"kid": kid, **(header or {})})

    def jwks(self) -> list[dict[str, Any]]:
        return [
            {
                **get_default_algorithms()[algorithm].to_jwk(private.public_key(), as_dict=True),
                "kid": kid,
                "alg": algorithm,
                "use": "sig",
            }
            for kid, (algorithm, private) in self.keys.items()
        ]

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.hold is not None:
            await self.hold.wait()
        body = json.dumps({"keys": self.jwks()}).encode() if self.page is None else self.page
        headers = {"Location": self.url} if self.status == 302 else {}
        return web.Response(body=body, status=self.status, headers=headers)


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """A provider with one Ed25519 key, serving."""
    made = Provider()
    made.rotate("first")
    app = web.Application()
    app.router.add_get("/keys", made.answer)
    async with serve_app(app, drain_s=0.1) as port:
        made.url = f"http://127.0.0.1:{port}/keys"
        yield made
