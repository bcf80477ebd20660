"""Rules: who decides how many servers there are. One may."""

from collections.abc import Iterator

from fleets.agones.lint.rule import Chapter, Hit
from fleets.agones.lint.subject import Subject, at, items, number, table, title

SIZES = Chapter("Size and rollout")

SYNC_DEFAULT_S = 30


@SIZES.error(
    "replicas-owned",
    why="Whoever applies this manifest again, a GitOps controller above all, sets the fleet back "
    "to this number, against the autoscaler.",
    cure="Leave spec.replicas out; where a tool insists, have it ignore /spec/replicas (Argo CD: "
    "ignoreDifferences with RespectIgnoreDifferences=true; Flux: driftDetection.ignore).",
)
def _replicas_owned(subject: Subject) -> Iterator[Hit]:
    live = at(subject.fleet, "metadata.uid")
    if "replicas" in table(subject.fleet, "spec") and not live and list(subject.autoscalers()):
        yield "spec.replicas", f"{at(subject.fleet, 'spec.replicas')} beside an autoscaler"


@SIZES.error(
    "hpa",
    why="A Fleet never fills the selector that the HorizontalPodAutoscaler (and so KEDA) needs: "
    "it never scales, and says so only in its events.",
    cure="Use a FleetAutoscaler, or ReadyUp's role fleets.",
)
def _hpa(subject: Subject) -> Iterator[Hit]:
    for one in subject.others("HorizontalPodAutoscaler", "ScaledObject"):
        if at(one, "spec.scaleTargetRef.kind") == "Fleet":
            yield "spec.scaleTargetRef", f"{title(one)} aims at a Fleet"


@SIZES.error(
    "autoscalers-two",
    why="Two autoscalers of one Fleet undo each other's work, at every sync.",
    cure="Keep one; a Chain holds several policies.",
)
def _autoscalers_two(subject: Subject) -> Iterator[Hit]:
    there = list(subject.autoscalers())
    if len(there) > 1:
        yield "spec.fleetName", ", ".join(title(one) for one in there)


@SIZES.warning(
    "webhook-alone",
    why="While the webhook does not answer, the fleet keeps its size, however many players come.",
    cure="Use a Chain: the Webhook first, then a Buffer.",
)
def _webhook_alone(subject: Subject) -> Iterator[Hit]:
    for one in subject.autoscalers():
        chain = [entry.get("type") for entry in items(one, "spec.policy.chain")]
        kind = at(one, "spec.policy.type")
        if kind == "Webhook" or (kind == "Chain" and chain and set(chain) == {"Webhook"}):
            yield "spec.policy", f"{title(one)} has a webhook and nothing behind it"


@SIZES.error(
    "chain-order",
    why="A Chain ends at its first policy that answers, and a Buffer always does: what stands "
    "behind it is never asked.",
    cure="Put the Buffer last.",
)
def _chain_order(subject: Subject) -> Iterator[Hit]:
    for one in subject.autoscalers():
        chain = items(one, "spec.policy.chain")
        for n, entry in enumerate(chain[:-1]):
            if entry.get("type") in ("Buffer", "Counter", "List"):
                yield f"spec.policy.chain[{n}]", f"{entry['type']} before {chain[n + 1]['type']}"


@SIZES.error(
    "buffer-limits",
    why="Agones refuses a buffer that does not fit between the fleet's limits.",
    cure="bufferSize from 1 to maxReplicas; minReplicas 0, or between bufferSize and maxReplicas.",
)
def _buffer_limits(subject: Subject) -> Iterator[Hit]:
    for one in subject.autoscalers():
        policy = table(one, "spec.policy")
        for buffer in (table(entry, "buffer") for entry in [policy, *items(policy, "chain")]):
            size, high = number(buffer.get("bufferSize")), number(buffer.get("maxReplicas"))
            low = number(buffer.get("minReplicas")) or 0
            if size is None or high is None:  # a share of the fleet, or no buffer
                continue
            if not 0 < size <= high or low > high or 0 < low < size:
                said = f"bufferSize {size:g}, minReplicas {low:g}, maxReplicas {high:g}"
                yield "spec.policy.buffer", said


@SIZES.note(
    "sync-slow",
    why="A FleetAutoscaler looks every 30 seconds unless told otherwise; nothing wakes it.",
    cure="Set spec.sync.fixedInterval.seconds to 5 or so; ReadyUp's role fleets scales within a "
    "second beside it.",
)
def _sync_slow(subject: Subject) -> Iterator[Hit]:
    for one in subject.autoscalers():
        seconds = number(at(one, "spec.sync.fixedInterval.seconds")) or SYNC_DEFAULT_S
        if seconds >= SYNC_DEFAULT_S:
            yield "spec.sync", f"{title(one)} looks every {seconds:g} s"


@SIZES.warning(
    "recreate",
    why="Recreate ends every server that is not Allocated before the first new one starts: for "
    "that time there is no room for a match.",
    cure="Use RollingUpdate with maxSurge and maxUnavailable of 25%.",
)
def _recreate(subject: Subject) -> Iterator[Hit]:
    if at(subject.fleet, "spec.strategy.type") == "Recreate":
        yield "spec.strategy.type", "Recreate"


@SIZES.error(
    "rollout-steps",
    why="Agones takes a number from 1 or a share from 1% to 99%; a rollout of 0 never moves.",
    cure="Write for example 25%.",
)
def _rollout_steps(subject: Subject) -> Iterator[Hit]:
    for name, value in table(subject.fleet, "spec.strategy.rollingUpdate").items():
        share = isinstance(value, str) and value.endswith("%")
        amount = number(str(value).removesuffix("%"))
        if amount is None or amount < 1 or (share and amount > 99):
            yield f"spec.strategy.rollingUpdate.{name}", repr(value)


@SIZES.note(
    "prune",
    why="A Fleet that a GitOps controller prunes takes its Allocated servers, and the matches on "
    "them, along.",
    cure="Set the annotation argocd.argoproj.io/sync-options: Prune=false,Delete=false, or what "
    "your tool has.",
)
def _prune(subject: Subject) -> Iterator[Hit]:
    annotations = table(subject.fleet, "metadata.annotations")
    kept = "Prune=false" in str(annotations.get("argocd.argoproj.io/sync-options", ""))
    flux = annotations.get("kustomize.toolkit.fluxcd.io/prune") == "disabled"
    if not kept and not flux:
        yield "metadata.annotations", "may be pruned"
