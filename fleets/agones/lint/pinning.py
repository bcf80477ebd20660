"""Rules: cores of their own. One container that does not fit, and no core is exclusive."""

from collections.abc import Iterator

from fleets.agones.lint.rule import Chapter, Hit
from fleets.agones.lint.subject import (
    POD,
    POD_META,
    Document,
    Subject,
    at,
    items,
    number,
    table,
    title,
)
from fleets.agones.pods import SIDECAR_ANNOTATION

PINNING = Chapter("Cores of their own")

HELM = (
    "agones.image.sdk.cpuRequest=30m, agones.image.sdk.cpuLimit=30m, "
    "agones.image.sdk.memoryRequest=32Mi, agones.image.sdk.memoryLimit=32Mi"
)


@PINNING.error(
    "cpu-whole",
    why="The kubelet's static CPU manager gives cores only to containers that ask for a whole "
    "number of them; all others share one pool.",
    cure='Give the game\'s container resources.limits.cpu: "1" (or 2, 3, …) and the same request.',
)
def _cpu_whole(subject: Subject) -> Iterator[Hit]:
    path, game = subject.game()
    cpu = at(game, "resources.limits.cpu")
    amount = number(cpu)
    if amount is None or amount < 1 or amount != int(amount):
        yield f"{path}.resources.limits.cpu", f"{cpu!r} is no whole number of cores"


@PINNING.error(
    "guaranteed",
    why="A pod is Guaranteed when every container, init containers too, has limits for cpu and "
    "memory, and requests equal to them. One that has not makes the whole pod Burstable.",
    cure="Give this container limits for cpu and memory, and requests equal to them.",
)
def _guaranteed(subject: Subject) -> Iterator[Hit]:
    for path, one in subject.containers():
        for name in ("cpu", "memory"):
            limit = number(at(one, f"resources.limits.{name}"))
            request = number(at(one, f"resources.requests.{name}"))
            if limit is None or request not in (None, limit):
                yield f"{path}.resources", f"{name}: request and limit are not the same"


@PINNING.error(
    "sidecar-limits",
    why="Agones' Helm chart gives its sidecar no limits, and the sidecar counts: with the chart "
    "as it comes no game server's pod is ever Guaranteed, whatever the Fleet says.",
    cure=f"Run ReadyUp's pod webhook and set the annotation {SIDECAR_ANNOTATION}: "
    f"cpu=30m,memory=32Mi; or set Agones' Helm values: {HELM}.",
)
def _sidecar_limits(subject: Subject) -> Iterator[Hit]:
    if not subject.annotation(SIDECAR_ANNOTATION) and not list(_live_pods(subject)):
        path = f"{POD_META}.annotations.{SIDECAR_ANNOTATION}"
        yield path, "nothing tells that Agones' sidecar has limits"


@PINNING.error(
    "qos-live",
    why="This is what the cluster made of it: a pod that is not Guaranteed shares its cores.",
    cure="Look at the pod's containers for one without limits: Agones' sidecar "
    f"({HELM}), or one that something injected.",
)
def _qos_live(subject: Subject) -> Iterator[Hit]:
    for pod in _live_pods(subject):
        qos = at(pod, "status.qosClass")
        if qos not in (None, "Guaranteed"):
            yield "status.qosClass", f"{title(pod)} is {qos}"


def _live_pods(subject: Subject) -> Iterator[Document]:
    for pod in subject.others("Pod"):
        labels = table(pod, "metadata.labels")
        ours = str(at(pod, "metadata.name")).startswith(f"{subject.name}-")
        if ours and labels.get("agones.dev/role") == "gameserver":
            yield pod


@PINNING.note(
    "cpu-odd",
    why="With the kubelet's full-pcpus-only on machines with hyper-threads, an odd number of "
    "cores fails with SMTAlignmentError, and Agones makes such pods again and again.",
    cure="Ask for an even number of cores, or be sure that the nodes have hyper-threads off.",
)
def _cpu_odd(subject: Subject) -> Iterator[Hit]:
    path, game = subject.game()
    amount = number(at(game, "resources.limits.cpu"))
    if amount and amount == int(amount) and amount % 2:
        yield f"{path}.resources.limits.cpu", f"{amount:g} is odd"


@PINNING.error(
    "vpa",
    why="A VerticalPodAutoscaler changes requests (no whole cores any more) and evicts pods "
    "with players; it does not know what owns a game server.",
    cure='Set updatePolicy.updateMode: "Off", and read its advice.',
)
def _vpa(subject: Subject) -> Iterator[Hit]:
    for one in subject.others("VerticalPodAutoscaler"):
        target, mode = at(one, "spec.targetRef.kind"), at(one, "spec.updatePolicy.updateMode")
        if target in ("Fleet", "GameServerSet", "GameServer") and mode != "Off":
            yield "spec.updatePolicy.updateMode", f"{title(one)} is {mode or 'Auto'}"


@PINNING.warning(
    "limit-range",
    why="A LimitRange writes its defaults into containers that leave something out, Agones' "
    "sidecar among them, and so requests and limits come apart.",
    cure="Keep LimitRanges with defaults out of the game servers' namespace, or make "
    "default and defaultRequest the same.",
)
def _limit_range(subject: Subject) -> Iterator[Hit]:
    for one in subject.others("LimitRange"):
        for n, limit in enumerate(items(one, "spec.limits")):
            if table(limit, "default") != table(limit, "defaultRequest"):
                yield f"spec.limits[{n}]", f"{title(one)} has defaults that differ"


@PINNING.error(
    "hugepages-equal",
    why="Huge pages cannot be promised twice: the API server refuses a request that is not the "
    "limit, and the GameServer goes to Error.",
    cure="Write the same amount of hugepages in requests and limits, or in limits alone.",
)
def _hugepages_equal(subject: Subject) -> Iterator[Hit]:
    for path, one in subject.containers():
        limits, requests = table(one, "resources.limits"), table(one, "resources.requests")
        for name in {*limits, *requests}:
            if name.startswith("hugepages-"):
                limit, request = number(limits.get(name)), number(requests.get(name))
                if limit is None or request not in (None, limit):
                    yield f"{path}.resources", f"{name}: request and limit are not the same"


@PINNING.error(
    "hugepages-alone",
    why="A container with huge pages must ask for cpu or memory too, or the pod is refused.",
    cure="Give it cpu and memory beside the huge pages.",
)
def _hugepages_alone(subject: Subject) -> Iterator[Hit]:
    for path, one in subject.containers():
        limits = table(one, "resources.limits")
        huge = any(name.startswith("hugepages-") for name in limits)
        if huge and "cpu" not in limits and "memory" not in limits:
            yield f"{path}.resources.limits", "only huge pages"


@PINNING.warning(
    "hugepages-volume",
    why="Pages are used through a volume of their medium; a volume without the amount, or an "
    "amount without the volume, is half of it.",
    cure="Write both: limits.hugepages-2Mi, and a volume emptyDir.medium: HugePages-2Mi.",
)
def _hugepages_volume(subject: Subject) -> Iterator[Hit]:
    asked = {
        name.removeprefix("hugepages-")
        for _, one in subject.containers()
        for name in table(one, "resources.limits")
        if name.startswith("hugepages-")
    }
    media = [str(at(one, "emptyDir.medium") or "") for one in items(subject.pod, "volumes")]
    mounted = {
        one.removeprefix("HugePages").removeprefix("-")
        for one in media
        if one.startswith("HugePages")
    }
    if "" in mounted and len(asked) == 1:  # plain HugePages: of the only size there is
        mounted |= asked
    for size in sorted(asked ^ mounted - {""}):
        what = "asked for and not mounted" if size in asked else "mounted and not asked for"
        yield f"{POD}.volumes", f"huge pages of {size} are {what}"


@PINNING.note(
    "numa",
    why="A kubelet with single-numa-node refuses a pod that fits no NUMA node after the "
    "scheduler, which knows nothing of them, has sent it there; Agones then makes it again.",
    cure="Use a scheduler that knows NUMA nodes (schedulerName), or keep servers small beside a "
    "NUMA node.",
)
def _numa(subject: Subject) -> Iterator[Hit]:
    wants = any("topology-manager" in key for key in subject.required_labels())
    if wants and subject.pod.get("schedulerName", "default-scheduler") == "default-scheduler":
        yield f"{POD}.schedulerName", "one NUMA node is wanted of the default scheduler"
