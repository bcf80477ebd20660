"""What Redis shows of fleets, as values and as tables."""

import io

import msgspec
import pytest
from rich.console import Console

from core.clock import SystemClock
from core.errors import Conflict
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from core.redis import Store
from fleets.spec import parse_fleets
from readyup.fleetctl.cluster import around, scaled
from readyup.fleetctl.look import look
from readyup.fleetctl.tables import fleets_table, status_table
from readyup.settings import Config, StoreSettings
from tests.fleets.agones.api_server import FLEETS, FakeApi, kube_of

SPECS = parse_fleets({"arena": {"pod": {"image": "registry/arena:1"}}})


def view(name: str, state: State, **fields) -> ServerView:
    return ServerView(name, ServerUid(name), FleetName("arena"), state, "10.0.0.1", 7000, **fields)


async def shown(store: Store, valkey_url: str, *, age_ms: int = 0):
    pinned = {"agones.dev/sdk-readyup-pinned": "true"}
    for one in (
        view("a", State.READY, labels=pinned, pinned="core 3 of 8, its own"),
        view("b", State.ALLOCATED, labels={"agones.dev/sdk-readyup-pinned": "false"}),
        view("c", State.SCHEDULED),
        view("d", State.UNHEALTHY),
    ):
        await store.call("HSET", "{f:arena}:backend", one.name, msgspec.json.encode(one).decode())
    why = '{"in_use": 1, "sentence": "4 wanted (1 in use + 3 buffer)"}'
    written = SystemClock().wall_ms() - age_ms
    await store.call("HSET", "{f:arena}:plan", "replicas", 4, "t", written, "why", why)
    config = Config({}, SPECS, store=StoreSettings(url=valkey_url))
    (one,) = await look(config, SPECS)
    return one


def text(table) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return out.getvalue()


async def test_servers_are_counted_by_state_and_by_proof(store, valkey_url):
    one = await shown(store, valkey_url)

    assert (one.wanted, one.ready, one.allocated, one.starting, one.gone) == (4, 1, 1, 1, 1)
    assert one.pinned == 1
    assert one.why == "4 wanted (1 in use + 3 buffer)"
    assert one.runs_as == "pods"


async def test_the_tables_tell_the_plan_and_each_servers_cores(store, valkey_url):
    one = await shown(store, valkey_url, age_ms=90_000)

    assert "arena" in text(fleets_table([one]))
    told = text(status_table(one))
    assert "core 3 of 8, its own" in told
    assert "90 s old: is the role fleets running?" in told


async def test_a_size_that_the_role_keeps_is_not_fought_over(store, valkey_url):
    planned = await shown(store, valkey_url)
    api = FakeApi()
    api.put(FLEETS, {"metadata": {"name": "arena", "uid": "u"}, "spec": {"replicas": 4}})

    async with kube_of(api) as kube:
        with pytest.raises(Conflict, match="set size_min, size_max or replicas"):
            await scaled(kube, "arena", 9, plan=planned, force=False)
        before = await scaled(kube, "arena", 9, plan=planned, force=True)

    assert before == 4
    assert api.objects[FLEETS]["arena"]["spec"]["replicas"] == 9


async def test_a_live_fleet_is_read_with_what_stands_around_it():
    api = FakeApi()
    api.put(FLEETS, {"metadata": {"name": "arena", "uid": "u"}, "spec": {}})
    pods = "/api/v1/namespaces/default/pods"
    api.put(pods, {"metadata": {"name": "arena-1", "uid": "p"}, "status": {"qosClass": "B"}})

    async with kube_of(api) as kube:
        documents = await around(kube, "arena")

    assert [one["kind"] for one in documents[:2]] == ["Fleet", "Pod"]
