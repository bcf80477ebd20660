"""What the policy of the games' namespace lets in, and what it refuses: asked of the API server."""

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fleets.agones.admitted import admitted
from tests.cluster.gameservers import delete_fleet, until_states
from tests.cluster.plane.api import FLEETS, PODS, Api, Refused
from tests.cluster.plane.plane import Plane
from tests.deploy.cluster import Kinds, spaces
from tests.deploy.helm import Document, documents, named, template

pytestmark = pytest.mark.cluster

Pod = dict[str, Any]
WAIT_S = 20.0
SECURE = {"allowPrivilegeEscalation": False, "runAsNonRoot": True}


@pytest.fixture(scope="module")
def made() -> list[Document]:
    return documents(template(game__fleets="chart"))


@pytest.fixture
async def api(plane: Plane, made: list[Document]) -> AsyncIterator[Api]:
    """The API server with the policy in force."""
    ours = [one for one in made if one["kind"].startswith("ValidatingAdmissionPolicy")]
    async with spaces(plane) as opened:
        kinds = Kinds(opened)
        paths = [f"{await kinds.path(one)}/{one['metadata']['name']}" for one in ours]
        for path, one in zip(paths, ours, strict=True):
            await opened.apply(path, one)
        try:
            await in_force(opened)
            for name in ("agones-sdk", "admin"):
                account = {"name": name, "namespace": "games"}
                document = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}
                await opened.apply(f"/api/v1/namespaces/games/serviceaccounts/{name}", document)
            yield opened
        finally:
            for path in reversed(paths):
                await opened.delete(path)


async def in_force(api: Api) -> None:
    bad = pod({"hostPID": True})
    async with asyncio.timeout(WAIT_S):
        while not await refusal(api, bad):
            await asyncio.sleep(0.2)


async def refusal(api: Api, asked: Pod) -> str:
    """The API server's words; empty when it takes the pod."""
    try:
        await api.create(f"{PODS.format('games')}?dryRun=All", asked)
    except Refused as refused:
        return str(refused)
    return ""


def pod(spec: Pod, container: Pod | None = None, *, game: bool = True) -> Pod:
    """A small pod that is allowed but for what is given."""
    labels = {"agones.dev/role": "gameserver"} if game else {}
    one = {"name": "game", "image": "arena", "securityContext": SECURE, **(container or {})}
    about = {"name": "tried", "namespace": "games", "labels": labels}
    inside = {"containers": [one], "automountServiceAccountToken": False, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": inside}


def ported(port: int, **spec: object) -> Pod:
    return pod(dict(spec), {"ports": [{"containerPort": port, "hostPort": port}]})


def secured(**context: object) -> Pod:
    return pod({}, {"securityContext": {**SECURE, **context}})


ALLOWED = {
    "a plain pod": pod({}, game=False),
    "the host's network": pod({"hostNetwork": True}),
    "the first port of the fleet": ported(7000, hostNetwork=True),
    "its SDK's health": ported(22000),
    "dropped capabilities": secured(capabilities={"drop": ["ALL"]}),
    "not root, said for the whole pod": pod(
        {"securityContext": {"runAsNonRoot": True}},
        {"securityContext": {"allowPrivilegeEscalation": False}},
    ),
    "huge pages": pod({"volumes": [{"name": "h", "emptyDir": {"medium": "HugePages-2Mi"}}]}),
}

REFUSED: dict[str, tuple[Pod, str]] = {
    "a stranger on the host's network": (pod({"hostNetwork": True}, game=False), "only game serv"),
    "a port below": (ported(6999, hostNetwork=True), "a host port must be"),
    "a port between": (ported(9000), "a host port must be"),
    "a stranger's host port": (
        pod({}, {"ports": [{"containerPort": 7000, "hostPort": 7000}]}, game=False),
        "a host port must be",
    ),
    "the host's processes": (pod({"hostPID": True}), "the host's processes"),
    "the host's memory": (pod({"hostIPC": True}), "the host's processes"),
    "a sysctl": (
        pod({"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "0"}]}}),
        "sysctls",
    ),
    "privileged": (
        pod({}, {"securityContext": {"privileged": True}}),
        "must not be privileged",
    ),
    "escalation not ruled out": (pod({}, {"securityContext": {}}), "allowPrivilegeEscalation"),
    "a process of a Windows host": (
        pod(
            {"hostNetwork": True, "securityContext": {"windowsOptions": {"hostProcess": True}}},
        ),
        "must not be privileged",
    ),
    "a capability": (secured(capabilities={"add": ["SYS_NICE"]}), "no capability"),
    "root": (secured(runAsUser=0), "as root"),
    "root for the pod": (pod({"securityContext": {"runAsUser": 0}}), "as root"),
    "an image that may be root's": (
        pod({}, {"securityContext": {"allowPrivilegeEscalation": False}}),
        "as root",
    ),
    "one container that may be root's": (
        pod(
            {"securityContext": {"runAsNonRoot": True}},
            secured(runAsNonRoot=False)["spec"]["containers"][0],
        ),
        "as root",
    ),
    "no seccomp": (secured(seccompProfile={"type": "Unconfined"}), "Unconfined"),
    "a folder of the host": (
        pod({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}),
        "never the host's",
    ),
    "another's volume": (
        pod({"volumes": [{"name": "h", "nfs": {"server": "a", "path": "/"}}]}),
        "never the host's",
    ),
    "an init container": (
        pod({"initContainers": [{"name": "i", "image": "i", "securityContext": {}}]}),
        "allowPrivilegeEscalation",
    ),
    "another account": (pod({"serviceAccountName": "admin"}), "the service account"),
}


async def test_what_a_game_needs_is_let_in(api: Api):
    answers = {name: await refusal(api, asked) for name, asked in ALLOWED.items()}

    assert answers == dict.fromkeys(ALLOWED, "")


async def test_everything_else_is_refused_and_told_why(api: Api):
    answers = {name: await refusal(api, asked) for name, (asked, _) in REFUSED.items()}

    assert {name: why in answers[name] for name, (_, why) in REFUSED.items()} == dict.fromkeys(
        REFUSED, True
    ), answers


async def test_other_namespaces_are_none_of_its_business(api: Api):
    elsewhere = pod({"hostPID": True})
    elsewhere["metadata"]["namespace"] = "default"

    await api.create(f"{PODS.format('default')}?dryRun=All", elsewhere)


async def test_a_pod_that_agones_made_is_let_in(api: Api, made: list[Document]):
    """The very pod of a Fleet of the chart, as our webhook leaves it."""
    fleet = copy.deepcopy(named(made, "Fleet", "arena"))
    fleet["metadata"]["namespace"] = "default"
    fleet["spec"]["replicas"] = 1
    inside = fleet["spec"]["template"]["spec"]["template"]["spec"]
    for hindrance in ("affinity", "priorityClassName"):
        inside.pop(hindrance, None)
    await api.create(FLEETS.format("default"), fleet)
    try:
        await until_states(api, "arena", {"Ready": 1})
        query = "labelSelector=agones.dev/role%3Dgameserver"
        found = await api.items(f"{PODS.format('default')}?{query}")
        (raw,) = [one for one in found if one["metadata"]["labels"]["readyup/fleet"] == "arena"]
    finally:
        await delete_fleet(api, "arena")
    asked, _ = admitted({"apiVersion": "v1", "kind": "Pod", **without_a_life(raw)})

    assert asked["spec"]["hostNetwork"]
    assert asked["spec"]["serviceAccountName"] == "agones-sdk"
    assert await refusal(api, asked) == ""


def without_a_life(raw: Pod) -> Pod:
    """The pod as it was asked for, and not what became of it."""
    kept = {key: raw["metadata"][key] for key in ("name", "labels", "annotations")}
    owner = raw["metadata"]["ownerReferences"]
    about = {**kept, "namespace": "games", "ownerReferences": owner}
    return {"metadata": about, "spec": {**raw["spec"], "nodeName": ""}}
