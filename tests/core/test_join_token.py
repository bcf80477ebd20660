"""The verifier against what must pass, and against everything that must not."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, strategies as st

from core.errors import Unauthorized
from core.ids import MatchId, PlayerId, ServerUid, TicketId
from core.join_token import LEEWAY_S, LIFETIME_S, TYPE, Minter, Seat, Verifier

NOW_MS = 1_700_000_000_000
SERVER = ServerUid("u1")
SEED = "11" * 32
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED))
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
MINTER = Minter.from_hex(SEED)
VERIFIER = Verifier([MINTER.public_hex()])
SEAT = Seat(SERVER, MatchId("duel.m1"), 3, PlayerId("ann"), TicketId("duel.t1"), "red", 0)
TOKEN = MINTER.mint(SEAT, now_ms=NOW_MS, jti="j1")


def refused(token: str, *, server: ServerUid = SERVER, now_ms: int = NOW_MS) -> str:
    """Why a token is refused."""
    with pytest.raises(Unauthorized) as caught:
        VERIFIER.verify(token, server=server, now_ms=now_ms)
    return str(caught.value)


def b64(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def claims(**changes) -> dict[str, Any]:
    body = jwt.decode(TOKEN, options={"verify_signature": False})
    return {**body, **changes}


def signed(body: dict[str, Any], *, key=KEY, algorithm: str = "EdDSA", **header) -> str:
    return jwt.encode(body, key, algorithm, headers={"typ": TYPE, "kid": MINTER.kid, **header})


def test_a_fresh_token_entitles_to_its_seat():
    token = VERIFIER.verify(TOKEN, server=SERVER, now_ms=NOW_MS)

    assert token.seat == SEAT
    assert token.jti == "j1"
    assert token.expires_s == NOW_MS // 1000 + LIFETIME_S


def test_a_token_holds_to_its_last_second_and_the_leeway():
    last_ms = NOW_MS + (LIFETIME_S + LEEWAY_S) * 1000 - 1

    assert VERIFIER.verify(TOKEN, server=SERVER, now_ms=last_ms)
    assert "expired" in refused(TOKEN, now_ms=last_ms + 1)


def test_a_token_from_a_clock_that_is_ahead_is_refused_beyond_the_leeway():
    assert VERIFIER.verify(TOKEN, server=SERVER, now_ms=NOW_MS - LEEWAY_S * 1000)
    assert "not valid yet" in refused(TOKEN, now_ms=NOW_MS - LEEWAY_S * 1000 - 1)


def test_a_token_opens_no_other_server():
    assert "refused" in refused(TOKEN, server=ServerUid("u2"))


def test_a_token_without_a_signature_is_refused():
    bare = f"{b64({'alg': 'none', 'typ': TYPE, 'kid': MINTER.kid})}.{b64(claims())}."

    assert "refused" in refused(bare)


@pytest.mark.parametrize(
    "secret", [MINTER.public_hex().encode(), KEY.public_key().public_bytes_raw()]
)
def test_the_public_key_is_no_secret_to_sign_with(secret: bytes):
    assert "refused" in refused(signed(claims(), key=secret, algorithm="HS256"))


@pytest.mark.parametrize("kind", ["JWT", "", None, "readyup-join+jwt2"])
def test_a_token_of_another_type_is_refused(kind: str | None):
    assert "type" in refused(signed(claims(), typ=kind))


def test_a_key_nobody_told_us_of_is_refused():
    stranger = Minter(STRANGER)

    assert "unknown key" in refused(stranger.mint(SEAT, now_ms=NOW_MS, jti="j"))
    assert "refused" in refused(signed(claims(), key=STRANGER))


def test_the_next_key_is_known_beside_the_current_one():
    next_minter = Minter(STRANGER)
    both = Verifier([MINTER.public_hex(), next_minter.public_hex()])
    token = next_minter.mint(SEAT, now_ms=NOW_MS, jti="j2")

    assert both.verify(token, server=SERVER, now_ms=NOW_MS).jti == "j2"
    assert both.verify(TOKEN, server=SERVER, now_ms=NOW_MS).jti == "j1"


@pytest.mark.parametrize(
    "name", ["exp", "nbf", "jti", "sub", "mid", "ep", "tid", "team", "seat", "aud", "iss"]
)
def test_a_token_that_leaves_something_out_is_refused(name: str):
    body = claims()
    del body[name]

    assert "refused" in refused(signed(body))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exp", "soon"), ("exp", None), ("exp", 1e400), ("nbf", []), ("ep", {}), ("seat", "x"),
        ("iss", "another"), ("aud", 7),
    ],
)  # fmt: skip
def test_a_claim_of_another_kind_is_refused(name: str, value: object):
    assert "refused" in refused(signed(claims(**{name: value})))


@pytest.mark.parametrize("length", [0, 1, 20, len(TOKEN) // 2, len(TOKEN) - 1])
def test_a_token_that_was_cut_is_refused(length: int):
    assert refused(TOKEN[:length])


def test_another_seat_under_the_same_signature_is_refused():
    header, _, signature = TOKEN.split(".")

    assert "refused" in refused(f"{header}.{b64(claims(sub='bo'))}.{signature}")


def test_a_signature_of_another_token_is_refused():
    header, payload, _ = TOKEN.split(".")
    other = MINTER.mint(SEAT, now_ms=NOW_MS, jti="j2").split(".")[2]

    assert "refused" in refused(f"{header}.{payload}.{other}")


def test_a_token_has_one_spelling():
    """Base64 leaves room for other texts with the same bytes; none of them is a token."""
    respelled = [TOKEN[:-1] + other for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if other != TOKEN[-1]]

    for token in (*respelled, TOKEN + "=", TOKEN + "==", TOKEN + "\n", f"{TOKEN}!", f" {TOKEN}"):
        assert refused(token)


def test_a_header_nested_without_end_is_refused():
    assert "refused" in refused(f"{b64(b'[' * 40_000)}.{b64(claims())}.x")


@pytest.mark.parametrize("header", [[], "x", 7, None, {"typ": TYPE, "kid": []}, {"typ": {}}])
def test_a_header_of_another_shape_is_refused(header: object):
    assert refused(f"{b64(header)}.{b64(claims())}.{TOKEN.split('.')[2]}")


@given(st.text())
def test_no_text_at_all_is_a_token(text: str):
    assert refused(text)


@given(st.lists(st.text() | st.binary().map(b64), min_size=3, max_size=3).map(".".join))
def test_nothing_in_three_parts_is_a_token(text: str):
    assert refused(text)


@given(st.integers(0, len(TOKEN) - 1), st.integers(0, 6))
def test_no_bit_of_a_token_may_be_flipped(place: int, bit: int):
    flipped = chr(ord(TOKEN[place]) ^ (1 << bit))

    assert refused(TOKEN[:place] + flipped + TOKEN[place + 1 :])


@given(st.text("0123456789abcdef", min_size=1, max_size=30), st.integers(0, 99))
def test_every_seat_comes_back_as_it_was_minted(name: str, number: int):
    seat = Seat(
        ServerUid(f"u-{name}"), MatchId(f"duel.{name}"), number, PlayerId(name),
        TicketId(f"duel.{name}"), "blue", number,
    )  # fmt: skip
    token = MINTER.mint(seat, now_ms=NOW_MS, jti=name)

    assert VERIFIER.verify(token, server=seat.server, now_ms=NOW_MS).seat == seat
