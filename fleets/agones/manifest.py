"""From a fleet's spec to what Kubernetes is given: a stock Agones Fleet, and what goes with it.

Pure: the same spec gives the same documents, which ``readyup fleet render`` prints and the
fleets role applies.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleets.agones.pods import (
    SIDECAR_ANNOTATION,
    Manifest,
    merged,
    pod_template,
    required_labels,
    tolerated,
)
from fleets.pod import PodSpec
from fleets.spec import FleetSpec

GAME: Final = "game"
"""The game's container."""

PRIORITY: Final = 1_000_000
"""Far above the default of 0, far below what Kubernetes keeps for itself (a billion)."""

SYNC_S: Final = 5
"""How often Agones asks our webhook; we scale by ourselves, this is the second way."""

PODS_PATH: Final = "/v1/webhooks/pods"
FLEETS_PATH: Final = "/v1/webhooks/fleets"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Where the API server and Agones find our webhooks."""

    service: str = "readyup-fleets"
    namespace: str = "readyup"
    port: int = 8443
    ca_bundle: str = ""
    """The authority of its certificate: base64 of PEM, as Kubernetes wants it."""

    url: str = ""
    """``https://host:port`` instead of the service, for one that runs outside."""

    def at(self, path: str) -> Manifest:
        """A ``clientConfig`` in Kubernetes' words; Agones' webhooks have the same."""
        ca = {"caBundle": self.ca_bundle} if self.ca_bundle else {}
        if self.url:
            return {"url": f"{self.url.rstrip('/')}{path}", **ca}
        service = {"name": self.service, "namespace": self.namespace, "path": path}
        return {"service": {**service, "port": self.port}, **ca}


@dataclass(frozen=True, slots=True)
class Site:
    """What all fleets of one cluster have in common."""

    namespace: str = "default"
    sessions_url: str = ""
    """``ws(s)://…/v1/servers/connect`` that pods dial."""

    webhooks: Webhooks | None = None
    """None: without ours; then a node holds one hostNetwork server."""


def render(spec: FleetSpec, site: Site) -> list[Manifest]:
    """Everything of one fleet, in the order in which it is to be applied."""
    pod = _pod(spec)
    documents = [priority_class(pod), runtime_class(pod), fleet(spec, site)]
    documents.append(autoscaler(spec, site))
    return [one for one in documents if one is not None]


def fleet(spec: FleetSpec, site: Site) -> Manifest:
    """The Fleet. It owns ``replicas`` only where they are fixed; else that is the plan's."""
    pod = _pod(spec)
    fixed = {} if spec.replicas is None else {"replicas": spec.replicas}
    labels = {"app.kubernetes.io/managed-by": "readyup"}
    return {
        "apiVersion": "agones.dev/v1",
        "kind": "Fleet",
        "metadata": {
            "name": spec.name,
            "namespace": site.namespace,
            "labels": labels,
            # A Fleet that is pruned takes the matches of its Allocated servers with it.
            "annotations": {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"},
        },
        "spec": {
            **fixed,
            "scheduling": "Packed",
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {
                    "maxSurge": _count(pod.surge),
                    "maxUnavailable": _count(pod.unavailable),
                },
            },
            "template": _game_server(spec, pod, site),
        },
    }


def _game_server(spec: FleetSpec, pod: PodSpec, site: Site) -> Manifest:
    health = spec.health
    sidecar = f"cpu={pod.sidecar_cpu},memory={pod.sidecar_memory}"
    template = pod_template(spec, pod, GAME, sessions_url=site.sessions_url)
    template["metadata"]["annotations"][SIDECAR_ANNOTATION] = sidecar
    return {
        "metadata": {
            "labels": {"readyup/version": spec.version} if spec.version else {},
            "annotations": {"readyup/rooms": str(spec.rooms)},
        },
        "spec": merged(
            {
                "container": GAME,
                "ports": [
                    {
                        "name": "game",
                        "portPolicy": "Passthrough",
                        "protocol": "UDP",
                        **({"range": pod.port_range} if pod.port_range != "default" else {}),
                    }
                ],
                "health": {
                    "initialDelaySeconds": math.ceil(health.initial_delay_s),
                    "periodSeconds": math.ceil(health.period_s),
                    "failureThreshold": health.failure_threshold,
                },
                "eviction": {"safe": pod.eviction},
                # Rooms are handed out over the sessions API without a write to Kubernetes; the
                # runtime shows here what is taken, for those who look through Agones alone.
                "counters": {"rooms": {"count": 0, "capacity": spec.rooms}},
                "template": template,
            },
            pod.extra_server,
        ),
    }


def autoscaler(spec: FleetSpec, site: Site) -> Manifest | None:
    """Our plan through Agones' own loop, and a plain buffer while we do not answer.

    None for a fixed size, and where no webhook of ours runs.
    """
    if spec.replicas is not None or site.webhooks is None:
        return None
    size_max = max(1, spec.ceiling())
    buffer = min(max(1, spec.buffer), size_max)
    ready = {
        "bufferSize": buffer,
        # Agones wants 0 or at least the buffer.
        "minReplicas": max(spec.size_min, buffer) if spec.size_min else 0,
        "maxReplicas": size_max,
    }
    chain = [
        {"id": "plan", "type": "Webhook", "webhook": site.webhooks.at(FLEETS_PATH)},
        {"id": "buffer", "type": "Buffer", "buffer": ready},
    ]
    return {
        "apiVersion": "autoscaling.agones.dev/v1",
        "kind": "FleetAutoscaler",
        "metadata": {"name": spec.name, "namespace": site.namespace},
        "spec": {
            "fleetName": spec.name,
            "policy": {"type": "Chain", "chain": chain},
            "sync": {"type": "FixedInterval", "fixedInterval": {"seconds": SYNC_S}},
        },
    }


def priority_class(pod: PodSpec) -> Manifest | None:
    """The class that keeps other pods from taking a match's place."""
    if not pod.priority_class:
        return None
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": pod.priority_class},
        "value": PRIORITY,
        "globalDefault": False,
        "description": "Game servers: nothing else of this cluster may end a match.",
    }


def runtime_class(pod: PodSpec) -> Manifest | None:
    """The class of the real-time nodes, where its handler is named."""
    if not pod.runtime_handler:
        return None
    labels = required_labels(pod)
    labels.pop("kubernetes.io/arch", None)  # a class serves images of either
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": pod.runtime_class},
        "handler": pod.runtime_handler,
        "scheduling": {
            "nodeSelector": labels,
            "tolerations": [tolerated(text) for text in pod.tolerations],
        },
    }


def pods_webhook(site: Site) -> Manifest | None:
    """The API server's order to ask us about each game server's pod; None without webhooks."""
    if site.webhooks is None:
        return None
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        # One for each namespace of games: another installation has its own.
        "metadata": {"name": f"readyup-pods-{site.namespace}"},
        "webhooks": [
            {
                "name": "pods.readyup.dev",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                # A pod that we did not see would take the ports of another's sidecar.
                "failurePolicy": "Fail",
                "reinvocationPolicy": "IfNeeded",
                "timeoutSeconds": 5,
                "matchPolicy": "Equivalent",
                "clientConfig": site.webhooks.at(PODS_PATH),
                # Nobody else's game servers shall wait for us, or be refused by our measure.
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": site.namespace}
                },
                "objectSelector": {"matchLabels": {"agones.dev/role": "gameserver"}},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                        "scope": "Namespaced",
                    }
                ],
            }
        ],
    }


def sidecar_values(pod: PodSpec) -> Mapping[str, str]:
    """Agones' Helm values that make the sidecar's requests its limits, without our webhook."""
    key = "agones.image.sdk"
    return {
        f"{key}.cpuRequest": pod.sidecar_cpu,
        f"{key}.cpuLimit": pod.sidecar_cpu,
        f"{key}.memoryRequest": pod.sidecar_memory,
        f"{key}.memoryLimit": pod.sidecar_memory,
    }


def _pod(spec: FleetSpec) -> PodSpec:
    assert spec.pod is not None, "only fleets of pods have a manifest"
    return spec.pod


def _count(text: str) -> int | str:
    return text if text.endswith("%") else int(text)
