"""``readyup fleet``: what it prints can be applied, and what is wrong names its cure."""

import json
from pathlib import Path

import pytest
import yaml

from readyup.commands.fleet import fleet

CONFIG = """
[queues.duel]
teams = ["red", "blue"]
team_size = 1
fleet = "arena"

[fleets.arena]
size_max = 50
cpus = 2
[fleets.arena.pod]
image = "registry/arena@sha256:00"

[fleets.duel]
command = ["game"]
ports = "7000-7009"

[kubernetes]
namespace = "games"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "readyup.toml"
    path.write_text(CONFIG)
    return path


def kinds(documents) -> list[str]:
    return [one["kind"] for one in documents]


def test_the_manifests_are_printed_as_yaml_that_can_be_applied(config, capsys):
    assert fleet("render", config=config) == 0

    said = capsys.readouterr()
    documents = list(yaml.safe_load_all(said.out))
    assert "--set agones.image.sdk.cpuLimit=30m" in said.err
    assert kinds(documents) == ["PriorityClass", "Fleet"]
    assert documents[1]["metadata"] | {"labels": {}, "annotations": {}} == {
        "name": "arena",
        "namespace": "games",
        "labels": {},
        "annotations": {},
    }


def test_webhooks_are_rendered_with_their_authority_when_asked_for(config, tmp_path, capsys):
    authority = tmp_path / "ca.crt"
    authority.write_text("-----BEGIN CERTIFICATE-----\nx\n")

    code = fleet(
        "render", config=config, json=True, webhooks=True, service="a/b:9", ca_file=authority
    )

    items = json.loads(capsys.readouterr().out)["items"]
    assert code == 0
    assert kinds(items) == [
        "MutatingWebhookConfiguration",
        "PriorityClass",
        "Fleet",
        "FleetAutoscaler",
    ]
    client = items[0]["webhooks"][0]["clientConfig"]
    assert (client["service"]["namespace"], client["service"]["port"]) == ("a", 9)
    assert client["caBundle"].startswith("LS0t")


def test_what_is_rendered_passes_the_lint(config, tmp_path, capsys):
    fleet("render", config=config, webhooks=True)
    rendered = tmp_path / "fleet.yaml"
    rendered.write_text(capsys.readouterr().out)

    code = fleet("lint", str(rendered), config=config)

    assert (code, capsys.readouterr().out.strip()) == (0, "nothing to say against it")


def test_an_error_in_a_manifest_ends_with_one_and_is_told_with_its_cure(config, tmp_path, capsys):
    rendered = tmp_path / "fleet.yaml"
    fleet("render", config=config)
    text = capsys.readouterr().out.replace("ClusterFirstWithHostNet", "Default")
    rendered.write_text(text)

    assert fleet("lint", str(rendered), json=True) == 1
    (found,) = [one for one in json.loads(capsys.readouterr().out) if one["severity"] == "error"]
    assert found["id"] == "dns-policy"
    assert "ClusterFirstWithHostNet" in found["cure"]

    assert fleet("lint", str(rendered)) == 1
    assert "1 error" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("action", "name", "options", "cure"),
    [
        ("render", "arenas", {}, "there are: arena, duel"),
        ("render", "duel", {}, "add [fleets.NAME.pod]"),
        ("render", "", {"service": "nonsense"}, "write NAMESPACE/NAME:PORT"),
        ("render", "", {"ca_file": Path("none.pem")}, "--ca-file: none.pem"),
        ("lint", "none.yaml", {}, "none.yaml"),
        ("list", "", {}, "set store.url or READYUP_STORE_URL"),
        ("why", "", {}, "beside a running demo write --config .run/demo-…/readyup.json"),
        ("scale", "arena", {}, "readyup fleet scale NAME SIZE"),
    ],
)
def test_a_mistake_is_told_with_its_cure(config, capsys, action, name, options, cure):
    assert fleet(action, name, config=config, **options) == 1

    said = capsys.readouterr().err
    assert said.startswith(f"readyup fleet {action}: ")
    assert cure in said


def test_a_file_that_is_no_manifest_is_refused_by_line(tmp_path, capsys):
    broken = tmp_path / "fleet.yaml"
    broken.write_text("a: [")

    assert fleet("lint", str(broken)) == 1
    assert "line 1" in capsys.readouterr().err


def test_a_drain_asks_for_a_node_and_for_the_store_of_the_service(config, capsys):
    assert fleet("drain", config=config) == 1
    assert fleet("drain", "node-7", config=config) == 1

    asked, where = capsys.readouterr().err.splitlines()
    assert asked == "readyup fleet drain: write readyup fleet drain NODE"
    assert "names no store" in where


def test_a_plan_is_answered_without_the_audits_log_line(tmp_path, capsys, valkey_url, monkeypatch):
    path = tmp_path / "planned.toml"
    path.write_text(CONFIG.replace("[fleets.duel]", "[fleets.arena.capacity]\n[fleets.duel]"))
    monkeypatch.setenv("READYUP_STORE_URL", valkey_url)

    assert fleet("plan", "arena", config=path, at="now", servers=4) == 0
    said = capsys.readouterr()
    assert "at least 4 from" in said.out
    assert said.err == ""


def test_a_node_that_is_not_drained_or_not_there_is_told(config, capsys, valkey_url, monkeypatch):
    monkeypatch.setenv("READYUP_STORE_URL", valkey_url)

    assert fleet("drain", "node-8", config=config, cancel=True) == 1
    assert fleet("drain", "node-8", config=config) == 1
    back, begun = capsys.readouterr().err.splitlines()
    assert back.endswith("node 'node-8' is not drained")
    assert "no server is on node 'node-8'" in begun
