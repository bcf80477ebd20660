"""The pod inside a fleet's manifest: pinned, on the host's network, and hard to push aside."""

from collections.abc import Mapping
from typing import Any, Final

from fleets.pod import ONE_NUMA_NODE, PREEMPT_RT, PodSpec, toleration
from fleets.spec import FleetSpec

SIDECAR_ANNOTATION: Final = "readyup/sidecar"
"""On a pod: what our webhook gives Agones' sidecar, e.g. ``cpu=30m,memory=32Mi``."""

GOODBYE_S: Final = 10
"""Between the last match's time limit and SIGKILL: the last release, and Shutdown()."""

Manifest = dict[str, Any]


def pod_template(spec: FleetSpec, pod: PodSpec, container: str, *, sessions_url: str) -> Manifest:
    """The pod's metadata and spec, as a GameServer's template carries them."""
    inside = {
        **_scheduling(pod),
        **_network(pod),
        "terminationGracePeriodSeconds": int(spec.grace_s) + GOODBYE_S,
        # A variable for each Service of the namespace is nothing that a game server reads.
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "imagePullSecrets": [{"name": name} for name in pod.pull_secrets],
        "volumes": [
            {"name": f"hugepages-{size.lower()}", "emptyDir": {"medium": f"HugePages-{size}"}}
            for size in pod.hugepages
        ],
        "containers": [_container(spec, pod, container, sessions_url)],
    }
    inside = {key: value for key, value in inside.items() if value not in ([], {}, "")}
    return {
        "metadata": {
            "labels": {"readyup/fleet": spec.name, **_mesh_labels(pod), **pod.labels},
            "annotations": {**_mesh_annotations(pod), **pod.annotations},
        },
        "spec": merged(inside, pod.extra_pod),
    }


def required_labels(pod: PodSpec) -> dict[str, str]:
    """Labels without which a node does not get these servers."""
    return {
        **({"kubernetes.io/arch": pod.arch} if pod.arch else {}),
        **pod.node_labels,
        **({ONE_NUMA_NODE: "single-numa-node"} if pod.numa else {}),
        **({PREEMPT_RT: "true"} if pod.realtime else {}),
    }


def tolerated(text: str) -> Manifest:
    """A toleration in Kubernetes' words."""
    taint = toleration(text)
    wanted: Manifest = {"key": taint.key, "operator": "Exists"}
    if taint.value is not None:
        wanted |= {"operator": "Equal", "value": taint.value}
    return {**wanted, **({"effect": taint.effect} if taint.effect else {})}


def merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> Manifest:
    """``extra`` into ``base``: tables into tables, lists after lists, the rest replaced.

    >>> merged({"a": {"b": 1}, "c": [1]}, {"a": {"d": 2}, "c": [2]})
    {'a': {'b': 1, 'd': 2}, 'c': [1, 2]}
    """
    whole = dict(base)
    for key, value in extra.items():
        there = whole.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            whole[key] = merged(there, value)
        elif isinstance(there, list) and isinstance(value, list | tuple):
            whole[key] = [*there, *value]
        else:
            whole[key] = value
    return whole


def _scheduling(pod: PodSpec) -> Manifest:
    wanted = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in required_labels(pod).items()
    ]
    required = {"nodeSelectorTerms": [{"matchExpressions": wanted}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    return {
        "affinity": affinity if wanted else {},
        "tolerations": [tolerated(text) for text in pod.tolerations],
        "priorityClassName": pod.priority_class,
        "runtimeClassName": pod.runtime_class,
    }


def _network(pod: PodSpec) -> Manifest:
    # One question for each name instead of five: names are written whole.
    dns = {"dnsConfig": {"options": [{"name": "ndots", "value": "1"}]}}
    if not pod.host_network:
        return dns
    # Plain ClusterFirst would ask the node's own resolver, which knows no Service.
    return {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet", **dns}


def _container(spec: FleetSpec, pod: PodSpec, name: str, sessions_url: str) -> Manifest:
    # Requests equal to limits and a whole number of cores: only so the kubelet's static
    # CPU manager takes the cores away from everybody else.
    amounts = {
        "cpu": str(spec.cpus),
        "memory": pod.memory,
        **{f"hugepages-{size}": amount for size, amount in pod.hugepages.items()},
    }
    capabilities: Manifest = {"drop": ["ALL"]}
    if pod.realtime:
        capabilities["add"] = ["SYS_NICE"]
    container = {
        "name": name,
        "image": pod.image,
        "imagePullPolicy": pod.pull,
        "command": list(spec.command),
        "args": list(pod.args),
        "env": _variables(spec, sessions_url),
        "resources": {"requests": amounts, "limits": dict(amounts)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": capabilities,
            **({"runAsNonRoot": True} if pod.non_root else {}),
        },
        "volumeMounts": [
            {"name": f"hugepages-{size.lower()}", "mountPath": f"/hugepages-{size}"}
            for size in pod.hugepages
        ],
    }
    kept = {key: value for key, value in container.items() if value != []}
    return merged(kept, pod.extra_container)


def _variables(spec: FleetSpec, sessions_url: str) -> list[Manifest]:
    told = _environment(spec, sessions_url)
    # The node's; what players dial is for Agones to say, and it tells the fleets role.
    address = {"fieldRef": {"fieldPath": "status.hostIP"}}
    return [
        *({"name": name, "value": text} for name, text in told.items()),
        {"name": "READYUP_ADDRESS", "valueFrom": address},
    ]


def _environment(spec: FleetSpec, sessions_url: str) -> dict[str, str]:
    """What all servers of a fleet have in common; name, uid and ports come with each pod."""
    given = {
        **spec.env,
        "READYUP_FLEET": spec.name,
        "READYUP_ROOMS": str(spec.rooms),
        "READYUP_VERSION": spec.version,
        "READYUP_SESSIONS_URL": sessions_url,
        "READYUP_DRAIN_S": str(int(spec.grace_s)),
        "READYUP_CPUS": str(spec.cpus),
    }
    return {key: value for key, value in given.items() if value}


def _mesh_labels(pod: PodSpec) -> dict[str, str]:
    if pod.mesh:
        return {}
    return {"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none"}


def _mesh_annotations(pod: PodSpec) -> dict[str, str]:
    return {} if pod.mesh else {"linkerd.io/inject": "disabled"}
