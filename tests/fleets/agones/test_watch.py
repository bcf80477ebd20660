"""The informer: whatever the API server does, in the end the cache is the truth."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fleets.agones import kube as kube_room
from fleets.agones.watch import Informer, Kind
from tests.fleets.agones.api_server import SERVERS, WATCH_FAULTS, FakeApi, game_server, kube_of

NAMES = "abcd"


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterator[None]:
    """Dead connections are noticed at once, for a test's sake."""
    before, kube_room.GRACE_S = kube_room.GRACE_S, 0.05
    yield
    kube_room.GRACE_S = before


def read(one: dict[str, Any]) -> tuple[str, str, str]:
    return one["metadata"]["name"], one["metadata"]["uid"], one["status"]["state"]


class Follower:
    """A listener that keeps what it was told, and complains when that makes no sense."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str, str, str]] = {}
        self.gone: list[str] = []

    def __call__(self, value: tuple[str, str, str], gone: bool) -> None:
        uid = value[1]
        if gone:
            del self.known[uid]
            self.gone.append(uid)
        else:
            assert self.known.get(uid) != value, "told twice"
            self.known[uid] = value


@asynccontextmanager
async def informed(
    api: FakeApi, *, watch_s: float = 0.2, first_s: float = 0.05
) -> AsyncIterator[tuple[Informer[tuple[str, str, str]], Follower]]:
    async with kube_of(api, watch_s=watch_s) as kube, asyncio.TaskGroup() as group:
        informer = Informer(
            kube, Kind("gameservers", SERVERS, read), chance=random.Random(1), metrics=kube._metrics
        )
        informer._backoff.first_s = first_s
        follower = Follower()
        informer.listen(follower)
        running = group.create_task(informer.run())
        await informer.synced.wait()
        yield informer, follower
        running.cancel()


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not seen():
            await asyncio.sleep(0.005)


def truth(api: FakeApi) -> set[tuple[str, str, str]]:
    return {read(one) for one in api.objects.get(SERVERS, {}).values()}


STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(NAMES), st.sampled_from(["Ready", "Allocated"])),
    st.tuples(st.just("reborn"), st.sampled_from(NAMES), st.sampled_from(["1", "2"])),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("compact"), st.just(""), st.just("")),
    st.tuples(st.just("rest"), st.just(""), st.just("")),
)


def do(api: FakeApi, what: str, name: str, detail: str) -> None:
    match what:
        case "put":
            api.put(SERVERS, game_server(name, state=detail))
        case "reborn":
            one = game_server(name)
            one["metadata"]["uid"] = f"uid-{name}-{detail}"
            api.put(SERVERS, one)
        case "delete":
            api.delete(SERVERS, name)
        case "compact":
            api.compact()


FAULTS = st.lists(st.sampled_from(WATCH_FAULTS), max_size=6)
REFUSALS = st.lists(st.sampled_from([0, 429, 500, 410]), max_size=3)


async def the_cache_becomes_the_truth(
    steps: list[tuple[str, str, str]], faults: list[str], refusals: list[int]
) -> None:
    api = FakeApi(watch_faults=deque(faults), request_faults=deque(refusals))
    api.put(SERVERS, game_server("a"))
    async with informed(api, watch_s=0.05, first_s=0.002) as (informer, follower):
        for what, name, detail in steps:
            do(api, what, name, detail)
            if what == "rest":
                await asyncio.sleep(0.01)
        await until(lambda: set(informer.values()) == truth(api) and not api.watch_faults)

        assert set(follower.known.values()) == truth(api)
        assert all(informer.get(uid) == value for uid, value in follower.known.items())


@settings(max_examples=5, deadline=None, derandomize=True)
@given(steps=st.lists(STEP, max_size=12), faults=FAULTS, refusals=REFUSALS)
async def test_in_the_end_the_cache_is_the_truth(
    steps: list[tuple[str, str, str]], faults: list[str], refusals: list[int]
):
    await the_cache_becomes_the_truth(steps, faults, refusals)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, max_size=20), faults=FAULTS, refusals=REFUSALS)
async def test_in_the_end_the_cache_is_the_truth_many_times(
    steps: list[tuple[str, str, str]], faults: list[str], refusals: list[int]
):
    await the_cache_becomes_the_truth(steps, faults, refusals)


async def test_what_was_deleted_while_nobody_looked_is_told_as_gone():
    api = FakeApi()
    for name in "ab":
        api.put(SERVERS, game_server(name))
    async with informed(api) as (informer, follower):
        api.watch_faults.append("gone")
        api.watch_faults.append("eof")
        api.objects[SERVERS].pop("a")  # without an event, as if its history were compacted
        api.version += 1
        api.compact()
        await until(lambda: follower.gone == ["uid-a"])

        assert [value[0] for value in informer.values()] == ["b"]
        relists = informer._metrics.relists
        assert relists.labels("gameservers", "start")._value.get() == 1
        assert relists.labels("gameservers", "gone")._value.get() >= 1


async def test_a_long_list_comes_in_pages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fleets.agones.watch.PAGE", 2)
    api = FakeApi()
    for name in "abcde":
        api.put(SERVERS, game_server(name))
    async with informed(api) as (informer, _):
        assert {value[0] for value in informer.values()} == set("abcde")
        assert api.asked["GET gameservers"] == 3


async def test_a_watch_that_fell_silent_is_cut_and_goes_on_where_it_was():
    api = FakeApi(watch_faults=deque(["mute"]))
    async with informed(api, watch_s=0.05) as (informer, _):
        api.put(SERVERS, game_server("a"))
        await until(lambda: bool(informer.values()))

        assert api.asked["GET gameservers"] == 1
        assert informer._metrics.watch_ends.labels("gameservers", "broken")._value.get() >= 1


async def test_a_server_that_closes_at_once_is_not_asked_a_thousand_times():
    api = FakeApi(watch_faults=deque(["eof"] * 10_000))
    async with informed(api):
        await asyncio.sleep(0.5)

        assert api.asked["WATCH gameservers"] < 12


async def test_a_version_doubted_three_times_leads_to_a_new_list():
    api = FakeApi(watch_faults=deque(["busy"] * 3))
    async with informed(api) as (informer, _):
        relists = informer._metrics.relists.labels("gameservers", "trouble")._value
        await until(lambda: relists.get() == 1)

        api.put(SERVERS, game_server("a"))
        await until(lambda: bool(informer.values()))


async def test_events_that_tell_nothing_new_reach_nobody():
    api = FakeApi(watch_faults=deque(["twice"] * 50))
    async with informed(api) as (informer, follower):
        for state in ("Ready", "Allocated", "Shutdown"):
            api.put(SERVERS, game_server("a", state=state))
        api.delete(SERVERS, "a")
        await until(lambda: follower.gone == ["uid-a"])
        stale = informer._metrics.watch_events.labels("gameservers", "stale")._value

        await until(lambda: stale.get() >= 1)
        assert follower.known == {}


async def test_a_listener_that_ended_hears_no_more():
    api = FakeApi()
    async with informed(api) as (informer, follower):
        late = Follower()
        end = informer.listen(late)
        end()
        api.put(SERVERS, game_server("a"))
        await until(lambda: bool(follower.known))

        assert not late.known
