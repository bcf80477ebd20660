"""Every way in which a server says no, and what is told of it."""

import pytest
from redis.exceptions import (
    AuthenticationError,
    ConnectionError as RedisConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
)

from core.address import Endpoint, parse_address
from core.errors import Exhausted, StoreUnreachable
from core.reasons import Peer, as_ours, doubt, why

AT = Endpoint("db", 6379)
SENTINEL = Peer.sentinel(parse_address("rediss+sentinel://s/main?sentinel_user=watcher"), AT)
SERVER = Peer.server(parse_address("rediss://db"), AT)


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        (AuthenticationError("Authentication required."), "set READYUP_STORE_PASSWORD"),
        (
            AuthenticationError("AUTH <password> called without any password configured for"),
            "unset READYUP_STORE_PASSWORD",
        ),
        (RedisConnectionError("certificate has expired (_ssl.c:1006)"), "renew it"),
        (RedisConnectionError("[SSL: WRONG_VERSION_NUMBER]"), "write redis for rediss"),
        (RedisTimeoutError("Timeout connecting to server"), "db:6379 did not answer: Timeout"),
        (NoPermissionError("no permissions to run the 'get' command"), "the default user"),
        (ResponseError("ACL failure in script: User x"), "what to grant"),
        (OSError(), "db:6379 did not answer: OSError"),
    ],
)
def test_a_refusal_names_the_place_and_the_cure(wrong: Exception, cure: str):
    told = as_ours(wrong, SERVER)

    assert isinstance(told, StoreUnreachable)
    assert str(told).startswith("db:6379 ")
    assert cure in str(told)


@pytest.mark.parametrize(
    ("url", "said", "cure"),
    [
        ("rediss://db", "Timeout connecting to server", "write redis for rediss"),
        ("rediss://db", "Connection reset by peer", "a certificate of ours"),
        ("redis://db", "Connection closed by server.", "write rediss for redis"),
        ("redis://db", "Connect call failed", ""),
    ],
)
def test_at_the_first_word_it_may_have_been_the_wrong_one(url: str, said: str, cure: str):
    told = doubt(said, parse_address(url))

    assert cure in told
    assert bool(told) is bool(cure)


def test_a_sentinel_has_a_password_of_its_own():
    said = why(AuthenticationError("invalid username-password pair or user is disabled."), SENTINEL)

    assert "user 'watcher' with the password of READYUP_SENTINEL_PASSWORD" in said


def test_load_is_no_fault_and_a_wrong_command_is_its_callers():
    mistake = ResponseError("WRONGTYPE")

    assert isinstance(as_ours(OutOfMemoryError(), SERVER), Exhausted)
    assert as_ours(mistake, SERVER) is mistake
