"""The chart before a real API server: dry runs of everything, and an installation in earnest."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.plane.api import Api
from tests.cluster.plane.plane import Plane
from tests.deploy import addons, helm
from tests.deploy.cluster import LOOK_S, spaces, swept, tried
from tests.deploy.helm import Document, documents, template

pytestmark = pytest.mark.cluster

FILES = sorted(helm.PROFILES.glob("*.yaml"))

NOT_HERE = {"cilium.io", "projectcalico.org", "nfd.k8s-sigs.io", "k8s.cni.cncf.io"}
"""Groups whose kinds no Go module carries; they are rendered and no more."""


@pytest.fixture(scope="module")
def known(plane: Plane) -> set[str]:
    """Groups that may be unknown here: fewer, once the API server was taught the add-ons' kinds."""

    async def taught() -> None:
        async with plane.api() as api:
            await addons.teach(api)
            async with asyncio.timeout(30):
                while len(await established(api)) < len(addons.WANTED):
                    await asyncio.sleep(LOOK_S)

    try:
        asyncio.run(taught())
    except RuntimeError as lacking:
        print(lacking)
        return NOT_HERE | {name.partition(".")[2] for name in addons.WANTED}
    return NOT_HERE


async def established(api: Api) -> set[str]:
    found = await api.items(addons.PATH)
    return addons.WANTED & {
        one["metadata"]["name"]
        for one in found
        for condition in (one.get("status", {}).get("conditions") or ())
        if (condition["type"], condition["status"]) == ("Established", "True")
    }


def pod_of(maker: Document) -> Document:
    """The pod that a Deployment or its like would make."""
    template = maker["spec"]["template"]
    spec = dict(template["spec"])
    # Claims, accounts and classes are looked for at once; a dry run made none of them.
    spec.pop("priorityClassName", None)
    spec.pop("serviceAccountName", None)
    claims = maker["spec"].get("volumeClaimTemplates", ())
    spec["volumes"] = [
        *spec.get("volumes", ()),
        *({"name": one["metadata"]["name"], "emptyDir": {}} for one in claims),
    ]
    labels = template["metadata"]["labels"]
    about = {"name": maker["metadata"]["name"], "namespace": "readyup", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


WAYS: dict[str, dict[str, object]] = {
    "sentinel": {},
    "cluster": {"valkey__mode": "cluster"},
    "single": {"valkey__mode": "single", "webhooks__enabled": "false"},
    "external": {"valkey__mode": "external", "valkey__external__url": "redis://store:6379/0"},
    "everything": {
        "game__fleets": "chart",
        "roles__api__autoscaling__by": "hpa",
        "ingress__enabled": "true",
        "gateway__enabled": "true",
        "gateway__parents[0].name": "public",
        "verticalPodAutoscaler": "true",
        "webhooks__tls": "cert-manager",
    },
    "keda": {"roles__api__autoscaling__by": "keda"},
    "monitoring": {
        "monitoring__podMonitor__enabled": "true",
        "monitoring__rules__enabled": "true",
        "monitoring__dashboards__enabled": "true",
    },
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_to_render_it_is_accepted(plane: Plane, known: set[str], way: str):
    found = documents(template(**WAYS[way]))
    makers = [one for one in found if one["kind"] in ("Deployment", "StatefulSet", "Job")]

    async with spaces(plane) as api:
        unknown = await tried(api, found)
        admitted = await tried(api, [pod_of(one) for one in makers])

    assert unknown <= known
    assert admitted == set()


@pytest.fixture(scope="module")
def plain() -> list[Document]:
    return documents(template(game__fleets="chart"))


@pytest.mark.parametrize("profile", FILES, ids=lambda path: path.stem)
async def test_what_a_profile_changes_is_accepted(
    plane: Plane, known: set[str], plain: list[Document], profile: Path
):
    found = documents(template(profile, game__fleets="chart"))
    changed = [one for one in found if one not in plain]

    async with spaces(plane) as api:
        unknown = await tried(api, changed)

    assert changed
    assert unknown <= known


SMALL = ("--namespace=readyup", "--set=valkey.mode=single,valkey.persistence.enabled=false")


@pytest.fixture
def installed(plane: Plane) -> Iterator[Plane]:
    """A release of the chart in the cluster, uninstalled at the end."""
    asyncio.run(prepared(plane))
    try:
        helm.run("install", "readyup", str(helm.CHART), *SMALL, kubeconfig=plane.kubeconfig)
        yield plane
    finally:
        helm.run("uninstall", "readyup", SMALL[0], kubeconfig=plane.kubeconfig)
        asyncio.run(swept(plane))


async def prepared(plane: Plane) -> None:
    async with spaces(plane) as api:
        about = {
            "meta.helm.sh/release-name": "readyup",
            "meta.helm.sh/release-namespace": "readyup",
        }
        labels = {"app.kubernetes.io/managed-by": "Helm"}
        adopted = {"metadata": {"annotations": about, "labels": labels}}
        await api.patch("/api/v1/namespaces/games", adopted)


async def secrets(plane: Plane) -> dict[str, dict[str, str]]:
    """Every Secret of the release, decoded."""
    async with plane.api() as api:
        found = await api.items("/api/v1/namespaces/readyup/secrets")
    return {
        one["metadata"]["name"]: {
            key: base64.b64decode(value).decode() for key, value in one["data"].items()
        }
        for one in found
        if one["type"] != "helm.sh/release.v1"
    }


async def running(plane: Plane, count: int) -> list[dict[str, Any]]:
    """The pods of the release, once so many run."""
    async with plane.api() as api, asyncio.timeout(60):
        while True:
            there = await api.items("/api/v1/namespaces/readyup/pods")
            if sum(one["status"].get("phase") == "Running" for one in there) >= count:
                return there
            await asyncio.sleep(LOOK_S)


def upgrade(plane: Plane, *more: str) -> None:
    helm.run("upgrade", "readyup", str(helm.CHART), *SMALL, *more, kubeconfig=plane.kubeconfig)


def test_an_upgrade_keeps_what_was_made_and_renews_what_is_old(installed: Plane):
    pods = asyncio.run(running(installed, 9))
    first = asyncio.run(secrets(installed))
    upgrade(installed, "--set=roles.director.replicas=1")
    kept = asyncio.run(secrets(installed))
    asyncio.run(aged(installed))
    upgrade(installed)
    renewed = asyncio.run(secrets(installed))

    assert {one["spec"]["securityContext"]["runAsNonRoot"] for one in pods} == {True}
    assert kept == first
    assert renewed["readyup-webhooks"]["tls.crt"] != first["readyup-webhooks"]["tls.crt"]
    assert renewed["readyup-webhooks-authority"] == first["readyup-webhooks-authority"]
    assert {**renewed, "readyup-webhooks": {}} == {**first, "readyup-webhooks": {}}


async def aged(plane: Plane) -> None:
    """Make the certificate look half a year old."""
    old = base64.b64encode(b"1").decode()
    async with plane.api() as api:
        path = "/api/v1/namespaces/readyup/secrets/readyup-webhooks"
        await api.patch(path, {"data": {"made-at": old}})


def test_the_releases_role_may_do_what_the_role_fleets_does_and_no_more(installed: Plane):
    may = asyncio.run(rights(installed))

    assert may == {
        ("games", "agones.dev/gameservers"): {"list", "watch", "delete", "patch"},
        ("games", "agones.dev/fleets"): {"list", "watch", "create", "patch"},
        ("games", "agones.dev/fleets/scale"): {"patch"},
        ("games", "allocation.agones.dev/gameserverallocations"): {"create"},
        ("games", "autoscaling.agones.dev/fleetautoscalers"): {"create", "patch"},
    }


async def rights(plane: Plane) -> dict[tuple[str, str], set[str]]:
    """What the API server would let the role's account do, beyond what it lets everybody."""
    found: dict[tuple[str, str], set[str]] = {}
    async with plane.api() as api:
        bindings = await api.items("/apis/rbac.authorization.k8s.io/v1/rolebindings")
        wide = await api.items("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")
        ours = {"kind": "ServiceAccount", "name": "readyup-fleets", "namespace": "readyup"}
        assert not [one for one in wide if ours in one.get("subjects", ())]
        for one in bindings:
            if ours not in one.get("subjects", ()):
                continue
            space, name = one["metadata"]["namespace"], one["roleRef"]["name"]
            path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{space}/roles/{name}"
            for rule in (await api.get(path))["rules"]:
                for resource in rule["resources"]:
                    key = (space, f"{rule['apiGroups'][0]}/{resource}")
                    found.setdefault(key, set()).update(rule["verbs"])
    return found
