"""Our manifests, given to the API server: server-side apply, each to where its kind lives."""

from collections.abc import Mapping

import structlog

from core.errors import Forbidden
from fleets.agones.kube import Kube, Object
from fleets.agones.manifest import (
    autoscaler,
    fleet,
    pods_webhook,
    priority_class,
    runtime_class,
)
from fleets.agones.site import site_of
from fleets.spec import FleetSpec

PLURALS: Mapping[str, str] = {
    "Fleet": "fleets",
    "FleetAutoscaler": "fleetautoscalers",
    "PriorityClass": "priorityclasses",
    "RuntimeClass": "runtimeclasses",
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
}

log = structlog.get_logger("readyup.fleets")


def path_of(document: Object) -> str:
    """Where an object lives.

    >>> path_of({"apiVersion": "agones.dev/v1", "kind": "Fleet",
    ...          "metadata": {"name": "arena", "namespace": "games"}})
    '/apis/agones.dev/v1/namespaces/games/fleets/arena'
    """
    about = document["metadata"]
    where = f"namespaces/{about['namespace']}/" if about.get("namespace") else ""
    plural = PLURALS[document["kind"]]
    return f"/apis/{document['apiVersion']}/{where}{plural}/{about['name']}"


async def apply_document(kube: Kube, document: Object) -> Object:
    """Make one object as the document says; its other fields stay as they are.

    Raises:
        Rejected: the API server does not take it; says why.
        BackendAway: nobody answered in time.
    """
    return await kube.patch(path_of(document), document, kind="apply")


async def apply(kube: Kube, spec: FleetSpec) -> str:
    """Make a fleet's Fleet, and what goes with it; the Fleet's uid. Raises as above.

    What belongs to the whole cluster, or to its webhooks, may be somebody else's to make, and
    so may the Fleet itself, if it is there.
    """
    assert spec.pod is not None, "only fleets of pods have a manifest"
    site = site_of(kube.settings)
    around = (
        priority_class(spec.pod), runtime_class(spec.pod), pods_webhook(site),
        autoscaler(spec, site),
    )  # fmt: skip
    for document in around:
        if document is None:
            continue
        try:
            await apply_document(kube, document)
        except Forbidden as refused:
            # Whoever owns the cluster made it, or will hear from Agones.
            log.info("manifest.left_out", kind=document["kind"], reason=str(refused))
    document = fleet(spec, site)
    try:
        made = await apply_document(kube, document)
    except Forbidden as refused:
        # A chart's, or an administrator's; its size is ours all the same.
        made = await kube.get(path_of(document))
        log.info("manifest.left_out", kind=document["kind"], reason=str(refused))
    return str(made["metadata"]["uid"])
