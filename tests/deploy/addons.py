"""The kinds of add-ons that the chart speaks to, from the Go modules that carry them.

Nothing is built: `tests/cluster/go/crds` pins the modules, and Go fetches and checks them.
"""

import json
import os
import subprocess
from pathlib import Path

import yaml

from tests.cluster.plane import binaries, toolchain
from tests.cluster.plane.api import Api
from tests.deploy.helm import Document

MODULES = binaries.MODULES / "crds"

FILES = {
    "github.com/cert-manager/cert-manager": "deploy/crds/cert-manager.io_*s.yaml",
    "github.com/kedacore/keda/v2": "config/crd/bases/keda.sh_scaledobjects.yaml",
    "github.com/prometheus-operator/prometheus-operator": (
        "example/prometheus-operator-crd/monitoring.coreos.com_p*s.yaml"
    ),
    "istio.io/api": "kubernetes/customresourcedefinitions.gen.yaml",
    "k8s.io/autoscaler/vertical-pod-autoscaler": "deploy/vpa-v1-crd-gen.yaml",
    "sigs.k8s.io/gateway-api": "config/crd/standard/*_httproutes.yaml",
}

WANTED = {
    *("certificates.cert-manager.io", "issuers.cert-manager.io", "scaledobjects.keda.sh"),
    *("httproutes.gateway.networking.k8s.io", "verticalpodautoscalers.autoscaling.k8s.io"),
    "peerauthentications.security.istio.io",
    *("podmonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com"),
}

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definitions() -> list[Document]:
    """The definitions that we need.

    Raises:
        RuntimeError: there is no Go, or the modules cannot be had.
    """
    done = subprocess.run(
        [toolchain.find(MODULES), "mod", "download", "-json", *FILES],
        cwd=MODULES,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"the add-ons' modules cannot be had: {done.stderr[-300:]}")
    decoder, rest, found = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        module, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
        for file in sorted(Path(module["Dir"]).glob(FILES[module["Path"]])):
            found += [one for one in yaml.safe_load_all(file.read_text("utf-8")) if one]
    return [one for one in found if one["metadata"]["name"] in WANTED]


async def teach(api: Api) -> None:
    """Have the API server know these kinds. Raises as above."""
    for one in definitions():
        await api.apply(f"{PATH}/{one['metadata']['name']}", one)
