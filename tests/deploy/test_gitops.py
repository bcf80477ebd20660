"""What Argo CD and Flux are given: well-formed by their own kinds, and good for the chart."""

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.cluster.plane import binaries, toolchain
from tests.deploy import helm
from tests.deploy.helm import Document, documents, template

GITOPS = helm.ROOT / "deploy" / "gitops"
MODULES = binaries.MODULES / "gitops"
FILES = {
    "github.com/argoproj/argo-cd/v3": ("manifests/crds/application-crd.yaml",),
    "github.com/fluxcd/kustomize-controller": ("config/crd/bases/*_kustomizations.yaml",),
    "github.com/fluxcd/source-controller": (
        "config/crd/bases/*_gitrepositories.yaml",
        "config/crd/bases/*_helmrepositories.yaml",
    ),
}
UNCHECKED = {"HelmRelease"}
"""No Go module that we can have carries its definition: looked at once, by hand."""

KNOWN_TO_EVERYBODY = {"ConfigMap", "Namespace"}

MANIFESTS = [
    (file.relative_to(GITOPS).as_posix(), one)
    for file in sorted(GITOPS.rglob("*.yaml"))
    if not file.name.endswith("values.yaml")
    for one in yaml.safe_load_all(file.read_text("utf-8"))
]


@pytest.fixture(scope="session")
def schemas() -> dict[tuple[str, str], Document]:
    """Kind and apiVersion to the schema that its own definition holds, made strict."""
    done = subprocess.run(
        [toolchain.find(MODULES), "mod", "download", "-json", *FILES],
        cwd=MODULES,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
        timeout=180,
    )
    if done.returncode:
        pytest.skip(f"the modules of Argo CD and Flux cannot be had: {done.stderr[-200:]}")
    decoder, rest, found = json.JSONDecoder(), done.stdout.strip(), {}
    while rest:
        module, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
        for pattern in FILES[module["Path"]]:
            for file in Path(module["Dir"]).glob(pattern):
                one = yaml.safe_load(file.read_text("utf-8"))["spec"]
                for version in one["versions"]:
                    name = f"{one['group']}/{version['name']}"
                    schema = version["schema"]["openAPIV3Schema"]
                    found[one["names"]["kind"], name] = strict(schema)
    return found


def strict(schema: Any) -> Any:  # noqa: ANN401 - whatever JSON may be
    """The same, refusing fields that an API server would drop."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(inner) for name, inner in schema.items()}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and not open_ended:
        made.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made


@pytest.mark.parametrize(("file", "manifest"), MANIFESTS)
def test_every_manifest_fits_its_definition(
    schemas: dict[tuple[str, str], Document], file: str, manifest: Document
):
    kind, version = manifest["kind"], manifest["apiVersion"]
    if kind in KNOWN_TO_EVERYBODY or version.startswith("kustomize.config.k8s.io/"):
        return
    if kind in UNCHECKED:
        pytest.skip(f"{file}: the definition of {kind} is in no Go module that can be had")
    schema = copy.deepcopy(schemas[kind, version])
    schema["properties"]["metadata"] = {"type": "object"}

    jsonschema_rs.validator_for(schema).validate(manifest)


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
        for _, one in MANIFESTS
        if one["kind"] == "Application" and one["metadata"]["name"] == "readyup"
    )
    ignored = {
        (one["kind"], pointer)
        for one in argo["spec"]["ignoreDifferences"]
        for pointer in one.get("jsonPointers", ())
    }
    flux = next(
        one
        for _, one in MANIFESTS
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
        for _, one in MANIFESTS
        if WAVE in one.get("metadata", {}).get("annotations", {})
    }

    assert sorted(waves, key=waves.__getitem__) == ["argocd-cm", "agones", "readyup"]


WAVE = "argocd.argoproj.io/sync-wave"
