"""Tokens of an identity provider: which open the door, and what happens while it is away."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import jwt
import pytest
from hypothesis import given, settings, strategies as st

from core.errors import ReadyUpError, Unauthorized, Unreachable
from core.ids import PLAYER
from matchmaker.api import jwks
from matchmaker.api.jwt_keys import JwtKeys, player_of
from matchmaker.api.keys import Principal
from matchmaker.api.settings import Issuer
from tests.matchmaker.api.issuer import EC, NOW_MS, RSA, WEAK_RSA, Hands, Provider, provider

NOW_S = NOW_MS // 1000


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def issuer() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
def keys(issuer: Provider, clock: Hands) -> JwtKeys:
    return JwtKeys([issuer.issuer()], clock)


async def test_a_token_names_its_player_until_it_ends(issuer: Provider, keys: JwtKeys):
    caller = await keys.principal(issuer.token(aud=["other", "game"], nbf=NOW_S))

    assert caller == Principal("player", "ann", expires_ms=NOW_MS + 630_000)


@pytest.mark.parametrize(("algorithm", "private"), [("RS256", RSA), ("ES256", EC)])
async def test_each_algorithm_that_is_promised_counts(
    issuer: Provider, keys: JwtKeys, algorithm: str, private
):
    issuer.rotate("other", algorithm, private)

    assert (await keys.principal(issuer.token())).name == "ann"


WRONG = {
    "issuer of nobody's": ({"iss": "https://evil.test"}, "none of ours"),
    "issuer with a slash more": ({"iss": "https://id.test/"}, "none of ours"),
    "no issuer": ({"iss": None}, "none of ours"),
    "audience of another": ({"aud": "shop"}, "Audience"),
    "no audience": ({"aud": None}, "aud"),
    "expired": ({"exp": NOW_S - 30}, "expired"),
    "no end": ({"exp": None}, "exp"),
    "an end that is no time": ({"exp": "tomorrow"}, "no time"),
    "an end without end": ({"exp": float("inf")}, "no time"),
    "not yet": ({"nbf": NOW_S + 31}, "not valid yet"),
    "issued later": ({"iat": NOW_S + 31}, "not valid yet"),
    "no player": ({"sub": None}, "names no player"),
    "an empty player": ({"sub": ""}, "names no player"),
    "a long player": ({"sub": "a" * 1025}, "names no player"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_token_that_is_not_for_us_is_refused(issuer: Provider, keys: JwtKeys, case: str):
    claims, why = WRONG[case]

    with pytest.raises(Unauthorized, match=why):
        await keys.principal(issuer.token(**claims))


async def test_clocks_may_differ_by_half_a_minute(issuer: Provider, keys: JwtKeys):
    for claims in ({"exp": NOW_S - 29}, {"nbf": NOW_S + 30}, {"iat": NOW_S + 30}):
        assert (await keys.principal(issuer.token(**claims))).name == "ann"


def forged(header: dict, claims: dict, signature: bytes = b"x") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


RIGHT = {"iss": "https://id.test", "aud": "game", "sub": "ann", "exp": NOW_S + 60}


async def test_the_token_has_no_say_in_how_it_is_verified(issuer: Provider, keys: JwtKeys):
    public = issuer.keys["first"][1].public_key().public_bytes_raw()
    x = issuer.jwks()[0]["x"].encode()
    hidden = [jwt.encode(RIGHT, secret.ljust(32), "HS256", headers={"kid": "first"})
              for secret in (public, x)]  # fmt: skip
    for token in (
        forged({"alg": "none", "kid": "first"}, RIGHT),
        forged({"alg": "none", "kid": "first"}, RIGHT, b""),
        forged({"alg": "NONE", "kid": "first"}, RIGHT),
        forged({"alg": "EdDSA", "kid": "first"}, RIGHT, b"\0" * 64),
        forged({"alg": "RS256", "kid": "first"}, RIGHT),  # the key is of another algorithm
        forged({"alg": ["EdDSA"], "kid": "first"}, RIGHT),
        forged({"alg": "EdDSA"}, RIGHT),
        forged({"alg": "EdDSA", "kid": "first"}, {**RIGHT, "iss": ["https://id.test"]}),
        forged({"alg": "EdDSA", "kid": 7}, RIGHT),
        forged({"alg": "EdDSA", "kid": "k" * 257}, RIGHT),
        forged({"alg": "EdDSA", "kid": "first", "crit": ["exp"]}, RIGHT),
        *hidden,
    ):
        with pytest.raises(Unauthorized):
            await keys.principal(token)


async def test_a_header_that_brings_its_own_key_is_not_listened_to(issuer: Provider, keys: JwtKeys):
    other = Provider()
    other.rotate("first")
    token = other.token(header={"jwk": other.jwks()[0], "jku": "http://127.0.0.1:1/keys"})

    with pytest.raises(Unauthorized):
        await keys.principal(token)


async def test_an_algorithm_that_the_operator_left_out_is_refused(issuer: Provider, clock: Hands):
    keys = JwtKeys([issuer.issuer(algorithms=("RS256",))], clock)

    with pytest.raises(Unauthorized, match="may not sign with 'EdDSA'"):
        await keys.principal(issuer.token())


@pytest.mark.parametrize("cut", [1, 10, 60])
async def test_a_token_that_was_cut_short_is_refused(issuer: Provider, keys: JwtKeys, cut: int):
    with pytest.raises(Unauthorized):
        await keys.principal(issuer.token()[:-cut])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80) | st.from_regex(r"[\w-]{1,30}\.[\w-]{1,40}\.[\w-]{1,20}"))
async def test_whatever_else_is_sent_is_refused_and_nothing_breaks(sent: str):
    with pytest.raises(Unauthorized):
        await JwtKeys([], Hands()).principal(sent)


async def test_keys_are_fetched_once_and_a_rotation_is_found(
    issuer: Provider, keys: JwtKeys, clock: Hands
):
    for _ in range(3):
        await keys.principal(issuer.token())
    fetched = issuer.asked
    issuer.rotate("second")
    with pytest.raises(Unauthorized, match="does not list"):  # asked a moment ago
        await keys.principal(issuer.token())
    clock.s += jwks.PAUSE_S
    found = await keys.principal(issuer.token())
    old = await keys.principal(issuer.token("first"))

    assert (fetched, issuer.asked) == (1, 2)
    assert found.name == old.name == "ann"


async def test_strange_kids_make_one_fetch_a_minute(issuer: Provider, keys: JwtKeys, clock: Hands):
    for n in range(20):
        with pytest.raises(Unauthorized):
            await keys.principal(issuer.token(header={"kid": f"strange-{n}"}))
        clock.s += 6.01

    assert issuer.asked == 2


async def test_a_key_that_was_withdrawn_stops_counting(
    issuer: Provider, keys: JwtKeys, clock: Hands
):
    stolen = issuer.token("first", exp=NOW_S + 3600)
    await keys.principal(stolen)
    del issuer.keys["first"]
    issuer.rotate("second")
    clock.s += jwks.FRESH_S

    with pytest.raises(Unauthorized, match="does not list"):
        await keys.principal(stolen)


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500}, {"status": 302}, {"page": b"{"}, {"page": b"[]"}, {"page": b'{"keys":7}'},
        {"page": b"[" * 9_000}, {"page": b" " * (jwks.SIZE_MAX + 1)}, {"page": b"\xff"},
    ],
    ids=lambda trouble: str(trouble)[:24],
)  # fmt: skip
async def test_what_was_known_counts_for_a_day_while_the_issuer_is_away(
    issuer: Provider, keys: JwtKeys, clock: Hands, trouble: dict
):
    token = issuer.token(exp=NOW_S + 10 * 86_400)
    await keys.principal(token)
    for name, value in trouble.items():
        setattr(issuer, name, value)
    clock.s += jwks.STALE_S - 1
    still = await keys.principal(token)
    clock.s += 1

    assert still.name == "ann"
    with pytest.raises(Unreachable):
        await keys.principal(token)


async def test_an_issuer_that_never_answered_is_a_machines_fault_and_not_the_players(
    issuer: Provider, clock: Hands
):
    keys = JwtKeys([issuer.issuer(jwks_url="http://127.0.0.1:1/keys")], clock)
    for _ in range(2):
        with pytest.raises(Unreachable, match="cannot be read right now"):
            await keys.principal(issuer.token())


async def test_an_issuer_that_hangs_holds_up_nobody_whose_key_is_known(
    issuer: Provider, keys: JwtKeys, clock: Hands, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jwks, "FETCH_S", 0.2)
    await keys.principal(issuer.token())
    issuer.hold = asyncio.Event()
    clock.s += jwks.FRESH_S
    async with asyncio.TaskGroup() as group:
        one = group.create_task(keys.principal(issuer.token()))
        while issuer.asked < 2:
            await asyncio.sleep(0.001)
        others = [await keys.principal(issuer.token()) for _ in range(5)]
        waited = one.done()
    issuer.hold.set()

    assert not waited
    assert {caller.name for caller in (*others, one.result())} == {"ann"}


async def test_keys_that_are_of_no_use_do_not_spoil_the_others(issuer: Provider, clock: Hands):
    issuer.rotate("weak", "RS256", WEAK_RSA)
    listed = [
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "OKP", "crv": "X25519", "kid": "odd", "x": "AAAA"},
        {"kty": "RSA", "kid": "half"},
        {"kid": "bare"},
        {**issuer.jwks()[0], "kid": "for-secrets", "use": "enc"},
        *issuer.jwks(),
    ]
    issuer.page = json.dumps({"keys": listed}).encode()
    keys = JwtKeys([issuer.issuer()], clock)

    assert (await keys.principal(issuer.token("first"))).name == "ann"
    for kid in ("oct", "odd", "half", "bare", "for-secrets", "weak"):
        with pytest.raises(ReadyUpError, match="does not list"):
            await keys.principal(issuer.token("first", header={"kid": kid}))


A, B = (Issuer(f"https://{name}.test", "game", "https://a.test/keys") for name in "ab")


def test_a_claim_that_reads_as_an_id_is_that_id_and_others_are_hashed():
    assert player_of(A, "Ann.1_2-3") == "Ann.1_2-3"
    for claim in ("auth0|5f", "ann@mail.test", "a" * 65, "ann\n", "ж", "x-" + "0" * 32, "\ud800"):
        made = player_of(A, claim)
        assert made.startswith("x-")
        assert PLAYER.fullmatch(made)
        assert made != player_of(B, claim)


def test_with_several_issuers_nobody_is_somebody_elses_player():
    other = Issuer("https://b.test", "game", "https://b.test/keys", plain_ids=False)

    assert player_of(other, "ann") != "ann"
    assert player_of(other, "ann") != player_of(other, "bo")
