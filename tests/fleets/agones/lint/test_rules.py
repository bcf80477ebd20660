"""Every rule of the lint: one manifest that breaks it, and one that breaks none."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import Invalid
from fleets.agones.lint.judge import CHAPTERS, judge
from fleets.agones.lint.rule import Severity
from fleets.agones.manifest import pods_webhook, render
from tests.fleets.agones.samples import SITE, pod_fleet

Documents = dict[str, Any]
"""Kind to document."""


def good() -> Documents:
    pod = {"image": "registry/arena@sha256:00"}
    documents = {one["kind"]: one for one in render(pod_fleet(pod, cpus=2), SITE)}
    webhook = pods_webhook(SITE)
    assert webhook is not None
    namespace = {"kind": "Namespace", "metadata": {"name": "games", "labels": {}}}
    return copy.deepcopy({**documents, webhook["kind"]: webhook, "Namespace": namespace})


def put(path: str, value: Any) -> Callable[[Documents], None]:  # noqa: ANN401 - JSON
    """Write one value, e.g. at ``Fleet/spec/template``; None takes it out."""
    *way, last = path.split("/")

    def change(documents: Documents) -> None:
        place: Any = documents
        for key in way:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if isinstance(place, list):
            place[int(last)] = value
        elif value is None:
            place.pop(last, None)
        else:
            place[last] = value

    return change


def both(*changes: Callable[[Documents], None]) -> Callable[[Documents], None]:
    def change(documents: Documents) -> None:
        for one in changes:
            one(documents)

    return change


def beside(kind: str, spec: Any, **fields: Any) -> Callable[[Documents], None]:  # noqa: ANN401
    metadata = {"name": "other", "namespace": "games"}
    return put(kind, {"kind": kind, "metadata": metadata, "spec": spec, **fields})


SERVER = "Fleet/spec/template/spec"
META = f"{SERVER}/template/metadata"
POD = f"{SERVER}/template/spec"
GAME = f"{POD}/containers/0"
AFFINITY = f"{POD}/affinity/nodeAffinity"
POLICY = "FleetAutoscaler/spec/policy"
REQUIRED = {
    "nodeSelectorTerms": [
        {"matchExpressions": [{"key": "topology-manager", "operator": "In", "values": ["x"]}]}
    ]
}
FLEET_REF = {"kind": "Fleet", "name": "arena"}


def annotation(key: str, value: str | None) -> Callable[[Documents], None]:
    def change(documents: Documents) -> None:
        meta = documents["Fleet"]["spec"]["template"]["spec"]["template"]["metadata"]
        meta["annotations"].pop(key, None)
        if value is not None:
            meta["annotations"][key] = value

    return change


def rename(fields: dict[str, Any]) -> Callable[[Documents], None]:
    return lambda documents: documents["Fleet"].update(fields)


BAD: dict[str, Callable[[Documents], None]] = {
    "cpu-whole": put(f"{GAME}/resources/limits/cpu", "1500m"),
    "guaranteed": put(f"{GAME}/resources/requests/memory", "64Mi"),
    "sidecar-limits": annotation("readyup/sidecar", None),
    "qos-live": put(
        "Pod",
        {
            "kind": "Pod",
            "metadata": {
                "name": "arena-1",
                "namespace": "games",
                "labels": {"agones.dev/role": "gameserver"},
            },
            "status": {"qosClass": "Burstable"},
        },
    ),
    "cpu-odd": put(f"{GAME}/resources/limits/cpu", "1"),
    "vpa": beside("VerticalPodAutoscaler", {"targetRef": FLEET_REF}),
    "limit-range": beside("LimitRange", {"limits": [{"default": {"cpu": "1"}}]}),
    "hugepages-equal": put(f"{GAME}/resources/requests/hugepages-2Mi", "4Mi"),
    "hugepages-alone": put(f"{GAME}/resources/limits", {"hugepages-2Mi": "4Mi"}),
    "hugepages-volume": put(f"{GAME}/resources/limits/hugepages-2Mi", "4Mi"),
    "numa": put(f"{AFFINITY}/requiredDuringSchedulingIgnoredDuringExecution", REQUIRED),
    "affinity-preferred": put(
        AFFINITY, {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}
    ),
    "affinity-missing": put(f"{POD}/affinity", None),
    "tolerations-missing": put(f"{POD}/tolerations", None),
    "agones-nodes": put(f"{POD}/tolerations", [{"key": "agones.dev/agones-system"}]),
    "spread": put(f"{POD}/topologySpreadConstraints", [{"maxSkew": 1}]),
    "priority-missing": put(f"{POD}/priorityClassName", None),
    "priority-class": put("PriorityClass/globalDefault", True),
    "eviction-always": put(f"{SERVER}/eviction/safe", "Always"),
    "eviction-annotation": annotation("cluster-autoscaler.kubernetes.io/safe-to-evict", "true"),
    "pdb-double": beside(
        "PodDisruptionBudget", {"selector": {"matchLabels": {"readyup/fleet": "arena"}}}
    ),
    "realtime-anywhere": put(f"{GAME}/securityContext/capabilities/add", ["SYS_NICE"]),
    "host-network": put(f"{POD}/hostNetwork", None),
    "port-dynamic": put(f"{SERVER}/ports", [{"name": "game", "containerPort": 7000}]),
    "port-static": put(
        f"{SERVER}/ports", [{"portPolicy": "Static", "containerPort": 7000, "hostPort": 7001}]
    ),
    "port-passthrough": put(f"{SERVER}/ports/0/containerPort", 7000),
    "port-missing": put(f"{SERVER}/ports", None),
    "sdk-ports-shared": both(
        annotation("readyup/sidecar", None), put("MutatingWebhookConfiguration/webhooks", [])
    ),
    "sdk-ports-same": put(f"{SERVER}/sdkServer", {"grpcPort": 8080}),
    "health-port-taken": put(f"{GAME}/ports", [{"containerPort": 8080}]),
    "sdk-variables": put(f"{GAME}/env", [{"name": "AGONES_SDK_GRPC_PORT", "value": "1"}]),
    "dns-policy": put(f"{POD}/dnsPolicy", None),
    "dns-ndots": put(f"{POD}/dnsConfig", None),
    "mesh": annotation("linkerd.io/inject", None),
    "network-policy": beside(
        "NetworkPolicy", {"podSelector": {"matchLabels": {"agones.dev/role": "gameserver"}}}
    ),
    "second-network": annotation("k8s.v1.cni.cncf.io/networks", "gamenet"),
    "api-version": rename({"apiVersion": "agones.dev/v2"}),
    "container-unknown": put(f"{SERVER}/container", "main"),
    "image-moving": put(f"{GAME}/image", "registry:5000/arena"),
    "grace-default": put(f"{POD}/terminationGracePeriodSeconds", None),
    "grace-below-drain": put(f"{POD}/terminationGracePeriodSeconds", 60),
    "grace-above-autoscaler": put(f"{SERVER}/eviction/safe", "OnUpgrade"),
    "restart-policy": put(f"{POD}/restartPolicy", "Always"),
    "health-disabled": put(f"{SERVER}/health/disabled", True),
    "health-tight": put(f"{SERVER}/health", {"periodSeconds": 1, "failureThreshold": 1}),
    "namespace-baseline": lambda documents: documents["Namespace"]["metadata"]["labels"].update(
        {"pod-security.kubernetes.io/enforce": "baseline"}
    ),
    "privileged": put(f"{POD}/volumes", [{"name": "x", "hostPath": {"path": "/"}}]),
    "service-account": put(f"{POD}/serviceAccountName", "mine"),
    "player-tracking": put(f"{SERVER}/players", {"initialCapacity": 10}),
    "replicas-owned": put("Fleet/spec/replicas", 3),
    "hpa": beside("HorizontalPodAutoscaler", {"scaleTargetRef": FLEET_REF}),
    "autoscalers-two": put(
        "Second",
        {
            "kind": "FleetAutoscaler",
            "metadata": {"name": "b", "namespace": "games"},
            "spec": {"fleetName": "arena", "sync": {"fixedInterval": {"seconds": 5}}},
        },
    ),
    "webhook-alone": put(POLICY, {"type": "Webhook"}),
    "chain-order": put(
        POLICY, {"type": "Chain", "chain": [{"type": "Buffer"}, {"type": "Webhook"}]}
    ),
    "buffer-limits": put(f"{POLICY}/chain/1/buffer/minReplicas", 1),
    "sync-slow": put("FleetAutoscaler/spec/sync", None),
    "recreate": put("Fleet/spec/strategy/type", "Recreate"),
    "rollout-steps": put("Fleet/spec/strategy/rollingUpdate/maxSurge", 0),
    "prune": put("Fleet/metadata/annotations", None),
}

RULES = {rule.id: rule for chapter in CHAPTERS for rule in chapter.rules}


def test_what_we_render_breaks_no_rule():
    assert judge(list(good().values())) == ()


def test_every_rule_has_a_manifest_that_breaks_it():
    assert list(BAD) == list(RULES)


@pytest.mark.parametrize("name", BAD)
def test_a_broken_manifest_is_found_with_its_place_and_its_cure(name: str):
    documents = good()
    BAD[name](documents)

    found = {one.id: one for one in judge(list(documents.values()))}

    assert name in found
    assert found[name].fleet == "arena"
    assert found[name].path
    assert found[name].cure == RULES[name].cure
    assert len(found) <= 4


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_is_told_in_whole_sentences(rule):
    assert rule.why.endswith(".")
    assert rule.cure.endswith(".")
    assert rule.id == rule.id.lower()


def test_errors_come_first():
    documents = good()
    for name in ("tolerations-missing", "affinity-missing", "dns-policy"):
        BAD[name](documents)

    found = [one.severity for one in judge(list(documents.values()))]

    assert found == [Severity.ERROR, Severity.WARNING, Severity.NOTE]


def test_a_list_as_kubectl_prints_it_is_unpacked():
    documents = good()
    BAD["cpu-whole"](documents)

    found = judge([{"kind": "List", "items": list(documents.values())}])

    assert [one.id for one in found] == ["cpu-whole", "guaranteed"]


def test_documents_of_another_namespace_are_not_this_fleets():
    documents = good()
    BAD["hpa"](documents)
    documents["HorizontalPodAutoscaler"]["metadata"]["namespace"] = "elsewhere"

    assert judge(list(documents.values())) == ()


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ["arena", "duel"], True),
        ("In", ["web"], False),
        ("NotIn", ["arena"], False),
        ("NotIn", ["web"], True),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_a_budget_is_read_by_its_expressions_too(
    operator: str, values: list[str] | None, selected: bool
):
    documents = good()
    one = {"key": "readyup/fleet", "operator": operator, "values": values}
    beside("PodDisruptionBudget", {"selector": {"matchExpressions": [one]}})(documents)

    found = [one.id for one in judge(list(documents.values()))]

    assert found == (["pdb-double"] if selected else [])


def test_a_volume_that_names_no_size_is_of_the_one_that_is_asked_for():
    documents = good()
    for kind in ("limits", "requests"):
        put(f"{GAME}/resources/{kind}/hugepages-2Mi", "64Mi")(documents)
    put(f"{POD}/volumes", [{"name": "pages", "emptyDir": {"medium": "HugePages"}}])(documents)

    assert judge(list(documents.values())) == ()


def test_an_empty_fleet_is_judged_and_not_fallen_over():
    found = judge([{"kind": "Fleet"}])

    assert {"cpu-whole", "container-unknown", "api-version"} <= {one.id for one in found}


def test_without_a_fleet_there_is_nothing_to_judge():
    with pytest.raises(Invalid, match="no Fleet"):
        judge([{"kind": "Pod"}])
