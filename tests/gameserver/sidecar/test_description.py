"""A developer's file, read."""

import json
from pathlib import Path

import pytest

from core.errors import Invalid
from core.game_server import State
from gameserver.sidecar import description
from gameserver.sidecar.counts import Counter, Names
from gameserver.sidecar.description import described, taken_over
from gameserver.sidecar.state import new_server

FILE = Path("gs.json")


def read(**said: object) -> description.Description:
    return described(json.dumps(said).encode(), FILE)


def test_a_resource_as_agones_writes_it():
    said = read(
        apiVersion="agones.dev/v1",
        kind="GameServer",
        metadata={
            "name": "mine",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"a": "b"},
        },
        spec={"health": {"periodSeconds": 7}, "container": "game"},
        status={
            "state": "Allocated",
            "address": "10.0.0.1",
            "ports": [{"name": "game", "port": 7001}, {"name": "query", "port": 7002}],
            "counters": {"rooms": {"count": "2", "capacity": "5"}},
            "lists": {"players": {"capacity": 3, "values": ["p"]}},
        },
    )
    view = said.view(created_ms=0, state=State.READY)

    assert (view.name, view.state, view.address, view.port) == (
        "mine",
        State.ALLOCATED,
        "10.0.0.1",
        7001,
    )
    assert (view.labels, view.created_ms) == ({"a": "b"}, 1_767_225_600_000)
    assert said.health().period_s == 7.0
    assert said.detail().counters == {"rooms": Counter(2, 5)}
    assert said.detail().lists == {"players": Names(("p",), 3)}
    assert said.detail().ports == (("game", 7001), ("query", 7002))


def test_counters_of_the_spec_count_where_the_status_has_none():
    spec = {"counters": {"rooms": {"count": 1}}, "lists": {"players": {"capacity": 2}}}

    assert read(spec=spec).detail().counters == {"rooms": Counter(1, 1000)}
    assert read(spec=spec, status={"counters": {}}).detail().counters == {}
    assert read(spec=spec).detail().lists == {"players": Names((), 2)}


def test_health_may_be_off():
    assert read(spec={"health": {"disabled": True}}).health().period_s == 0.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"{", "gs.json is not JSON"),
        (b'{"status": {"state": "Redy"}}', r"gs\.json: Invalid enum value 'Redy', at \$\.status"),
        (b'{"metadata": {"labels": {"a": "no label!"}}}', r"is no label.*\$\.metadata\.labels\.a"),
        (b'{"status": {"counters": {"c": {"count": 2, "capacity": 1}}}}', "counter c holds 2 of 1"),
        (b'{"status": {"counters": {"c": {"capacity": 1e30}}}}', r"at \$\.status\.counters"),
        (b'{"status": {"ports": [{"port": 70000}]}}', r"at \$\.status\.ports\[0\]\.port"),
        (b'{"metadata": {"annotations": {"a": "\\ud800"}}}', "is not JSON"),
        (b'{"spec": {"lists": {"l": {"capacity": 1001}}}}', "at most 1000"),
        (b'{"spec": {"lists": {"l": {"values": ["a", "a"]}}}}', "each may stand in it once"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_cure(text, told):
    with pytest.raises(Invalid, match=told):
        described(text, FILE)


def test_yaml_is_read_where_pyyaml_is_and_named_where_it_is_not():
    text = b"metadata:\n  name: mine\n"
    try:
        import yaml  # noqa: F401
    except ImportError:
        with pytest.raises(Invalid, match="PyYAML is not installed here"):
            described(text, Path("gs.yaml"))
    else:
        assert described(text, Path("gs.yaml")).metadata.name == "mine"
    assert described(b'{"metadata": {"name": "mine"}}', Path("gs.yaml")).metadata.name == "mine"


def test_a_changed_file_wins_where_it_speaks_and_leaves_the_rest():
    said = description.default()
    view = said.view(created_ms=5, state=State.READY)
    running = new_server(view, said.health(), now_s=0.0, detail=said.detail())

    after = taken_over(running, read(metadata={"labels": {"a": "c"}}))
    counted = taken_over(running, read(status={"state": "Reserved", "counters": {"n": {}}}))

    assert (after.view.labels, after.view.state) == ({"a": "c"}, State.READY)
    assert after.view.created_ms == 5
    assert after.detail == running.detail
    assert counted.view.state is State.RESERVED
    assert counted.detail.counters == {"n": Counter(0, 1000)}
    assert counted.detail.lists == running.detail.lists
    assert counted.resource_version > running.resource_version
