"""A node is told to empty itself, and whoever asks again sees how far it is."""

import asyncio

import msgspec
import pytest

from allocator.drain import Progress, Stay, decode_drain
from core.clock import SystemClock
from core.errors import Invalid, NotFound
from core.game_server import ServerView, State
from core.ids import FleetName, MatchId, ServerUid
from core.redis import Store
from fleets.spec import parse_fleets
from readyup.fleetctl import drain as room
from readyup.fleetctl.drain import DrainAsked, NodeLook, drain, told
from readyup.operators.audit import Audit
from readyup.settings import Config, StoreSettings

SPECS = parse_fleets({"arena": {"pod": {"image": "registry/arena:1"}}})
ARENA = FleetName("arena")
NODE = "node-7"


@pytest.fixture
async def config(store: Store, valkey_url: str) -> Config:
    view = ServerView("a", ServerUid("uid-a"), ARENA, State.ALLOCATED, "10.0.0.7", 7000, node=NODE)
    await store.call("HSET", "{f:arena}:backend", "a", msgspec.json.encode(view).decode())
    return Config({}, SPECS, store=StoreSettings(url=valkey_url))


async def first(config: Config, node: str = NODE, **asked) -> NodeLook:
    looks = drain(config, node, DrainAsked(**asked))
    try:
        return await anext(looks)
    finally:
        await looks.aclose()


async def says(store: Store, *stays: Stay, servers: int = 1) -> None:
    body = msgspec.json.encode(Progress(SystemClock().wall_ms(), servers, stays)).decode()
    await store.call("HSET", "{f:arena}:drain-progress", NODE, body)


async def standing(store: Store):
    text = await store.call("HGET", "{f:arena}:drains", NODE)
    return None if text is None else decode_drain(text)


async def test_the_word_is_in_the_store_and_in_the_audit(store, config):
    look = await first(config, by="10m", reason="kernel")

    one = await standing(store)
    assert one.by_ms - one.began_ms == 600_000
    assert look.sentence() == "node-7: waits for the allocator of arena"
    records, _ = await Audit(store, SystemClock()).read()
    (record,) = records
    assert (record.what, record.target, record.outcome) == ("drainNode", NODE, "done")
    assert record.reason == "kernel"


async def test_a_user_without_a_name_stands_in_the_audit_by_number(store, config, monkeypatch):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 65_532)
    await first(config)
    records, _ = await Audit(store, SystemClock()).read()

    assert [one.who for one in records] == ["uid-65532"]


async def test_what_an_earlier_drain_left_behind_empties_no_node(store, config):
    """An allocator in the middle of its pass writes it again after the word was taken back."""
    body = msgspec.json.encode(Progress(SystemClock().wall_ms() - 60_000)).decode()
    await store.call("HSET", "{f:arena}:drain-progress", NODE, body)
    look = await first(config)

    assert (look.state, look.unheard) == ("draining", (ARENA,))


async def test_whoever_asks_again_looks_on_and_changes_nothing(store, config):
    await first(config, by="10m")
    before = await standing(store)
    now_ms = SystemClock().wall_ms()
    await says(store, Stay(MatchId("duel.m"), 1, now_ms - 5_000))
    look = await first(config)

    assert await standing(store) == before
    assert (look.servers, look.matches) == (1, 1)
    assert look.empty_in_s == pytest.approx(600, abs=5)  # nothing is known but the deadline
    assert "1 servers, 1 matches play on, probably empty in" in look.sentence()


async def test_a_new_deadline_takes_the_place_of_the_old_one(store, config):
    await first(config)
    assert (await standing(store)).by_ms is None
    began_ms = (await standing(store)).began_ms
    await first(config, by="0s")

    assert (await standing(store)).by_ms is not None
    assert (await standing(store)).began_ms == began_ms


async def test_looking_ends_when_the_node_is_empty(store, config, monkeypatch):
    monkeypatch.setattr(room, "LOOK_S", 0.01)
    lines = told(config, NODE, DrainAsked(), as_json=False)
    await anext(lines)
    await says(store, servers=0)

    assert [line async for line in lines] == ["node-7: drained"]


async def test_looking_ends_when_somebody_else_takes_the_drain_back(store, config, monkeypatch):
    monkeypatch.setattr(room, "LOOK_S", 0.01)
    looks = drain(config, NODE, DrainAsked())
    states = [(await anext(looks)).state]
    await first(config, cancel=True)
    async with asyncio.timeout(5):
        states += [look.state async for look in looks]

    assert states == ["draining", "cancelled"]


async def test_json_has_the_same_in_figures(store, config):
    await first(config)
    await says(store, servers=2)
    lines = told(config, NODE, DrainAsked(), as_json=True)
    look = msgspec.json.decode(await anext(lines))
    await lines.aclose()

    assert (look["state"], look["servers"], look["matches"]) == ("draining", 2, 0)


async def test_a_drain_is_taken_back(store, config):
    await first(config)
    await says(store)
    look = await first(config, cancel=True)

    assert look.state == "cancelled"
    assert await standing(store) is None
    assert not await store.call("EXISTS", "{f:arena}:drain-progress")
    with pytest.raises(NotFound, match="is not drained"):
        await first(config, cancel=True)


async def test_a_node_may_be_called_by_its_address_and_an_unknown_one_is_refused(store, config):
    await first(config, "10.0.0.7")
    with pytest.raises(NotFound, match=r"there are: 10\.0\.0\.7, node-7"):
        await first(config, "node-8")


async def test_a_deadline_must_be_a_duration(config):
    with pytest.raises(Invalid, match="--by: 'soon' is no duration"):
        await first(config, by="soon")
