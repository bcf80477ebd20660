"""How much is too much: the meters as arithmetic."""

import contextlib
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, strategies as st

from core.errors import Limited
from matchmaker.api.keys import Principal
from matchmaker.api.limits import CALLERS_MAX, Gate, Meter, Rate
from matchmaker.api.settings import Limits
from tests.matchmaker.api.issuer import Hands

ANN, BO, SHOP = Principal("player", "ann"), Principal("player", "bo"), Principal("backend", "shop")


@given(
    per_s=st.floats(0.1, 100),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 3), max_size=200),
)
def test_in_any_time_no_more_pass_than_the_rate_and_the_burst(
    per_s: float, burst: int, pauses: list[float]
):
    meter, now_s, passed = Meter(Rate(per_s, burst)), 0.0, []
    for pause_s in pauses:
        now_s += pause_s
        if not meter.wait_s("ann", now_s):
            passed.append(now_s)

    for n, first_s in enumerate(passed):
        for m, last_s in enumerate(passed[n:], 1):
            assert m <= burst + per_s * (last_s - first_s) + 1e-6


@given(per_s=st.floats(0.1, 100), burst=st.integers(1, 20), asked=st.integers(1, 60))
def test_who_waits_as_long_as_they_were_told_passes(per_s: float, burst: int, asked: int):
    meter, now_s, passed = Meter(Rate(per_s, burst)), 1000.0, 0
    for _ in range(asked):
        if wait_s := meter.wait_s("ann", now_s):
            now_s += wait_s
            assert not meter.wait_s("ann", now_s)
        passed += 1

    assert passed == asked


def test_one_who_asks_too_often_is_nobody_elses_trouble():
    meter = Meter(Rate(1, 2))

    assert [meter.wait_s("ann", 0.0) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert meter.wait_s("bo", 0.0) == 0.0


def test_callers_who_rest_are_forgotten_and_a_crowd_has_an_end():
    meter = Meter(Rate(1, 1))
    for n in range(5_000):
        meter.wait_s(f"early-{n}", n / 10)
    rested = len(meter)
    meter = Meter(Rate(0.001, 1))
    for n in range(2 * CALLERS_MAX + 2_000):
        meter.wait_s(f"crowd-{n}", 0.0)

    assert rested <= 1024
    assert len(meter) <= 2 * CALLERS_MAX


def asked(remote: str, *forwarded: str) -> web.Request:
    headers = [("X-Forwarded-For", said) for said in forwarded]
    transport = SimpleNamespace(get_extra_info=lambda name, _=None: (remote, 1))
    return make_mocked_request(
        "GET", "/", headers=cast("Any", headers), transport=cast("Any", transport)
    )


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "address"),
    [
        (0, "203.0.113.7", (), "203.0.113.7"),
        (0, "203.0.113.7", ("127.0.0.1",), "203.0.113.7"),
        (0, "127.0.0.1", (), ""),
        (0, "::1", (), ""),
        (0, "2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::"),
        (0, "::ffff:203.0.113.7", (), "203.0.113.7"),
        (1, "10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        (1, "10.0.0.1", ("127.0.0.1, 203.0.113.7",), "203.0.113.7"),
        (1, "10.0.0.1", ("127.0.0.1", "203.0.113.7"), "203.0.113.7"),
        (2, "10.0.0.1", ("1.2.3.4, 203.0.113.7, 10.0.0.2",), "203.0.113.7"),
        (1, "10.0.0.1", (), "10.0.0.1"),
        (1, "10.0.0.1", ("nonsense",), "nonsense"),
    ],
)
def test_an_address_is_what_our_own_proxies_saw(
    proxies: int, remote: str, forwarded: tuple[str, ...], address: str
):
    gate = Gate(Limits(), Hands(), proxies=proxies)

    assert gate.address_of(asked(remote, *forwarded)) == address


def passes(gate: Gate, who: Principal, address: str) -> bool:
    try:
        gate.create(who, address)
    except Limited:
        return False
    return True


def test_players_of_one_address_share_its_limit_and_loopback_has_none():
    clock = Hands()
    gate = Gate(Limits(), clock)
    crowd = [Principal("player", f"p{n}") for n in range(40)]

    assert sum(passes(gate, one, "203.0.113.7") for one in crowd) == 20
    assert all(passes(gate, one, "") for one in crowd[20:])
    with pytest.raises(Limited, match="20 tickets a second from one address") as caught:
        gate.create(crowd[0], "203.0.113.7")
    clock.s += caught.value.retry_after_s
    assert passes(gate, crowd[0], "203.0.113.7")


def test_back_ends_are_not_metered():
    gate = Gate(Limits(), Hands())
    for _ in range(100):
        gate.create(SHOP, "203.0.113.7")
        gate.poll(SHOP)
        gate.cancel(SHOP)


def test_sockets_are_counted_while_they_are_open():
    gate = Gate(Limits(), Hands())
    with contextlib.ExitStack() as first:
        for _ in range(3):
            first.enter_context(gate.connection(ANN, "203.0.113.7"))
        with pytest.raises(Limited, match="3 sockets"), gate.connection(ANN, "203.0.113.7"):
            pass
        with gate.connection(BO, "203.0.113.7"):
            pass
    with contextlib.ExitStack() as crowd:
        for n in range(50):
            crowd.enter_context(gate.connection(Principal("player", f"p{n}"), "203.0.113.7"))
        with pytest.raises(Limited, match="from one address"), gate.connection(ANN, "203.0.113.7"):
            pass
        with gate.connection(ANN, ""):
            pass

    assert not gate._open
