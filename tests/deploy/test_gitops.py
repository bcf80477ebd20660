"""What Argo CD and Flux are given: well-formed by their own kinds, and good for the chart."""

import pytest
import yaml

from tests.cluster.plane.plane import Plane
from tests.deploy import helm
from tests.deploy.cluster import spaces, tried
from tests.deploy.helm import documents, template

GITOPS = helm.ROOT / "deploy" / "gitops"
KUSTOMIZE = "kustomize.config.k8s.io/"
"""A file of the tool kustomize, which no cluster knows."""

MANIFESTS = [
    one
    for file in sorted(GITOPS.rglob("*.yaml"))
    if not file.name.endswith("values.yaml")
    for one in yaml.safe_load_all(file.read_text("utf-8"))
]


@pytest.mark.cluster
async def test_every_manifest_is_accepted_by_an_api_server_that_knows_its_kind(
    plane: Plane, known: set[str]
):
    ours = [one for one in MANIFESTS if not one["apiVersion"].startswith(KUSTOMIZE)]
    async with spaces(plane) as api:
        for name in ("argocd", "flux-system"):
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await api.apply(f"/api/v1/namespaces/{name}", space)
        unknown = await tried(api, ours)

    assert unknown <= known


@pytest.mark.parametrize("tool", ["argocd", "flux"])
def test_the_values_are_good_for_the_chart_and_leave_nothing_to_chance(tool: str):
    values = GITOPS / tool / "readyup-values.yaml"
    once, again = (template(values) for _ in range(2))
    kinds = {one["kind"] for one in documents(once)}

    assert once == again
    assert "Secret" not in kinds
    assert "Fleet" in kinds


def test_nothing_fights_over_how_large_a_fleet_is():
    argo = next(
        one
        for one in MANIFESTS
        if one["kind"] == "Application" and one["metadata"]["name"] == "readyup"
    )
    ignored = {
        (one["kind"], pointer)
        for one in argo["spec"]["ignoreDifferences"]
        for pointer in one.get("jsonPointers", ())
    }
    flux = next(
        one
        for one in MANIFESTS
        if one["kind"] == "HelmRelease" and one["metadata"]["name"] == "readyup"
    )
    spared = {
        (one["target"]["kind"], path)
        for one in flux["spec"]["driftDetection"]["ignore"]
        for path in one["paths"]
    }

    assert ("Fleet", "/spec/replicas") in ignored & spared
    assert "RespectIgnoreDifferences=true" in argo["spec"]["syncPolicy"]["syncOptions"]


def test_waves_rise_from_how_health_is_judged_to_what_needs_agones():
    waves = {
        one["metadata"]["name"]: int(one["metadata"]["annotations"][WAVE])
        for one in MANIFESTS
        if WAVE in one.get("metadata", {}).get("annotations", {})
    }

    assert sorted(waves, key=waves.__getitem__) == ["argocd-cm", "agones", "readyup"]


WAVE = "argocd.argoproj.io/sync-wave"
