"""Rules: how a server lives, ends and is kept from doing harm."""

from collections.abc import Iterator

from fleets.agones.lint.rule import Chapter, Hit
from fleets.agones.lint.subject import POD, TEMPLATE, Subject, at, items, number, table, title

LIFE = Chapter("Life, end and safety")

GRACE_DEFAULT_S = 30
AUTOSCALER_GRACE_S = 600
GRACE = f"{POD}.terminationGracePeriodSeconds"


@LIFE.error(
    "api-version",
    why="Another version is refused, or is not what these rules know.",
    cure="Write apiVersion: agones.dev/v1.",
)
def _api_version(subject: Subject) -> Iterator[Hit]:
    if subject.fleet.get("apiVersion") != "agones.dev/v1":
        yield "apiVersion", str(subject.fleet.get("apiVersion"))


@LIFE.error(
    "container-unknown",
    why="With several containers Agones must be told which one is the game; it refuses the Fleet.",
    cure="Name the game's container in spec.template.spec.container.",
)
def _container_unknown(subject: Subject) -> Iterator[Hit]:
    named, there = subject.server.get("container"), items(subject.pod, "containers")
    names = [one.get("name") for one in there]
    if not there:
        yield f"{POD}.containers", "none"
    elif (named and named not in names) or (not named and len(names) > 1):
        yield f"{TEMPLATE}.container", f"{named!r} of {', '.join(map(str, names))}"


@LIFE.warning(
    "image-moving",
    why="A tag that moves makes servers of one Fleet run different games, and a node that is "
    "drained starts another one than it had.",
    cure="Name the image by digest, or by a tag that never moves.",
)
def _image_moving(subject: Subject) -> Iterator[Hit]:
    for path, one in subject.containers():
        image = str(one.get("image", ""))
        tag = image.rpartition("/")[2].partition(":")[2]
        if "@" not in image and tag in ("", "latest"):
            yield f"{path}.image", image or "none"


@LIFE.warning(
    "grace-default",
    why="A node that is drained ends its pods after 30 seconds, in the middle of their matches.",
    cure="Set terminationGracePeriodSeconds to what a match may take, and some seconds more.",
)
def _grace_default(subject: Subject) -> Iterator[Hit]:
    grace = number(subject.pod.get("terminationGracePeriodSeconds"))
    if grace is None or grace <= GRACE_DEFAULT_S:
        yield GRACE, f"{GRACE_DEFAULT_S if grace is None else grace:g} s"


@LIFE.error(
    "grace-below-drain",
    why="The runtime lets matches go on for READYUP_DRAIN_S after SIGTERM; a shorter grace "
    "kills it before.",
    cure="Make terminationGracePeriodSeconds some seconds longer than READYUP_DRAIN_S.",
)
def _grace_below_drain(subject: Subject) -> Iterator[Hit]:
    _, game = subject.game()
    told = {one.get("name"): one.get("value") for one in items(game, "env")}
    drain = number(told.get("READYUP_DRAIN_S", "20"))
    grace = number(subject.pod.get("terminationGracePeriodSeconds", GRACE_DEFAULT_S))
    if drain is not None and grace is not None and grace <= drain:
        yield GRACE, f"{grace:g} s of grace for {drain:g} s of matches"


@LIFE.note(
    "grace-above-autoscaler",
    why="The cluster autoscaler waits ten minutes at most (--max-graceful-termination-sec), and "
    "a provider's upgrade about an hour, whatever the pod says.",
    cure="Keep eviction.safe: Never, or raise the autoscaler's limit.",
)
def _grace_above_autoscaler(subject: Subject) -> Iterator[Hit]:
    grace = number(subject.pod.get("terminationGracePeriodSeconds")) or 0
    if grace > AUTOSCALER_GRACE_S and at(subject.server, "eviction.safe") in (
        "Always",
        "OnUpgrade",
    ):
        yield GRACE, f"{grace:g} s"


@LIFE.warning(
    "restart-policy",
    why="Agones makes a new server instead of restarting a broken one; a container that comes "
    "back inside its pod has lost its matches, and its SDK state says otherwise.",
    cure="Leave restartPolicy out.",
)
def _restart_policy(subject: Subject) -> Iterator[Hit]:
    if subject.pod.get("restartPolicy") not in (None, "Never"):
        yield f"{POD}.restartPolicy", str(subject.pod.get("restartPolicy"))


@LIFE.warning(
    "health-disabled",
    why="A server that hangs stays Ready for ever, and matches are sent to it.",
    cure="Leave health.disabled out; the runtime pings by itself.",
)
def _health_disabled(subject: Subject) -> Iterator[Hit]:
    if at(subject.server, "health.disabled"):
        yield f"{TEMPLATE}.health.disabled", "true"


@LIFE.error(
    "health-tight",
    why="The runtime pings once a second; a shorter period counts it as silent.",
    cure="Use health.periodSeconds of 2 or more, and failureThreshold of 2 or more.",
)
def _health_tight(subject: Subject) -> Iterator[Hit]:
    period = number(at(subject.server, "health.periodSeconds"))
    failures = number(at(subject.server, "health.failureThreshold"))
    silence = (5 if period is None else period) * (3 if failures is None else failures)
    if silence < 3 and not at(subject.server, "health.disabled"):
        yield f"{TEMPLATE}.health", f"Unhealthy after {silence:g} s"


@LIFE.error(
    "namespace-baseline",
    why="hostNetwork and host ports both violate the standards baseline and restricted: every "
    "pod is refused, and the GameServers go to Error.",
    cure="Label the namespace pod-security.kubernetes.io/enforce: privileged (and warn: "
    "baseline), and keep other pods out of it.",
)
def _namespace_baseline(subject: Subject) -> Iterator[Hit]:
    key = "pod-security.kubernetes.io/enforce"
    for one in subject.documents:
        if one.get("kind") == "Namespace" and at(one, "metadata.name") == subject.namespace:
            level = table(one, "metadata.labels").get(key)
            if level in ("baseline", "restricted"):
                yield f"metadata.labels.{key}", f"{title(one)} enforces {level}"


@LIFE.error(
    "privileged",
    why="Players send this process what they like; on the host's network a privileged one is "
    "one mistake away from the node.",
    cure="Take privileged, hostPID, hostIPC and hostPath out; real-time needs SYS_NICE alone.",
)
def _privileged(subject: Subject) -> Iterator[Hit]:
    for path, one in subject.containers():
        if at(one, "securityContext.privileged"):
            yield f"{path}.securityContext.privileged", "true"
    for key in ("hostPID", "hostIPC"):
        if subject.pod.get(key):
            yield f"{POD}.{key}", "true"
    for n, volume in enumerate(items(subject.pod, "volumes")):
        if "hostPath" in volume:
            yield f"{POD}.volumes[{n}].hostPath", str(at(volume, "hostPath.path"))


@LIFE.warning(
    "service-account",
    why="Agones hides its own account's token from the game; one that the Fleet names stays "
    "visible, and with it a way into the API server.",
    cure="Leave serviceAccountName out.",
)
def _service_account(subject: Subject) -> Iterator[Hit]:
    if subject.pod.get("serviceAccountName"):
        yield f"{POD}.serviceAccountName", str(subject.pod["serviceAccountName"])


@LIFE.warning(
    "player-tracking",
    why="Agones removes player tracking; with its gate off the Fleet is refused.",
    cure="Use a list `players` in spec.template.spec.lists, or let ReadyUp count.",
)
def _player_tracking(subject: Subject) -> Iterator[Hit]:
    if "players" in subject.server:
        yield f"{TEMPLATE}.players", "player tracking"
