"""A fleet of pods, and a pod as stock Agones makes it for one of its servers."""

import copy
from typing import Any

from fleets.agones.manifest import Site, Webhooks
from fleets.spec import FleetSpec, parse_fleets

SITE = Site(
    namespace="games",
    sessions_url="ws://sessions.readyup.svc.cluster.local.:8082/v1/servers/connect",
    webhooks=Webhooks(ca_bundle="Q0E="),
)


def pod_fleet(pod: dict[str, Any] | None = None, **fleet: object) -> FleetSpec:
    """A fleet ``arena`` of pods, with what is told changed."""
    table = {
        "reserve": 8,
        "buffer": 2,
        "size_max": 100,
        "rooms": 4,
        "version": "1.4.2",
        **fleet,
        "pod": {"image": "registry/arena:1.4.2", **(pod or {})},
    }
    (spec,) = parse_fleets({"arena": table})
    return spec


_PROBE = {"httpGet": {"path": "/gshealthz", "port": 8080}, "periodSeconds": 5}
_SIDECAR = {
    "name": "agones-gameserver-sidecar",
    "image": "registry/agones-sdk:1.60.0",
    "args": ["--grpc-port=9357", "--http-port=9358"],
    "env": [{"name": "GAMESERVER_NAME", "value": "arena-x7-k2"}],
    "resources": {"requests": {"cpu": "30m"}},
    "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 3},
}


def agones_pod(host_port: int = 7003, *, native_sidecar: bool = True) -> dict[str, Any]:
    """What Agones 1.60 sends to the API server; with its gate SidecarContainers off the sidecar
    is an ordinary container.
    """
    sidecar = copy.deepcopy(_SIDECAR)
    game = {
        "name": "game",
        "image": "registry/arena:1.4.2",
        "env": [
            {"name": "READYUP_FLEET", "value": "arena"},
            {"name": "AGONES_SDK_GRPC_PORT", "value": "9357"},
            {"name": "AGONES_SDK_HTTP_PORT", "value": "9358"},
        ],
        "ports": [{"containerPort": host_port, "hostPort": host_port, "protocol": "UDP"}],
        "resources": {
            "requests": {"cpu": "1", "memory": "256Mi"},
            "limits": {"cpu": "1", "memory": "256Mi"},
        },
        "livenessProbe": copy.deepcopy(_PROBE),
    }
    spec: dict[str, Any] = {"hostNetwork": True, "containers": [game]}
    if native_sidecar:
        spec["initContainers"] = [sidecar | {"restartPolicy": "Always"}]
    else:
        spec["containers"].append(sidecar)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "arena-x7-k2",
            "labels": {"agones.dev/role": "gameserver"},
            "annotations": {
                "agones.dev/container": "game",
                "agones.dev/container-passthrough-port-assignment": '{"game":[0]}',
                "readyup/sidecar": "cpu=30m,memory=32Mi",
            },
            "ownerReferences": [
                {"kind": "GameServer", "name": "arena-x7-k2", "uid": "u-1", "controller": True}
            ],
        },
        "spec": spec,
    }


def container(pod: dict[str, Any], name: str) -> dict[str, Any]:
    """One container of a pod, wherever it stands."""
    spec = pod["spec"]
    every = [*spec.get("initContainers", ()), *spec["containers"]]
    return next(one for one in every if one["name"] == name)


def variables(one: dict[str, Any]) -> dict[str, str]:
    """A container's environment, what the kubelet fills in left out."""
    return {entry["name"]: entry["value"] for entry in one["env"] if "value" in entry}
