"""TLS and passwords, with a real server: what lets us in, and what is said when it does not."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.address import PASSWORD, Address, parse_address
from core.errors import StoreUnreachable
from core.redis import Store
from core.valkey import embedded_valkey
from tests.cluster.plane.pki import Authority
from tests.core.front import tls_before

SECRET = "s3cret/@:"  # noqa: S105


@dataclass
class Place:
    """A server behind TLS that wants a user, a password and a certificate."""

    host: str
    ours: Authority
    other: Authority
    folder: Path

    def address(self, **options: str) -> Address:
        words = {
            "ca": str(self.ours.ca.cert),
            "cert": str(self.folder / "client.crt"),
            "key": str(self.folder / "client.key"),
        } | options
        query = "&".join(f"{name}={file}" for name, file in words.items() if file)
        address = parse_address(f"rediss://readyup@{self.host}?{query}")
        return address.with_secrets({PASSWORD: SECRET})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    ours, other = Authority(tmp_path / "ours", "ours"), Authority(tmp_path / "other", "other")
    pair = ours.sign("server", "server", hosts=("localhost",))
    ours.sign("client", "client")
    async with embedded_valkey() as url, connected(parse_address(url)) as store:
        await store.call("ACL", "SETUSER", "readyup", "on", f">{SECRET}", "~*", "+ping", "+set")
        async with tls_before(parse_address(url), pair, asks=ours.ca.cert) as port:
            yield Place(f"localhost:{port}", ours, other, tmp_path / "ours")


@contextlib.asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Store]:
    store = await Store.connect(address)
    try:
        yield store
    finally:
        await store.aclose()


async def refused(address: Address) -> str:
    with pytest.raises(StoreUnreachable) as wrong:
        await Store.connect(address)
    assert SECRET not in str(wrong.value)
    return str(wrong.value)


async def test_whoever_has_the_certificate_and_the_password_is_let_in(place: Place):
    async with connected(place.address()) as store:
        assert await store.call("SET", "k", 1)


async def test_the_authority_that_is_named_is_the_only_one_that_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(place.ours.ca.cert))
    async with connected(place.address(ca="")) as store:
        assert await store.call("PING")

    said = await refused(place.address(ca=str(place.other.ca.cert)))
    assert said.startswith(f"{place.host} shows a certificate of an unknown authority: name it")


async def test_a_certificate_of_another_host_is_refused(place: Place):
    address = parse_address(f"{place.host.replace('localhost', 'rediss://127.0.0.1')}")
    said = await refused(replace(address, ca=str(place.ours.ca.cert)))

    assert "not made out to that name" in said


async def test_a_server_that_wants_a_certificate_says_so(place: Place):
    wanted = await refused(place.address(cert="", key=""))
    place.other.sign("client", "client")
    folder = place.other.ca.cert.parent
    unknown = await refused(place.address(cert=f"{folder}/client.crt", key=f"{folder}/client.key"))

    # A server that hangs up at once may cut its own last word off.
    assert place.host in wanted
    assert "certificate of ours" in wanted
    assert "know the authority that signed our certificate" in unknown


async def test_a_wrong_password_and_a_missing_user_name_the_place_and_the_cure(place: Place):
    wrong = await refused(place.address().with_secrets({PASSWORD: "guess"}))
    missing = await refused(replace(place.address(), user="nobody"))

    cure = "with the password of READYUP_STORE_PASSWORD: set it, or ACL SETUSER there"
    assert wrong == f"{place.host} refuses user 'readyup' {cure}"
    assert missing == f"{place.host} refuses user 'nobody' {cure}"


async def test_what_a_user_may_not_do_is_a_fault_that_can_be_mended_meanwhile(place: Place):
    async with connected(place.address()) as store:
        with pytest.raises(StoreUnreachable, match="does not let user 'readyup' do that") as wrong:
            await store.call("XADD", "s", "*", "k", "v")

    assert "redis.md" in str(wrong.value)


async def test_a_server_that_is_spoken_to_in_the_wrong_way_is_doubted(place: Place):
    plain = await refused(parse_address(f"redis://{place.host}"))

    assert "if that port is for TLS, write rediss for redis" in plain


async def test_a_certificate_that_was_renewed_is_shown_at_the_next_connection(place: Place):
    async with connected(place.address()) as store:
        (place.folder / "client.crt").write_bytes(place.other.ca.cert.read_bytes())
        reader = store._readers
        with pytest.raises(StoreUnreachable, match="did not answer"):
            await store.read_stream("s", "0", block_ms=1)
        place.ours.sign("client", "client")

        with pytest.raises(StoreUnreachable, match="does not let user"):
            await store.read_stream("s", "0", block_ms=1)
        assert store._readers is reader
