"""What the chart renders, judged without a cluster: by helm, by our settings, by our lint."""

import hashlib
import tomllib
from pathlib import Path

import pytest
import yaml

from core.join_token import Minter
from fleets.agones.lint.judge import judge
from fleets.agones.lint.rule import Severity
from readyup.settings import parse
from tests.deploy import helm
from tests.deploy.helm import Document, documents, named, of_kind, template
from tests.deploy.installed import PREVIOUS

ROLES = ("api", "director", "allocator", "fleets", "console")
FILES = sorted(helm.PROFILES.glob("*.yaml"))


@pytest.fixture(scope="module")
def plain() -> list[Document]:
    return documents(template())


def settings(found: list[Document]) -> str:
    return str(named(found, "ConfigMap", "readyup")["data"]["readyup.toml"])


def pods(found: list[Document]) -> list[Document]:
    """Every pod's template that is ours, by the name of what makes it."""
    makers = [one for one in found if "template" in one.get("spec", {}) and one["kind"] != "Fleet"]
    return [*(one["spec"]["template"] for one in makers), *of_kind(found, "Pod")]


def test_lint_finds_nothing():
    said = helm.run("lint", str(helm.CHART), "--strict")

    assert "[WARNING]" not in said
    assert "[ERROR]" not in said


@pytest.mark.parametrize("profile", [None, *FILES], ids=lambda path: path.stem if path else "plain")
def test_the_settings_are_what_the_service_reads(profile: Path | None):
    found = documents(template(*([profile] if profile else [])))
    config = parse(tomllib.loads(settings(found)))

    assert config.queues
    assert config.kubernetes.namespace == "games"
    assert config.kubernetes.webhook_at == "readyup/readyup-webhooks:8443"


def test_texts_tables_and_lists_come_through_toml_unchanged():
    odd = {
        "a text": 'quotes " and \\ and <tags> and ünï',
        "list": [1, 2.5, True, {"in": "a list"}],
        "deep": {"er": {"est": -3}},
        "empty": {},
    }
    values = {"settings": {"telemetry": odd}}
    found = documents(with_values(values))

    assert tomllib.loads(settings(found))["telemetry"] == odd


def with_values(values: Document) -> str:
    given = helm.toolchain.cache() / "values.yaml"
    given.write_text(yaml.safe_dump(values), "utf-8")
    return template(given)


def test_keys_that_are_made_fit_together(plain: list[Document]):
    join = named(plain, "Secret", "readyup-join")["stringData"]
    first = named(plain, "Secret", "readyup-first-keys")["stringData"]
    config = parse(tomllib.loads(settings(plain)))

    minter = Minter.from_hex(join["READYUP_JOIN_KEY"])
    assert minter.public_hex() == join["READYUP_JOIN_KEY_PUBLIC"]
    (backend,) = config.api.backends
    (operator,) = config.console.operators
    assert backend.key_sha256 == hashlib.sha256(first["backend"].encode()).hexdigest()
    assert operator.token_sha256 == hashlib.sha256(first["operator"].encode()).hexdigest()


def test_only_who_signs_gets_the_private_key(plain: list[Document]):
    def secrets(role: str) -> set[str]:
        container = named(plain, "Deployment", f"readyup-{role}")["spec"]["template"]["spec"][
            "containers"
        ][0]
        return {
            one["valueFrom"]["secretKeyRef"]["key"]
            for one in container["env"]
            if "secretKeyRef" in one.get("valueFrom", {})
        } - {"password"}

    assert {role: secrets(role) for role in ROLES} == {
        "api": {"READYUP_JOIN_KEY"},
        "director": set(),
        "allocator": {"READYUP_JOIN_KEY_PUBLIC"},
        "fleets": set(),
        "console": set(),
    }


def test_every_pod_of_ours_is_restricted(plain: list[Document]):
    found = pods(documents(template(valkey__mode="cluster"))) + pods(plain)

    assert len(found) > 8
    for pod in found:
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()


def test_only_the_role_fleets_gets_a_token(plain: list[Document]):
    tokens = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["automountServiceAccountToken"]
        for one in of_kind(plain, "Deployment")
    }

    assert tokens == {f"readyup-{role}": role == "fleets" for role in ROLES}


@pytest.mark.parametrize("mode", ["sentinel", "cluster", "single"])
def test_no_two_selectors_meet(mode: str):
    found = documents(template(valkey__mode=mode))
    owners = [one for one in found if one["kind"] in ("Deployment", "StatefulSet")]

    for one in owners:
        chosen = one["spec"]["selector"]["matchLabels"].items()
        others = [pod for pod in pods(found) if pod is not one["spec"]["template"]]
        assert chosen <= one["spec"]["template"]["metadata"]["labels"].items()
        assert not any(chosen <= pod["metadata"]["labels"].items() for pod in others)


@pytest.mark.parametrize("profile", [None, *FILES], ids=lambda path: path.stem if path else "plain")
def test_fleets_of_the_chart_are_found_right(profile: Path | None):
    found = documents(template(*([profile] if profile else []), game__fleets="chart"))
    errors = [one for one in judge(found) if one.severity is Severity.ERROR]

    assert of_kind(found, "Fleet")
    assert errors == []


FIXED = ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")


@pytest.mark.parametrize("mode", ["sentinel", "cluster", "single"])
def test_what_may_never_change_is_as_the_chart_before_had_it(mode: str):
    def fixed(chart: Path) -> dict[str, list[object]]:
        where = ("template", "readyup", str(chart), "--kube-version=1.36.3")
        found = documents(helm.run(*where, *helm.options(valkey__mode=mode)))
        makers = [one for one in found if one["kind"] in ("Deployment", "StatefulSet")]
        return {
            f"{one['kind']} {one['metadata']['name']}": [one["spec"].get(key) for key in FIXED]
            for one in makers
        }

    assert fixed(PREVIOUS) == fixed(helm.CHART)


def test_a_disruption_takes_one_pod_of_a_kind(plain: list[Document]):
    budgets = of_kind(plain, "PodDisruptionBudget")

    assert len(budgets) == len(ROLES) + 1
    assert {one["spec"]["maxUnavailable"] for one in budgets} == {1}


def test_whoever_tells_events_is_alone_and_knows_no_more_than_it_must():
    found = documents(
        template(
            events__enabled=True,
            events__to=r"kafkas://me@k-0:9093\,k-1:9094/t?ca=/etc/readyup/kafka/ca.crt",
            events__kafka__existingSecret="kafka",
        )
    )
    deployment = named(found, "Deployment", "readyup-events")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    secrets = {
        one["name"]: one["valueFrom"]["secretKeyRef"]["name"]
        for one in container["env"]
        if "secretKeyRef" in one["valueFrom"]
    }
    (egress,) = named(found, "NetworkPolicy", "readyup-events")["spec"]["egress"]

    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert pod["automountServiceAccountToken"] is False
    assert container["args"][:3] == [
        *("events", "--to"),
        "kafkas://me@k-0:9093,k-1:9094/t?ca=/etc/readyup/kafka/ca.crt",
    ]
    assert secrets == {
        "READYUP_STORE_PASSWORD": "readyup-valkey",
        "READYUP_SENTINEL_PASSWORD": "readyup-valkey",
        "READYUP_KAFKA_PASSWORD": "kafka",
    }
    assert egress == {"ports": [{"port": 9093}, {"port": 9094}]}


def test_nothing_of_the_games_is_reached_by_our_budgets_or_policies(plain: list[Document]):
    ours = [*of_kind(plain, "PodDisruptionBudget"), *of_kind(plain, "NetworkPolicy")]

    assert {one["metadata"].get("namespace", "readyup") for one in ours} == {"readyup"}


def test_helms_own_test_reaches_the_api_whoever_the_players_are():
    found = documents(template(networkPolicy__players="{203.0.113.0/24}"))
    (rule,) = named(found, "NetworkPolicy", "readyup-api")["spec"]["ingress"]
    (match,) = (one for one in of_kind(found, "Pod") if "match" in one["metadata"]["name"])
    peers = [one["podSelector"]["matchLabels"] for one in rule["from"] if "podSelector" in one]

    assert {"ipBlock": {"cidr": "203.0.113.0/24"}} in rule["from"]
    assert any(peer.items() <= match["metadata"]["labels"].items() for peer in peers)


def test_a_policy_of_no_fleets_opens_no_port_and_is_still_an_expression(tmp_path: Path):
    values = tmp_path / "far.yaml"
    values.write_text(
        """settings:
  fleets: { arena: null }
  queues: { duel: { fleet: mine } }
  own_fleets: { mine: { url: "https://servers.example.com/take", key: "of the tests" } }
"""
    )
    (policy,) = of_kind(documents(template(values)), "ValidatingAdmissionPolicy")
    ports = [
        one["expression"] for one in policy["spec"]["validations"] if "Port" in one["expression"]
    ]

    assert "variables.game && (false)" in " ".join(ports)


def test_beside_spot_nodes_one_kind_of_node_takes_the_roles_and_the_store():
    found = documents(template(helm.PROFILES / "spot.yaml"))
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    (way,) = {
        str(one["spec"]["affinity"]["nodeAffinity"][required])
        for one in pods(found)
        if one["metadata"]["labels"]["app.kubernetes.io/component"] in ROLES
    }
    (store,) = of_kind(found, "StatefulSet")

    assert store["spec"]["template"]["spec"]["nodeSelector"] == {"readyup/spot": "false"}
    assert "{'key': 'readyup/spot', 'operator': 'NotIn', 'values': ['true']}" in way


def test_root_is_ruled_out_unless_a_fleet_asks_for_it():
    def words(**sets: object) -> str:
        (policy,) = of_kind(documents(template(**sets)), "ValidatingAdmissionPolicy")
        return str(policy)

    assert "runAsNonRoot" in words()
    assert "runAsNonRoot" not in words(settings__fleets__arena__pod__non_root=False)
