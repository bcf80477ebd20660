"""The chart before a real API server: dry runs of every way to render it, and each profile."""

from pathlib import Path

import pytest

from tests.cluster.plane.plane import Plane
from tests.deploy import helm
from tests.deploy.cluster import spaces, tried
from tests.deploy.helm import Document, documents, template

pytestmark = pytest.mark.cluster

FILES = sorted(helm.PROFILES.glob("*.yaml"))


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
    "events": {
        "events__enabled": True,
        "events__to": "kafka://me@k:9092",
        "events__kafka__existingSecret": "kafka",
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
