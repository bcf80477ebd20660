"""Nodes that are only objects: several on one machine, each with its own loopback address."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from tests.cluster.plane.api import APPLY, STRATEGIC, Api

REAL = "readyup.test/real"
"""Label "true": of a pod, that a test runs its processes; of a node, that such pods go there."""

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


@dataclass(frozen=True)
class Node:
    """One node. Real pods all go to the first, since only one process can have a port."""

    name: str
    address: str
    real: bool


def named(count: int) -> tuple[Node, ...]:
    """The nodes of a plane: node-1 on 127.0.0.11, node-2 on 127.0.0.12, and so on."""
    return tuple(Node(f"node-{n}", f"127.0.0.{10 + n}", n == 1) for n in range(1, count + 1))


async def register(api: Api, node: Node) -> None:
    """Create the node, or make it ready again."""
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        REAL: str(node.real).lower(),
    }
    metadata = {"name": node.name, "labels": labels}
    body = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
    path = f"/api/v1/nodes/{node.name}"
    await api.apply(path, body)
    await api.patch(f"{path}/status", {"status": _status(node)}, STRATEGIC)
    await renew(api, node)


async def renew(api: Api, node: Node) -> None:
    """Say that the node lives, as a kubelet does every ten seconds."""
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": node.name, "namespace": "kube-node-lease"},
        "spec": {
            "holderIdentity": node.name,
            "leaseDurationSeconds": 40,
            "renewTime": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }
    query = "fieldManager=plane&force=true"
    await api.patch(f"{_LEASES}/{node.name}?{query}", body, APPLY)


def stamp(after_s: float = 0.0) -> str:
    """The time in ``after_s`` seconds, to the second, as the API writes it."""
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=after_s)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def _status(node: Node) -> dict[str, Any]:
    room = {"cpu": "1000", "memory": "4000Gi", "pods": "2000", "ephemeral-storage": "4000Gi"}
    condition = {"lastHeartbeatTime": stamp(), "lastTransitionTime": stamp()}
    return {
        "capacity": room,
        "allocatable": room,
        "addresses": [
            {"type": "InternalIP", "address": node.address},
            {"type": "Hostname", "address": node.name},
        ],
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "KubeletReady", **condition},
            *(
                {"type": pressure, "status": "False", "reason": "KubeletHasEnough", **condition}
                for pressure in ("MemoryPressure", "DiskPressure", "PIDPressure")
            ),
        ],
        "nodeInfo": {
            "kubeletVersion": "v1.36.0",
            "osImage": "stand-in",
            "kernelVersion": "",
            "containerRuntimeVersion": "",
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }
