"""What a game server's pod is asked to be: the table ``[fleets.NAME.pod]``.

With it a fleet runs on Agones; without it, as local processes. How it becomes a
manifest is in fleets/agones/manifest.py.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from core.errors import Invalid
from fleets.agones.ports import HOST_PORT_MAX, HOST_PORT_MIN

STATIC_CPUS: Final = "readyup/cpu-manager"
"""Label of nodes whose kubelet gives out whole cores; Kubernetes has none of its own."""

ONE_NUMA_NODE: Final = "readyup/topology-manager"
"""Label of nodes whose kubelet keeps a container on one NUMA node."""

PREEMPT_RT: Final = "feature.node.kubernetes.io/kernel-config.PREEMPT_RT"
"""Label of nodes with a real-time kernel, as Node Feature Discovery sets it when asked to."""

PORTS: Final = "7000-8000"
"""Agones' own range."""

GRACE_S: Final = 1_800.0
"""Half an hour: what a match may take unless ``grace_s`` says otherwise."""

_QUANTITY = re.compile(r"[1-9]\d*(Ki|Mi|Gi|Ti|k|M|G|T)?")
_CPU = re.compile(r"[1-9]\d*m?")
_TAINT = re.compile(
    r"(?P<key>[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?)(=(?P<value>[\w.-]*))?"
    r"(:(?P<effect>NoSchedule|NoExecute|PreferNoSchedule))?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}\w)?")
_IMAGE = re.compile(r"\S+")
_SHARE = re.compile(r"[1-9]\d?%|[1-9]\d{0,3}")


@dataclass(frozen=True, slots=True)
class PodSpec:
    """One game server's pod."""

    image: str
    """The game's image, best by digest."""

    args: tuple[str, ...] = ()
    """Arguments for the image's entry point, or for the fleet's ``command`` where it has one."""

    pull: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When a node fetches the image."""

    pull_secrets: tuple[str, ...] = ()
    """Secrets of the namespace with the registry's credentials."""

    memory: str = "256Mi"
    """Requested, and the limit too: only then are the cores of ``cpus`` its own."""

    sidecar_cpu: str = "30m"
    """For Agones' sidecar, requested and the limit. Our webhook sets it; without the webhook
    Agones' Helm values must."""

    sidecar_memory: str = "32Mi"
    """The same for its memory."""

    host_network: bool = True
    """On the host's network: no translation between players and the game. Several of them on a
    node need our webhook."""

    port_range: str = "default"
    """Agones' name of the range that ``ports`` describes."""

    node_labels: Mapping[str, str] = field(default_factory=lambda: {STATIC_CPUS: "static"})
    """Labels that a node must have."""

    arch: Literal["amd64", "arm64", ""] = "amd64"
    """The image's architecture; empty runs anywhere."""

    tolerations: tuple[str, ...] = ("gameserver=true:NoSchedule",)
    """Taints that are no hindrance, written as kubectl does."""

    numa: bool = False
    """Only on nodes that keep a server on one NUMA node: label readyup/topology-manager."""

    realtime: bool = False
    """Only on nodes with a PREEMPT_RT kernel, and with the right to real-time scheduling."""

    runtime_class: str = ""
    """A RuntimeClass, e.g. that of the real-time nodes."""

    runtime_handler: str = ""
    """The container runtime's handler; with it the RuntimeClass is rendered too."""

    priority_class: str = "readyup-gameservers"
    """Without a class, any pod of higher priority may end a match. Empty is none."""

    hugepages: Mapping[str, str] = field(default_factory=dict)
    """Size of a page to what is needed, e.g. ``{"2Mi" = "64Mi"}``; mounted at
    /hugepages-2Mi."""

    eviction: Literal["Never", "OnUpgrade", "Always"] = "Never"
    """What may end a server that plays: nothing, a node's upgrade, or the autoscaler too."""

    mesh: bool = False
    """Whether a service mesh may put its sidecar into the pod; it would share the cores."""

    non_root: bool = True
    """Whether a node refuses an image that runs as root."""

    surge: str = "25%"
    """Servers that a rollout may start above the fleet's size: a number or a share."""

    unavailable: str = "25%"
    """Servers that a rollout may be short of."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of the pod."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    """Further annotations of the pod."""

    extra_pod: Mapping[str, Any] = field(default_factory=dict)  # Kubernetes' own words
    """Merged into the pod's spec: tables into tables, lists after lists."""

    extra_container: Mapping[str, Any] = field(default_factory=dict)
    """Merged into the game's container."""

    extra_server: Mapping[str, Any] = field(default_factory=dict)
    """Merged into the GameServer's spec, e.g. its ``counters`` and ``lists``."""

    extra_selector: Mapping[str, Any] = field(default_factory=dict)
    """Merged into each selector by which a Ready server is claimed: ``counters``, ``lists``,
    ``matchExpressions``."""

    extra_allocation: Mapping[str, Any] = field(default_factory=dict)
    """Merged into a claim's GameServerAllocation: ``priorities``, ``counters``, ``lists``."""


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint that is no hindrance; an empty effect stands for every one."""

    key: str
    value: str | None
    effect: str


def toleration(text: str) -> Toleration:
    """From ``key=value:effect`` as kubectl writes taints.

    >>> toleration("gameserver=true:NoSchedule")
    Toleration(key='gameserver', value='true', effect='NoSchedule')

    Raises:
        Invalid: not such a text.
    """
    found = _TAINT.fullmatch(text)
    if found is None:
        raise Invalid(f"{text!r} is no taint; write key=value:NoSchedule as kubectl does")
    return Toleration(found["key"], found["value"], found["effect"] or "")


POD_KEYS: Final = frozenset(one.name for one in dataclasses.fields(PodSpec))

Wrong = tuple[str, str]
"""Where inside the pod's table, and what with its cure."""


def pod_wrong(pod: PodSpec) -> Wrong | None:
    """The first thing that Kubernetes would not take; None when all is well."""
    shapes = (
        ("image", _IMAGE, "no image; write for example registry/arena@sha256:…"),
        ("memory", _QUANTITY, 'no amount of memory; write for example "256Mi"'),
        ("sidecar_memory", _QUANTITY, 'no amount of memory; write for example "32Mi"'),
        ("sidecar_cpu", _CPU, 'no share of a core; write for example "30m"'),
        ("surge", _SHARE, 'neither a number from 1 nor a share from "1%" to "99%"'),
        ("unavailable", _SHARE, 'neither a number from 1 nor a share from "1%" to "99%"'),
    )
    for key, shape, cure in shapes:
        if not shape.fullmatch(getattr(pod, key)):
            return key, f'"{getattr(pod, key)}" is {cure}'
    for n, taint in enumerate(pod.tolerations):
        if not _TAINT.fullmatch(taint):
            return f"tolerations[{n}]", f'"{taint}" is no taint; write "gameserver=true:NoSchedule"'
    for size, amount in pod.hugepages.items():
        if size not in ("2Mi", "1Gi") or not _QUANTITY.fullmatch(amount):
            return f"hugepages.{size}", 'write the size of a page and the amount: {"2Mi" = "64Mi"}'
    if pod.runtime_handler and not pod.runtime_class:
        return "runtime_handler", "needs runtime_class, the name of the class to render"
    return _labels_wrong(pod)


def _labels_wrong(pod: PodSpec) -> Wrong | None:
    for table in ("node_labels", "labels"):
        for key, value in getattr(pod, table).items():
            if not _LABEL_KEY.fullmatch(key) or not label_value(value):
                return f"{table}.{key}", "is no label; 63 letters, digits, dots and dashes at most"
    return None


def label_value(text: str) -> bool:
    """Whether Kubernetes takes it as a label's value."""
    return bool(_LABEL_VALUE.fullmatch(text))


def ports_wrong(pod: PodSpec, first: int, last: int) -> str | None:
    """What is wrong with a pod's host ports; None when nothing is."""
    if pod.host_network and not HOST_PORT_MIN <= first <= last <= HOST_PORT_MAX:
        return (
            f"{first}-{last} is outside {HOST_PORT_MIN}-{HOST_PORT_MAX}; SDK ports lie 10,000, "
            "12,000 and 14,000 above a server's own and must stay below the ephemeral ones"
        )
    return None


def whole_seconds(value: float) -> bool:
    """Kubernetes probes count in whole seconds, from one."""
    return value >= 1 and value == int(value)
