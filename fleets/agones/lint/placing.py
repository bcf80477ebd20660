"""Rules: on which nodes servers run, and who may push them off."""

from collections.abc import Iterator

from fleets.agones.lint.rule import Chapter, Hit
from fleets.agones.lint.subject import POD, POD_META, Document, Subject, at, items, table, title

PLACING = Chapter("Their place, and who may take it")

PRIORITY_MAX = 1_000_000_000
AFFINITY = f"{POD}.affinity.nodeAffinity"
PREFERRED = "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"


@PLACING.error(
    "affinity-preferred",
    why="A preference is given up as soon as the pool is full: the server lands on a node whose "
    "kubelet gives out no cores, and nobody is told.",
    cure="Write it as requiredDuringSchedulingIgnoredDuringExecution.",
)
def _affinity_preferred(subject: Subject) -> Iterator[Hit]:
    if at(subject.pod, PREFERRED) and not subject.required_labels():
        yield AFFINITY, "nodes are preferred, none is required"


@PLACING.warning(
    "affinity-missing",
    why="Whether cores are exclusive depends on the node's kubelet. Without a required label "
    "servers run on any node.",
    cure="Label the nodes with cpuManagerPolicy: static, e.g. readyup/cpu-manager=static, and "
    "require the label in nodeAffinity.",
)
def _affinity_missing(subject: Subject) -> Iterator[Hit]:
    required = subject.required_labels() - {"kubernetes.io/arch"}
    if not required and not at(subject.pod, PREFERRED):
        yield AFFINITY, "no label of a node is required"


@PLACING.note(
    "tolerations-missing",
    why="A pool for game servers is usually tainted, so that nothing else disturbs them; without "
    "a toleration they cannot go there either.",
    cure="Tolerate the pool's taint, e.g. gameserver=true:NoSchedule.",
)
def _tolerations_missing(subject: Subject) -> Iterator[Hit]:
    if not items(subject.pod, "tolerations"):
        yield f"{POD}.tolerations", "no taint is tolerated"


@PLACING.warning(
    "agones-nodes",
    why="The taint agones.dev/agones-system keeps games away from Agones' own controllers.",
    cure="Take this toleration out.",
)
def _agones_nodes(subject: Subject) -> Iterator[Hit]:
    for n, one in enumerate(items(subject.pod, "tolerations")):
        if one.get("key") == "agones.dev/agones-system" or (
            not one.get("key") and one.get("operator") == "Exists"
        ):
            yield f"{POD}.tolerations[{n}]", "servers may run beside Agones itself"


@PLACING.warning(
    "spread",
    why="Agones packs servers, so that nodes become empty and can go; spreading them by "
    "constraints or anti-affinity works against that, and no node is ever empty.",
    cure="Take it out, or set spec.scheduling: Distributed.",
)
def _spread(subject: Subject) -> Iterator[Hit]:
    if at(subject.fleet, "spec.scheduling") == "Distributed":
        return
    for path in ("topologySpreadConstraints", "affinity.podAntiAffinity"):
        if at(subject.pod, path):
            yield f"{POD}.{path}", "spreads what scheduling: Packed puts together"


@PLACING.warning(
    "priority-missing",
    why="At the default priority of 0 any pod of a higher class may have an Allocated server "
    "preempted, and its match with it.",
    cure="Set priorityClassName to a class far above 0; `readyup fleet render` prints one.",
)
def _priority_missing(subject: Subject) -> Iterator[Hit]:
    if not subject.pod.get("priorityClassName"):
        yield f"{POD}.priorityClassName", "no class"


@PLACING.error(
    "priority-class",
    why="A class at 0 or below protects nothing, one above a billion is refused, and one with "
    "globalDefault lifts every other pod of the cluster to the same height.",
    cure="Give the game servers' class a value such as 1000000 and globalDefault: false.",
)
def _priority_class(subject: Subject) -> Iterator[Hit]:
    used = subject.pod.get("priorityClassName")
    for one in subject.documents:
        if one.get("kind") == "PriorityClass" and at(one, "metadata.name") == used:
            value = one.get("value")
            if not isinstance(value, int) or not 0 < value <= PRIORITY_MAX:
                yield "value", f"{title(one)} has {value!r}"
            if one.get("globalDefault"):
                yield "globalDefault", f"{title(one)} is everybody's default"


@PLACING.warning(
    "eviction-always",
    why="With safe: Always the cluster autoscaler may end a server in the middle of a match to "
    "empty a node.",
    cure="Set eviction.safe: Never, or OnUpgrade where a match fits into the grace.",
)
def _eviction_always(subject: Subject) -> Iterator[Hit]:
    if at(subject.server, "eviction.safe") == "Always":
        yield "spec.template.spec.eviction.safe", "Always"


@PLACING.error(
    "eviction-annotation",
    why="Agones writes this annotation itself from eviction.safe; one in the template stands "
    "against it, and servers that play are evicted.",
    cure="Take the annotation out and set spec.template.spec.eviction.safe.",
)
def _eviction_annotation(subject: Subject) -> Iterator[Hit]:
    key = "cluster-autoscaler.kubernetes.io/safe-to-evict"
    if subject.annotation(key):
        yield f"{POD_META}.annotations.{key}", subject.annotation(key)


@PLACING.error(
    "pdb-double",
    why="Agones brings a PodDisruptionBudget for its game servers. A pod that two of them select "
    "cannot be evicted at all: the API server answers 500, and drains hang.",
    cure="Take this one out; eviction.safe says what Agones' own protects.",
)
def _pdb_double(subject: Subject) -> Iterator[Hit]:
    labels = {
        "agones.dev/role": "gameserver",
        "agones.dev/safe-to-evict": "false",
        **table(subject.fleet, f"{POD_META}.labels"),
    }
    for one in subject.others("PodDisruptionBudget"):
        agones_own = at(one, "metadata.name") == "agones-gameserver-safe-to-evict-false"
        if not agones_own and _selects(table(one, "spec.selector"), labels):
            yield "spec.selector", f"{title(one)} selects the game servers"


@PLACING.warning(
    "realtime-anywhere",
    why="SCHED_FIFO on an ordinary kernel is late all the same, and a container that may use it "
    "can starve a node's kubelet.",
    cure="Require the label of the PREEMPT_RT nodes, or a runtimeClassName that does, or take "
    "SYS_NICE out.",
)
def _realtime_anywhere(subject: Subject) -> Iterator[Hit]:
    rt = any("PREEMPT_RT" in key for key in subject.required_labels())
    if rt or subject.pod.get("runtimeClassName"):
        return
    for path, one in subject.containers():
        if "SYS_NICE" in (at(one, "securityContext.capabilities.add") or ()):
            yield f"{path}.securityContext.capabilities.add", "SYS_NICE without PREEMPT_RT nodes"


def _selects(selector: Document, labels: Document) -> bool:
    """Whether a selector takes a pod of these labels; an empty one takes every pod."""
    same = table(selector, "matchLabels").items() <= labels.items()
    return same and all(_holds(one, labels) for one in items(selector, "matchExpressions"))


def _holds(expression: Document, labels: Document) -> bool:
    value, values = labels.get(str(expression.get("key"))), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None
