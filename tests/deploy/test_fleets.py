"""Fleets of the chart beside `readyup fleet render`: the same documents from the same settings."""

import tomllib
from pathlib import Path

import pytest
import yaml

from fleets.agones.manifest import Site, Webhooks, pods_webhook, render
from readyup.settings import Config, parse
from tests.deploy.helm import Document, documents, named, of_kind, template

CLASSES = {"PriorityClass", "RuntimeClass"}

FLEETS = {
    "plain": {"pod": {"image": "arena:1"}},
    "fixed": {"replicas": 3, "pod": {"image": "arena:1", "priority_class": ""}},
    "sized": {
        "rooms": 4,
        "reserve": 8,
        "buffer": 5,
        "size_min": 3,
        "size_max": 40,
        "cpus": 2,
        "version": "1.4.2",
        "grace_s": 1200.5,
        "env": {"B": "2", "A": "1", "EMPTY": ""},
        "health": {"period_s": 2, "initial_delay_s": 7},
        "pod": {"image": "arena:1", "surge": "3", "memory": "1Gi", "sidecar_cpu": "50m"},
    },
    "small": {"size_max": 0, "buffer": 7, "pod": {"image": "arena:1"}},
    "pinned": {
        "command": ["/game", "--port", "{port}"],
        "pod": {
            "image": "registry/arena@sha256:00",
            "args": ["--fast"],
            "pull": "Always",
            "pull_secrets": ["registry"],
            "node_labels": {"pool": "games", "kubernetes.io/os": "linux"},
            "arch": "arm64",
            "tolerations": ["a=b:NoExecute", "c:NoSchedule", "d", "e=:PreferNoSchedule"],
            "numa": True,
            "realtime": True,
            "runtime_class": "rt",
            "runtime_handler": "runc-rt",
            "hugepages": {"2Mi": "64Mi", "1Gi": "1Gi"},
            "eviction": "OnUpgrade",
        },
    },
    "odd": {
        "pod": {
            "image": "arena:1",
            "host_network": False,
            "port_range": "other",
            "node_labels": {},
            "arch": "",
            "tolerations": [],
            "mesh": True,
            "non_root": False,
            "labels": {"team": "blue"},
            "annotations": {"note": "x"},
            "extra_pod": {"tolerations": [{"key": "y"}], "securityContext": {"fsGroup": 5}},
            "extra_container": {"env": [{"name": "Z", "value": "z"}], "stdin": True},
        },
    },
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    queue = {"teams": ["a", "b"], "team_size": 1, "fleet": "plain"}
    values = {
        "settings": {"queues": {"duel": queue}, "fleets": {**FLEETS, "arena": None}},
        "game": {"fleets": "chart"},
    }
    path = tmp_path_factory.mktemp("values") / "values.yaml"
    path.write_text(yaml.safe_dump(values), "utf-8")
    return documents(template(path))


@pytest.fixture(scope="module")
def config(rendered: list[Document]) -> Config:
    text = named(rendered, "ConfigMap", "readyup")["data"]["readyup.toml"]
    return parse(tomllib.loads(text), folder=Path())


@pytest.fixture(scope="module")
def site(rendered: list[Document], config: Config) -> Site:
    hook = named(rendered, "MutatingWebhookConfiguration", "readyup-pods-games")
    bundle = hook["webhooks"][0]["clientConfig"]["caBundle"]
    hooks = Webhooks("readyup-webhooks", "readyup", 8443, bundle)
    return Site("games", config.kubernetes.sessions_url, hooks)


@pytest.mark.parametrize("name", FLEETS)
def test_a_fleet_is_the_one_that_the_command_renders(
    rendered: list[Document], config: Config, site: Site, name: str
):
    (spec,) = [one for one in config.fleets if one.name == name]
    theirs = render(spec, site)

    for expected in theirs:
        if expected["kind"] in CLASSES:
            # Only a release has an end, which these outlive.
            expected["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
        assert named(rendered, expected["kind"], expected["metadata"]["name"]) == expected
    scaled = [one["metadata"]["name"] for one in of_kind(rendered, "FleetAutoscaler")]
    assert (name in scaled) == any(one["kind"] == "FleetAutoscaler" for one in theirs)


def test_the_order_about_pods_is_the_one_that_the_command_renders(
    rendered: list[Document], site: Site
):
    ours = named(rendered, "MutatingWebhookConfiguration", "readyup-pods-games")

    assert ours == pods_webhook(site)
