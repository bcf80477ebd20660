"""Fleet specs: what is read, and how a wrong value is refused."""

import sys
import tomllib

import pytest

from core.errors import Invalid
from fleets.health import Health
from fleets.spec import PortRange, parse_fleets

ARENA = {"command": ["{python}", "-m", "game"], "ports": "7000-7099"}


def test_a_fleet_is_read_from_toml():
    table = tomllib.loads("""
        [fleets.arena]
        command = ["{python}", "-m", "game"]
        ports = "7000-7099"
        replicas = 12
        reserve = 8
        cpus = 2
        version = "1.4.2"
        env = { TICK_HZ = "60" }
        health = { period_s = 1, failure_threshold = 5 }
    """)

    (arena,) = parse_fleets(table["fleets"])

    assert arena.name == "arena"
    assert arena.command == ("{python}", "-m", "game")
    assert arena.ports == PortRange(7000, 7099)
    assert arena.ceiling() == 100
    assert (arena.replicas, arena.reserve, arena.cpus, arena.rooms) == (12, 8, 2, 1)
    assert arena.health == Health(period_s=1.0, failure_threshold=5)
    assert arena.env == {"TICK_HZ": "60"}


@pytest.mark.parametrize(
    ("change", "place", "cure"),
    [
        ({"ports": "7099-7000"}, "$.fleets.arena.ports", "write the lower port first"),
        ({"ports": 7000}, "$.fleets.arena.ports", 'ports = "7000-7099"'),
        ({"ports": "0-99"}, "$.fleets.arena.ports", "outside 1-65535"),
        ({"repliacs": 3}, "$.fleets.arena.repliacs", "did you mean 'replicas'?"),
        ({"zzz": 3}, "$.fleets.arena.zzz", "known are"),
        ({"cpus": 0}, "$.fleets.arena.cpus", "expected int >= 1"),
        ({"cpus": 0.5}, "$.fleets.arena.cpus", "expected int, got float"),
        ({"health": {"period": 1}}, "$.fleets.arena.health.period", "did you mean 'period_s'?"),
        ({"health": {"period_s": -1}}, "$.fleets.arena.health.period_s", "expected float > 0"),
        ({"command": []}, "$.fleets.arena.command", "is empty"),
        ({"command": "game"}, "$.fleets.arena.command", "expected array, got str"),
        ({"replicas": 101}, "$.fleets.arena.replicas", "widen ports or lower replicas"),
        ({"replicas": 2, "reserve": 3}, "$.fleets.arena.reserve", "lower reserve"),
        ({"replicas": 2, "buffer": 1}, "$.fleets.arena.buffer", "leave one of them out"),
        ({"size_min": 9, "size_max": 3}, "$.fleets.arena.size_min", "lower it"),
        ({"env": {"READYUP_PORT": "1"}}, "$.fleets.arena.env.READYUP_PORT", "cannot be set here"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_with_its_place_and_its_cure(change, place: str, cure: str):
    with pytest.raises(Invalid) as refused:
        parse_fleets({"arena": {**ARENA, **change}})

    assert refused.value.field == place
    assert str(refused.value).startswith(f"{place}: ")
    assert cure in str(refused.value)


def test_servers_that_speak_only_an_agones_sdk_have_one_room():
    assert parse_fleets({"arena": {**ARENA, "ack": "label"}})[0].ack == "label"
    with pytest.raises(Invalid, match=r"\$\.fleets\.arena\.rooms: 2 matches at a time need"):
        parse_fleets({"arena": {**ARENA, "ack": "none", "rooms": 2}})


def test_what_is_missing_is_named_with_an_example():
    with pytest.raises(Invalid, match=r"\$\.fleets\.arena\.ports: is missing; write for example"):
        parse_fleets({"arena": {"command": [sys.executable]}})


def test_a_name_that_cannot_be_a_key_is_refused():
    with pytest.raises(Invalid, match="lower case"):
        parse_fleets({"Arena 1": ARENA})


def test_two_fleets_may_not_share_ports():
    with pytest.raises(Invalid, match="meets 7000-7099 of fleet 'arena'"):
        parse_fleets({"arena": ARENA, "duel": {**ARENA, "ports": "7050-7150"}})


POD = {"image": "registry/arena:1"}


def test_a_fleet_of_pods_needs_an_image_and_little_else():
    table = tomllib.loads("""
        [fleets.arena]
        cpus = 2
        [fleets.arena.pod]
        image = "registry/arena:1"
        hugepages = { 2Mi = "64Mi" }
    """)

    (arena,) = parse_fleets(table["fleets"])

    assert arena.pod is not None
    assert arena.pod.hugepages == {"2Mi": "64Mi"}
    assert arena.command == ()
    assert (arena.ports, arena.grace_s) == (PortRange(7000, 8000), 1800.0)
    assert arena.ceiling() == 10_000  # each node has the ports anew


def test_fleets_of_pods_share_the_range_that_agones_hands_out():
    first, second = parse_fleets({"arena": {"pod": POD}, "duel": {"pod": POD}})

    assert first.ports == second.ports


@pytest.mark.parametrize(
    ("pod", "place", "cure"),
    [
        ({"image": ""}, "image", "is no image"),
        ({"imgae": "a"}, "imgae", "did you mean 'image'?"),
        ({"memory": "lots"}, "memory", 'write for example "256Mi"'),
        ({"sidecar_cpu": "0.5"}, "sidecar_cpu", 'write for example "30m"'),
        ({"surge": "0%"}, "surge", 'from "1%" to "99%"'),
        ({"tolerations": ["a=b:Never"]}, "tolerations[0]", "gameserver=true:NoSchedule"),
        ({"hugepages": {"4Mi": "64Mi"}}, "hugepages.4Mi", "the size of a page"),
        ({"runtime_handler": "rt"}, "runtime_handler", "needs runtime_class"),
        ({"node_labels": {"a b": "c"}}, "node_labels.a b", "is no label"),
        ({"labels": {"a": "-"}}, "labels.a", "is no label"),
        ({"eviction": "Sometimes"}, "eviction", "invalid enum value"),
    ],
    ids=str,
)
def test_a_pod_that_kubernetes_would_refuse_is_refused_here(pod, place: str, cure: str):
    with pytest.raises(Invalid) as refused:
        parse_fleets({"arena": {"pod": POD | pod}})

    assert refused.value.field == f"$.fleets.arena.pod.{place}"
    assert cure in str(refused.value)


@pytest.mark.parametrize(
    ("fleet", "place", "cure"),
    [
        ({"ports": "18000-19000"}, "ports", "stay below the ephemeral ones"),
        ({"command": ["{python}", "-m", "game"]}, "command", "is not in the image"),
        ({"version": "1.4 beta"}, "version", "becomes a label"),
        ({"health": {"period_s": 0.5}}, "health.period_s", "whole seconds"),
        ({"pod": "arena"}, "pod", "at least image"),
        ({"pod": {}}, "pod", "missing required field image"),
    ],
    ids=str,
)
def test_a_fleet_that_pods_cannot_be_is_refused(fleet, place: str, cure: str):
    with pytest.raises(Invalid) as refused:
        parse_fleets({"arena": {"pod": POD} | fleet})

    assert refused.value.field == f"$.fleets.arena.{place}"
    assert cure in str(refused.value)


def test_a_fleet_is_sized_by_forecast_where_there_is_a_table_for_it():
    table = tomllib.loads("""
        [arena]
        command = ["game"]
        ports = "7000-7099"
        capacity = { cold_cost = 100 }
        [[arena.events]]
        at = 2026-12-24T20:00:00Z
        servers = 60
        every = "week"
    """)

    (arena,) = parse_fleets(table)

    assert arena.capacity is not None
    assert (arena.capacity.mode, arena.capacity.cold_cost) == ("act", 100)
    assert [one.servers for one in arena.events] == [60]


@pytest.mark.parametrize(
    ("change", "place", "cure"),
    [
        ({"capacity": {"cold_price": 1}}, "capacity.cold_price", "did you mean 'cold_cost'?"),
        ({"capacity": {"cold_cost": 0}}, "capacity.cold_cost", ">= 0.001"),
        ({"capacity": {}, "replicas": 3}, "replicas", "leave out capacity and events"),
        ({"events": [{"at": "2026-12-24T20:00:00Z", "servers": 1}]}, "events", 'mode = "act"'),
        (
            {"capacity": {}, "events": [{"at": "2026-12-24T20:00:00", "servers": 1}]},
            "events[0].at",
            "timezone",
        ),
    ],
)
def test_a_wrong_forecast_is_refused(change: dict[str, object], place: str, cure: str):
    with pytest.raises(Invalid) as refused:
        parse_fleets({"arena": {**ARENA, **change}})

    assert str(refused.value).startswith(f"$.fleets.arena.{place}: ")
    assert cure in str(refused.value)
