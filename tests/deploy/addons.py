"""The kinds of add-ons that chart and GitOps speak of, from the Go modules that carry them.

Nothing is built: `tests/cluster/go/crds` pins the modules, and Go fetches and checks them.
"""

import asyncio
import json
import os
import subprocess
from pathlib import Path

from tests.cluster.plane import binaries, toolchain
from tests.cluster.plane.api import Api
from tests.deploy.cluster import LOOK_S
from tests.deploy.helm import Document, documents

MODULES = binaries.MODULES / "crds"

FLUX = "config/data/flux/v2.9.4"
CILIUM = "pkg/k8s/apis/cilium.io/client/crds/v2"

FILES = {
    "github.com/argoproj/argo-cd/v3": ("manifests/crds/application-crd.yaml",),
    "github.com/cert-manager/cert-manager": ("deploy/crds/cert-manager.io_*s.yaml",),
    "github.com/cilium/cilium": (f"{CILIUM}/ciliumclusterwidenetworkpolicies.yaml",),
    "github.com/controlplaneio-fluxcd/flux-operator": (
        f"{FLUX}/helm-controller.yaml",
        f"{FLUX}/kustomize-controller.yaml",
        f"{FLUX}/source-controller.yaml",
    ),
    "github.com/kedacore/keda/v2": ("config/crd/bases/keda.sh_scaledobjects.yaml",),
    "github.com/prometheus-operator/prometheus-operator": (
        "example/prometheus-operator-crd/monitoring.coreos.com_p*s.yaml",
    ),
    "istio.io/api": ("kubernetes/customresourcedefinitions.gen.yaml",),
    "k8s.io/autoscaler/vertical-pod-autoscaler": ("deploy/vpa-v1-crd-gen.yaml",),
    "sigs.k8s.io/gateway-api": ("config/crd/standard/*_httproutes.yaml",),
}

WANTED = {
    "applications.argoproj.io",
    *("certificates.cert-manager.io", "issuers.cert-manager.io", "scaledobjects.keda.sh"),
    "ciliumclusterwidenetworkpolicies.cilium.io",
    *("helmreleases.helm.toolkit.fluxcd.io", "kustomizations.kustomize.toolkit.fluxcd.io"),
    *("gitrepositories.source.toolkit.fluxcd.io", "helmrepositories.source.toolkit.fluxcd.io"),
    *("httproutes.gateway.networking.k8s.io", "verticalpodautoscalers.autoscaling.k8s.io"),
    "peerauthentications.security.istio.io",
    *("podmonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com"),
}

NOT_HERE = {"projectcalico.org", "nfd.k8s-sigs.io", "k8s.cni.cncf.io"}
"""Groups whose kinds no Go module that we can have carries: looked at once, by hand."""

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TAUGHT_S = 30.0


def definitions() -> list[Document]:
    """The definitions that we need, of those modules that are to be had.

    Raises:
        RuntimeError: there is no Go.
    """
    done = subprocess.run(
        [toolchain.find(MODULES), "mod", "download", "-json", *FILES],
        cwd=MODULES,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
        timeout=180,
    )
    decoder, rest, found = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        module, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
        if "Dir" not in module:
            print(f"{module['Path']} cannot be had: {module.get('Error', '')[-200:]}")
            continue
        for pattern in FILES[module["Path"]]:
            for file in sorted(Path(module["Dir"]).glob(pattern)):
                found += documents(file.read_text("utf-8"))
    return [one for one in found if one["metadata"]["name"] in WANTED]


async def taught(api: Api) -> set[str]:
    """Have the API server know these kinds; the groups that stay unknown.

    Raises:
        RuntimeError: there is no Go.
    """
    had = {one["metadata"]["name"]: one for one in definitions()}
    for name, one in had.items():
        await api.apply(f"{PATH}/{name}", one)
    async with asyncio.timeout(TAUGHT_S):
        while not had.keys() <= await _established(api):
            await asyncio.sleep(LOOK_S)
    return NOT_HERE | {name.partition(".")[2] for name in WANTED - had.keys()}


async def _established(api: Api) -> set[str]:
    return {
        one["metadata"]["name"]
        for one in await api.items(PATH)
        for condition in (one.get("status", {}).get("conditions") or ())
        if (condition["type"], condition["status"]) == ("Established", "True")
    }
