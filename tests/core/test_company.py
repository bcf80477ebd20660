"""A primary is alone once it has had no replica for long enough, and not any longer."""

import pytest
from redis.exceptions import ResponseError

from core.address import Endpoint, parse_address
from core.company import Company, followers
from core.errors import StoreUnreachable
from core.line import Call
from core.redis import Store

A, B = Endpoint("a", 1), Endpoint("b", 1)


class FakeLine:
    """Answers at once with what it is told to."""

    alone = False

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def put(self, call: Call) -> None:
        if isinstance(self._answer, Exception):
            call.answer.set_exception(self._answer)
        else:
            call.answer.set_result(self._answer)


def test_a_primary_without_a_replica_is_alone_after_a_while():
    company = Company(10.0)
    company.note({A: 0, B: 1}, now_s=0.0)
    company.note({A: 0, B: 1}, now_s=9.9)
    early = company.alone
    company.note({A: 0, B: 1}, now_s=10.0)

    assert early == frozenset()
    assert company.alone == {A}


def test_without_a_time_after_which_it_is_none_is_ever_alone():
    company = Company(0.0)
    company.note({A: 0}, now_s=0.0)
    company.note({A: 0}, now_s=1_000.0)

    assert company.alone == frozenset()


def test_with_a_replica_it_is_alone_no_more_and_waits_anew():
    company = Company(10.0)
    company.note({A: 0}, now_s=0.0)
    company.note({A: 0}, now_s=10.0)
    company.note({A: 1}, now_s=11.0)
    back = company.alone
    company.note({A: 0}, now_s=12.0)
    company.note({A: 0}, now_s=21.0)

    assert back == company.alone == frozenset()


@pytest.mark.parametrize("seen", [{}, {B: 1}])
def test_who_does_not_say_how_many_follow_is_not_alone(seen: dict[Endpoint, int]):
    company = Company(10.0)
    company.note({A: 0}, now_s=0.0)
    company.note(seen, now_s=5.0)
    company.note({A: 0}, now_s=12.0)

    assert company.alone == frozenset()


def test_a_replica_that_still_catches_up_does_not_count():
    slave = {"ip": "b", "port": 1, "offset": 7, "lag": 0}
    info = {"role": "master", "slave0": {**slave, "state": "online"}}

    assert followers(info) == 1
    assert followers({**info, "slave1": {**slave, "state": "wait_bgsave"}}) == 1


async def test_lines_are_told_and_a_server_that_fails_is_passed_over():
    company = Company(1e-9)
    lines = {A: FakeLine({"role": "master"}), B: FakeLine(ResponseError("LOADING"))}
    await company.look(lines)  # type: ignore[arg-type]
    await company.look(lines)  # type: ignore[arg-type]

    assert lines[A].alone
    assert not lines[B].alone


async def test_what_must_last_lasts_on_a_primary_that_is_alone(valkey_url: str):
    store = await Store.connect(parse_address(valkey_url), durability="replica")
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("core.line.BARRIER_MS", 20)
            with pytest.raises(StoreUnreachable, match="no replica"):
                await store.durably.call("SET", "k", 1)
        store._line(store._owners.of_key("k")).alone = True

        assert await store.durably.call("SET", "k", 2)
    finally:
        await store.aclose()
