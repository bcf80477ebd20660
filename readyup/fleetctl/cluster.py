"""Fleets in a cluster that runs: applied, scaled, and read for the lint."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from prometheus_client import CollectorRegistry

from core.errors import Conflict, Forbidden, NotFound
from fleets.agones.kube import Kube, Object, namespaced
from fleets.agones.manifests import apply_document, path_of
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.settings import KubernetesSettings
from fleets.metrics import FleetMetrics
from readyup.fleetctl.look import FleetLook
from readyup.fleetctl.tables import STALE_S

AROUND = (
    ("autoscaling.agones.dev/v1", "fleetautoscalers", "FleetAutoscaler"),
    ("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"),
    ("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("autoscaling.k8s.io/v1", "verticalpodautoscalers", "VerticalPodAutoscaler"),
    ("keda.sh/v1alpha1", "scaledobjects", "ScaledObject"),
)
"""What stands beside a Fleet in its namespace: group, plural, kind."""

CLUSTER_WIDE = (
    ("/apis/scheduling.k8s.io/v1/priorityclasses", "PriorityClass"),
    (
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
    ),
)


@contextlib.asynccontextmanager
async def cluster(settings: KubernetesSettings) -> AsyncIterator[Kube]:
    """The API server of the configuration, for as long as the block lasts."""
    registry = CollectorRegistry()  # nobody asks a command for its metrics
    async with Kube.open(settings, AgonesMetrics(registry, FleetMetrics(registry))) as kube:
        yield kube


async def applied(kube: Kube, documents: Sequence[Object]) -> list[str]:
    """Give each document to the API server, in order; the paths of those it took."""
    return [path_of(one) for one in documents if await apply_document(kube, one)]


async def scaled(kube: Kube, fleet: str, size: int, *, plan: FleetLook | None, force: bool) -> int:
    """Set a Fleet's size; what it was before.

    ``plan`` is what Redis shows of it, where there is one to ask.

    Raises:
        Conflict: the role fleets keeps it at its own number, and ``force`` is not given.
        NotFound: the cluster has no such Fleet.
    """
    age_s = None if plan is None else plan.plan_age_s
    planned = plan is not None and age_s is not None and age_s <= STALE_S
    if plan and planned and plan.wanted != size and not force:
        raise Conflict(
            f"the role fleets keeps {fleet!r} at {plan.wanted} ({plan.why}) and would undo this "
            "within seconds; set size_min, size_max or replicas in its table instead, or give "
            "--force"
        )
    path = namespaced("agones.dev/v1", kube.settings.namespace, "fleets", fleet)
    before = await kube.get(path)
    await kube.patch(f"{path}/scale", {"spec": {"replicas": size}})
    return int((before.get("spec") or {}).get("replicas") or 0)


async def around(kube: Kube, fleet: str) -> list[Object]:
    """A live Fleet and what the rules want to know beside it; what may not be read is left out.

    Raises:
        NotFound: the cluster has no such Fleet.
    """
    namespace = kube.settings.namespace
    path = namespaced("agones.dev/v1", namespace, "fleets", fleet)
    documents = [{"kind": "Fleet", **await kube.get(path)}]
    lists = [
        *((namespaced(group, namespace, plural), kind) for group, plural, kind in AROUND),
        (f"/api/v1/namespaces/{namespace}/pods", "Pod"),
        (f"/api/v1/namespaces/{namespace}/limitranges", "LimitRange"),
        *CLUSTER_WIDE,
    ]
    for where, kind in lists:
        with contextlib.suppress(NotFound, Forbidden):
            found = await kube.get(where)
            documents += [{**one, "kind": kind} for one in found.get("items") or ()]
    with contextlib.suppress(NotFound, Forbidden):
        documents.append({"kind": "Namespace", **await kube.get(f"/api/v1/namespaces/{namespace}")})
    return documents
