"""How Argo CD judges what Agones knows: its Lua, run as it stands, in the Lua that it speaks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

MAP = Path(__file__).parents[2] / "deploy/gitops/argocd/argocd-cm.yaml"
DATA = yaml.safe_load(MAP.read_text("utf-8"))["data"]
PREFIX = "resource.customizations.health."

WANTED = {"spec": {"replicas": 4}}


def judged(kind: str, **found: object) -> tuple[str, str]:
    """Status and message, with nothing of Lua but what Argo CD opens: base, string, table."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    for library in ("os", "io", "package", "debug", "require", "dofile", "loadfile", "python"):
        lua.globals()[library] = None
    lua.globals().obj = table(lua, {"metadata": {}, **found})
    said = lua.execute(DATA[PREFIX + kind])
    return str(said["status"]), str(said["message"])


def table(lua: LuaRuntime, value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return lua.table_from({name: table(lua, inner) for name, inner in value.items()})


def status(**said: object) -> dict[str, Any]:
    return {"status": said}


@pytest.mark.parametrize(
    ("found", "health"),
    [
        ({}, ("Healthy", "0 of 0 up, 0 in use")),
        (WANTED, ("Progressing", "0 of 4 up, 0 in use")),
        (WANTED | status(replicas=4, readyReplicas=0), ("Progressing", "0 of 4 up, 0 in use")),
        (WANTED | status(replicas=4, readyReplicas=1), ("Healthy", "1 of 4 up, 0 in use")),
        (
            WANTED | status(replicas=4, readyReplicas=0, allocatedReplicas=4),
            ("Healthy", "4 of 4 up, 4 in use"),
        ),
        (
            WANTED | status(readyReplicas=4) | {"metadata": {"deletionTimestamp": "now"}},
            ("Progressing", "goes away; 4 of 4 up, 0 in use"),
        ),
    ],
)
def test_a_fleet_is_healthy_while_anybody_can_play_on_it(
    found: dict[str, Any], health: tuple[str, str]
):
    assert judged("agones.dev_Fleet", **found) == health


@pytest.mark.parametrize(
    ("state", "health"),
    [
        ("PortAllocation", "Progressing"),
        ("Creating", "Progressing"),
        ("Starting", "Progressing"),
        ("Scheduled", "Progressing"),
        ("RequestReady", "Progressing"),
        ("Ready", "Healthy"),
        ("Reserved", "Healthy"),
        ("Allocated", "Healthy"),
        ("Shutdown", "Progressing"),
        ("Error", "Degraded"),
        ("Unhealthy", "Degraded"),
    ],
)
def test_a_game_server_is_judged_by_its_state(state: str, health: str):
    assert judged("agones.dev_GameServer", **status(state=state)) == (health, state)


def test_a_game_server_without_a_state_is_on_its_way():
    assert judged("agones.dev_GameServer")[0] == "Progressing"


def test_a_set_of_game_servers_is_judged_like_its_fleet():
    assert judged("agones.dev_GameServerSet", **WANTED)[0] == "Progressing"
    assert judged("agones.dev_GameServerSet", **WANTED, **status(readyReplicas=2)) == (
        "Healthy",
        "2 of 4 up",
    )


@pytest.mark.parametrize(
    ("found", "health"),
    [
        ({}, "Progressing"),
        (status(currentReplicas=0, desiredReplicas=0), "Progressing"),
        (status(ableToScale=False, lastScaleTime="then"), "Degraded"),
        (status(currentReplicas=4, desiredReplicas=6, ableToScale=True), "Healthy"),
    ],
)
def test_an_autoscaler_is_ill_when_it_cannot_scale(found: dict[str, Any], health: str):
    assert judged("autoscaling.agones.dev_FleetAutoscaler", **found)[0] == health


def test_an_autoscaler_at_its_limits_says_so():
    found = status(currentReplicas=20, desiredReplicas=20, ableToScale=True, scalingLimited=True)

    assert judged("autoscaling.agones.dev_FleetAutoscaler", **found) == (
        "Healthy",
        "20 servers, 20 wanted, held back by its limits",
    )


def test_an_application_is_as_healthy_as_it_says():
    ill = status(health={"status": "Degraded", "message": "so it is"})

    assert judged("argoproj.io_Application", **ill) == ("Degraded", "so it is")
    assert judged("argoproj.io_Application")[0] == "Progressing"


def test_every_kind_of_agones_that_the_chart_makes_is_judged():
    kinds = {name.removeprefix(PREFIX) for name in DATA}

    assert kinds >= {"agones.dev_Fleet", "autoscaling.agones.dev_FleetAutoscaler"}
