"""GameServers as Agones writes them, as views of ours."""

import copy
from typing import Any

import pytest

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.agones.view import pod_fleet, pod_server, server_view
from fleets.ports import Reason

CLAIMED: dict[str, Any] = {
    "apiVersion": "agones.dev/v1",
    "kind": "GameServer",
    "metadata": {
        "annotations": {
            "agones.dev/last-allocated": "2026-11-22T04:10:03.120482Z",
            "agones.dev/ready-container-id": "containerd://9c0f",
            "agones.dev/sdk-readyup-key": "ab" * 32,
            "agones.dev/sdk-readyup-pinned": "core 3, no other game server there",
            "agones.dev/sdk-version": "1.60.0",
            "readyup/rooms": "4",
        },
        "creationTimestamp": "2026-11-22T04:10:00Z",
        "finalizers": ["agones.dev/controller"],
        "generateName": "arena-7xk2p-",
        "generation": 6,
        "labels": {
            "agones.dev/fleet": "arena",
            "agones.dev/gameserverset": "arena-7xk2p",
            "agones.dev/sdk-readyup-pinned": "true",
            "readyup/claim": "refill-1",
            "readyup/version": "1.4.2",
        },
        "name": "arena-7xk2p-m8n4c",
        "namespace": "games",
        "resourceVersion": "4711",
        "uid": "0b2c7d3e-54aa-4f8e-9d63-0d2f3a1c9a55",
    },
    "spec": {"container": "game", "ports": [{"name": "game", "portPolicy": "Passthrough"}]},
    "status": {
        "address": "10.1.2.3",
        "addresses": [{"address": "10.1.2.3", "type": "InternalIP"}],
        "nodeName": "node-1",
        "ports": [{"name": "game", "port": 7021}],
        "state": "Allocated",
    },
}


def changed(*, state: str) -> dict[str, Any]:
    server = copy.deepcopy(CLAIMED)
    server["status"]["state"] = state
    return server


def test_a_claimed_server_is_seen_whole():
    view = server_view(CLAIMED)

    assert view == ServerView(
        name="arena-7xk2p-m8n4c",
        uid=ServerUid("0b2c7d3e-54aa-4f8e-9d63-0d2f3a1c9a55"),
        fleet=FleetName("arena"),
        state=State.ALLOCATED,
        address="10.1.2.3",
        port=7021,
        labels=CLAIMED["metadata"]["labels"],
        annotations={
            "agones.dev/sdk-readyup-key": "ab" * 32,
            "agones.dev/sdk-readyup-pinned": "core 3, no other game server there",
            "agones.dev/sdk-version": "1.60.0",
            "readyup/rooms": "4",
        },
        rooms=4,
        node="node-1",
        version="1.4.2",
        pinned="core 3, no other game server there",
        created_ms=1_795_320_600_000,
        public_key="ab" * 32,
    )


def test_a_server_without_anything_is_seen_as_one_that_nobody_can_use():
    view = server_view({"metadata": {"name": "x", "uid": "u"}})

    assert (view.state, view.fleet, view.address, view.port) == (State.PORT_ALLOCATION, "", "", 0)
    assert (view.rooms, view.created_ms) == (1, 0)


@pytest.mark.parametrize("rooms", ["0", "-1", "many", "99999", ""])
def test_odd_numbers_of_rooms_count_as_one(rooms: str):
    server = copy.deepcopy(CLAIMED)
    server["metadata"]["annotations"]["readyup/rooms"] = rooms

    assert server_view(server).rooms == 1


def test_a_state_of_a_later_agones_is_none_to_hand_out():
    assert server_view(changed(state="Dreaming")).state is State.SCHEDULED


@pytest.mark.parametrize(
    ("state", "shown"),
    [("Ready", State.SHUTDOWN), ("Allocated", State.SHUTDOWN), ("Unhealthy", State.UNHEALTHY)],
)
def test_a_server_that_is_being_deleted_is_on_its_way_out(state: str, shown: State):
    server = changed(state=state)
    server["metadata"]["deletionTimestamp"] = "2026-11-22T04:20:00Z"

    assert server_view(server).state is shown


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("Ready", Reason.SCALE),
        ("Creating", Reason.SCALE),
        ("Shutdown", Reason.SHUTDOWN),
        ("Unhealthy", Reason.UNHEALTHY),
        ("Error", Reason.UNHEALTHY),
        ("Allocated", Reason.EXITED),
    ],
)
def test_what_a_deletion_means_follows_from_the_state_before_it(state: str, reason: Reason):
    assert pod_server(changed(state=state)).gone_as is reason


def test_a_server_that_nobody_claimed_is_shut_down_for_the_size():
    server = changed(state="Shutdown")
    del server["metadata"]["labels"]["readyup/claim"]

    assert pod_server(server).gone_as is Reason.SCALE


def test_a_fleet_is_its_size():
    fleet = {"metadata": {"name": "arena", "uid": "f"}, "spec": {"replicas": 7}}

    assert (pod_fleet(fleet).replicas, pod_fleet({"metadata": {}}).replicas) == (7, 0)
