"""A store's URL: what it says, and what it is refused for."""

from pathlib import Path

import pytest

from core.address import Address, Endpoint, parse_address
from core.errors import Invalid

SENTINELS = "redis+sentinel://a:26379,b,c:1/readyup"


def test_one_server_has_a_port_and_a_database():
    assert parse_address("redis://db/2") == Address("server", (Endpoint("db", 6379),), db=2)


def test_a_unix_socket_has_a_path():
    assert parse_address("unix:///run/v.sock").endpoints == (Endpoint("/run/v.sock", 0),)


def test_sentinels_are_named_together_with_what_they_call_the_primary():
    address = parse_address(SENTINELS)

    assert (address.kind, address.primary) == ("sentinel", "readyup")
    assert address.endpoints == (Endpoint("a", 26379), Endpoint("b", 26379), Endpoint("c", 1))


def test_a_cluster_may_want_tls_and_a_user():
    address = parse_address("rediss+cluster://ready%40up@a:1,b:2")

    assert (address.kind, address.tls, address.user) == ("cluster", True, "ready@up")
    assert address.endpoints == (Endpoint("a", 1), Endpoint("b", 2))


def test_an_ipv6_address_stands_in_brackets():
    assert parse_address("redis://[::1]:7/0").endpoints == (Endpoint("::1", 7),)


def test_passwords_come_from_the_environment_and_are_never_shown():
    address = parse_address(SENTINELS).with_secrets(
        {"READYUP_STORE_PASSWORD": "s3cret", "READYUP_SENTINEL_PASSWORD": "other"}
    )

    assert (address.password, address.sentinel_password) == ("s3cret", "other")
    assert "s3cret" not in repr(address)
    assert "other" not in repr(address)


def test_tls_may_want_an_authority_and_a_certificate_of_ours(tmp_path: Path):
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    address = parse_address(f"rediss://a?ca={tmp_path}/ca&cert={tmp_path}/cert&key={tmp_path}/key")

    assert (address.ca, address.cert, address.key) == tuple(
        str(tmp_path / name) for name in ("ca", "cert", "key")
    )


def test_sentinels_may_have_a_user_of_their_own():
    address = parse_address("redis+sentinel://readyup@a/main?sentinel_user=watcher")

    assert (address.user, address.sentinel_user) == ("readyup", "watcher")


def test_a_unix_socket_needs_no_password():
    assert not parse_address("unix:///v").with_secrets({"READYUP_STORE_PASSWORD": "x"}).password


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("db:6379", "write redis://host:port/0"),
        ("http://db", "write redis://host:port/0"),
        ("redis+ring://db", r"redis\+cluster:"),
        ("redis://", "write redis://"),
        ("redis://a,b", "names one server"),
        ("redis://a/main", "a number"),
        ("redis://a:99999", "0-65535"),
        ("redis+sentinel://a,b,c", "the name that the Sentinels watch"),
        ("redis+cluster://a,,b", "a host is missing"),
        ("redis+cluster://a/1", "one database"),
        ("redis://a?ca=/x", "rediss"),
        ("rediss://a?ca=/no/such/file", "there is no file"),
        ("rediss://a?cert=/x", "there is no file /x"),
        ("rediss://a?key=/x", "no use without its cert"),
        ("rediss://a?verify=no", "'verify' is nothing"),
        ("redis://a?sentinel_user=b", r"for redis\+sentinel"),
        ("redis://u:a/b@c", "%2F"),
    ],
)
def test_what_is_no_address_is_refused_with_its_cure(url: str, cure: str):
    with pytest.raises(Invalid, match=cure) as refused:
        parse_address(url)

    assert refused.value.field == "$.store.url"


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:s3cret@db:99999",
        "redis://user:s3cret:more@db:99999",
        "redis://user:12/s3cret@db",
        "redis://user:s3cret/12@db",
        "redis+sentinel://:12/s3cret@db:1/main",
        "redis://user:s3cret//x@db:99999",
    ],
)
def test_a_refusal_does_not_repeat_the_password(url: str):
    with pytest.raises(Invalid) as refused:
        parse_address(url)

    assert "s3cret" not in str(refused.value)
