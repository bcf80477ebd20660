"""The admission of pods: every sidecar gets ports of its own, or the pod is refused."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from core.errors import Invalid
from fleets.agones.admission import Asked, changes, review
from fleets.agones.admitted import SIDECAR, admitted
from fleets.agones.ports import HOST_PORT_MAX, HOST_PORT_MIN, RANGE_MAX, sdk_ports
from tests.fleets.agones.samples import agones_pod, container, variables


def applied(document, patch: list[dict[str, Any]]):
    """RFC 6902, as far as we use it."""
    document = json.loads(json.dumps(document))
    for step in patch:
        *way, last = [
            part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]
        ]
        place = document
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        key = int(last) if isinstance(place, list) else last
        if step["op"] == "remove":
            del place[key]
        else:
            assert not (isinstance(place, list) and step["op"] == "add")
            place[key] = step["value"]
    return document


@pytest.mark.parametrize("native_sidecar", [True, False])
def test_a_pod_gets_the_ports_of_its_host_port_everywhere(native_sidecar):
    pod = agones_pod(7003, native_sidecar=native_sidecar)

    after, warnings = admitted(pod)

    sidecar, game = container(after, SIDECAR), container(after, "game")
    assert sidecar["args"] == ["--grpc-port=17003", "--http-port=19003", "--health-port=21003"]
    assert [one["hostPort"] for one in sidecar["ports"]] == [17003, 19003, 21003]
    assert {one["protocol"] for one in sidecar["ports"]} == {"TCP"}
    assert sidecar["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 21003}
    assert game["livenessProbe"]["httpGet"] == {"path": "/gshealthz", "port": 21003}
    for one in (sidecar, game):
        assert variables(one)["AGONES_SDK_GRPC_PORT"] == "17003"
        assert variables(one)["AGONES_SDK_HTTP_PORT"] == "19003"
    told = variables(game)
    assert (told["READYUP_SERVER_NAME"], told["READYUP_SERVER_UID"]) == ("arena-x7-k2", "u-1")
    assert (told["READYUP_PORT"], told["READYUP_FLEET"]) == ("7003", "arena")
    assert warnings == ()


def test_admitting_a_pod_again_changes_nothing():
    once, _ = admitted(agones_pod())

    assert admitted(once) == (once, ())
    assert "patch" not in review(Asked("1", once))["response"]


def test_the_patch_makes_the_pod_that_was_meant():
    pod = agones_pod()

    answer = review(Asked("r-1", pod))["response"]
    patch = json.loads(base64.b64decode(answer["patch"]))

    assert (answer["uid"], answer["allowed"], answer["patchType"]) == ("r-1", True, "JSONPatch")
    assert applied(pod, patch) == admitted(pod)[0]


def test_a_pod_with_a_network_of_its_own_is_left_alone():
    pod = agones_pod()
    del pod["spec"]["hostNetwork"]

    assert review(Asked("r-1", pod))["response"] == {"uid": "r-1", "allowed": True}


def test_probes_of_the_games_own_stay_as_they_are():
    pod = agones_pod()
    own = {"httpGet": {"path": "/mine", "port": 8080}}
    container(pod, "game")["readinessProbe"] = own

    after, _ = admitted(pod)

    assert container(after, "game")["readinessProbe"] == own


def test_arguments_in_two_words_are_replaced_too():
    pod = agones_pod()
    container(pod, SIDECAR)["args"] = ["--grpc-port", "9357", "--log-level=Debug", "--http-port=1"]

    after, _ = admitted(pod)

    assert container(after, SIDECAR)["args"] == [
        "--log-level=Debug",
        "--grpc-port=17003",
        "--http-port=19003",
        "--health-port=21003",
    ]


def test_the_port_that_agones_chose_counts_and_not_one_that_the_fleet_declares():
    pod = agones_pod()
    metrics = {"containerPort": 9090, "hostPort": 9090}
    container(pod, "game")["ports"].insert(0, metrics)
    pod["metadata"]["annotations"]["agones.dev/container-passthrough-port-assignment"] = (
        '{"game":[1]}'
    )

    after, _ = admitted(pod)

    assert variables(container(after, "game"))["READYUP_PORT"] == "7003"


def test_a_pod_that_cannot_be_pinned_is_admitted_with_a_warning():
    pod = agones_pod()
    del pod["metadata"]["annotations"]["readyup/sidecar"]

    answer = review(Asked("r-1", pod))["response"]

    assert answer["allowed"]
    assert "agones-gameserver-sidecar has no limits" in answer["warnings"][0]


def _without_owner(pod):
    pod["metadata"]["ownerReferences"] = []


def _without_sidecar(pod):
    del pod["spec"]["initContainers"]


def _without_port(pod):
    container(pod, "game")["ports"] = []


def _two_declared_ports(pod):
    del pod["metadata"]["annotations"]["agones.dev/container-passthrough-port-assignment"]
    container(pod, "game")["ports"].append({"containerPort": 9090, "hostPort": 9090})


def _port_too_high(pod):
    container(pod, "game")["ports"][0] |= {"hostPort": 30000, "containerPort": 30000}


def _unknown_game(pod):
    pod["metadata"]["annotations"]["agones.dev/container"] = "main"


@pytest.mark.parametrize(
    ("broken", "cure"),
    [
        (_without_owner, "create game servers through a Fleet"),
        (_without_sidecar, "remove the label agones.dev/role"),
        (_without_port, "portPolicy: Passthrough"),
        (_two_declared_ports, "portPolicy: Passthrough"),
        (_port_too_high, "minPort and maxPort"),
        (_unknown_game, "spec.template.spec.container"),
    ],
)
def test_a_pod_that_is_not_understood_is_refused_with_the_cure(broken, cure: str):
    pod = agones_pod()
    broken(pod)

    answer = review(Asked("r-1", pod))["response"]

    assert not answer["allowed"]
    assert answer["status"]["code"] == 422
    assert cure in answer["status"]["message"]


@pytest.mark.parametrize("written", ["{game: [0]}", "[0]", '{"game":0}', '{"game":["a"]}', "\x7f"])
def test_an_assignment_of_ports_that_agones_never_wrote_is_refused_by_its_name(written: str):
    pod = agones_pod()
    annotation = "agones.dev/container-passthrough-port-assignment"
    pod["metadata"]["annotations"][annotation] = written

    answer = review(Asked("r-1", pod))["response"]

    assert not answer["allowed"]
    assert f"annotation {annotation} is {written!r}" in answer["status"]["message"]
    assert "remove it from the Fleet's spec.template" in answer["status"]["message"]


@given(st.integers(HOST_PORT_MIN, HOST_PORT_MAX), st.integers(1, RANGE_MAX - 1))
def test_servers_of_one_range_never_want_the_same_port(first, above):
    one, other = sdk_ports(first), sdk_ports(min(first + above, HOST_PORT_MAX))

    mine = {one.grpc, one.http, one.health}
    assert len(mine) == 3
    if one != other:
        assert not mine & {other.grpc, other.http, other.health}


def test_ports_meet_the_ephemeral_range_nowhere():
    assert sdk_ports(HOST_PORT_MAX).health == 32_767
    for port in (HOST_PORT_MIN - 1, HOST_PORT_MAX + 1):
        with pytest.raises(Invalid, match="ephemeral"):
            sdk_ports(port)


documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("a/~b", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), documents), st.dictionaries(st.text(), documents))
def test_a_patch_leads_from_any_document_to_any_other(before, after):
    assert applied(before, list(changes(before, after))) == after
