"""A game server's pod as it may be created: with ports, environment and probes of its own.

Only pods on the host's network are changed. What we do not understand is refused with the
cure: such a pod would start, and take the ports of another server's sidecar.
"""

import copy
from collections.abc import Collection
from typing import Annotated, Any, Final

import msgspec

from core.errors import Invalid
from fleets.agones.pods import SIDECAR_ANNOTATION
from fleets.agones.ports import SdkPorts, sdk_ports
from fleets.agones.quantity import is_guaranteed

Pod = dict[str, Any]
Container = dict[str, Any]

SIDECAR: Final = "agones-gameserver-sidecar"
GAME_ANNOTATION: Final = "agones.dev/container"
"""Agones writes the game container's name here."""

PASSTHROUGH_ANNOTATION: Final = "agones.dev/container-passthrough-port-assignment"
"""And here which of a container's ports it chose: ``{"game": [0]}``."""

GAME_HEALTH: Final = "/gshealthz"
OWN_HEALTH: Final = "/healthz"
PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")

_assignment = msgspec.json.Decoder(dict[str, list[Annotated[int, msgspec.Meta(ge=0)]]]).decode


def admitted(pod: Pod) -> tuple[Pod, tuple[str, ...]]:
    """The pod as it shall be, and warnings for whoever created it. Admitting it again
    changes nothing.

    Raises:
        Invalid: it is a hostNetwork pod that cannot be given ports, with the cure.
    """
    pod = copy.deepcopy(pod)
    spec = pod.get("spec") or {}
    if not spec.get("hostNetwork"):
        return pod, ()
    sidecar, game = _sidecar(pod), _game(pod)
    host_port = _host_port(pod, game)
    ports = sdk_ports(host_port)
    name, uid = _owner(pod)

    _arguments(sidecar, ports)
    _declare(sidecar, ports)
    _resources(sidecar, pod)
    for container in _containers(pod):
        _environment(container, _sdk_variables(ports))
        for probe in PROBES:
            _probe(container, probe, ports)
    _environment(
        game,
        {
            "READYUP_SERVER_NAME": name,
            "READYUP_SERVER_UID": uid,
            "READYUP_PORT": str(host_port),
        },
    )
    return pod, _warnings(pod)


def _annotation(pod: Pod, name: str) -> str:
    return str((pod.get("metadata", {}).get("annotations") or {}).get(name, ""))


def _containers(pod: Pod) -> list[Container]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"].get("containers", ())]


def _sidecar(pod: Pod) -> Container:
    """Agones' own: an initContainer that goes on, or an ordinary one where its gate is off."""
    for container in _containers(pod):
        if container.get("name") == SIDECAR:
            return container
    raise Invalid(
        f"no container {SIDECAR!r}: this pod was not made by Agones, or by one we do not know; "
        "remove the label agones.dev/role=gameserver, or turn our webhook off for its namespace"
    )


def _game(pod: Pod) -> Container:
    own = [one for one in _containers(pod) if one.get("name") != SIDECAR]
    named = _annotation(pod, GAME_ANNOTATION)
    found = [one for one in own if one.get("name") == named] if named else own
    if len(found) != 1:
        raise Invalid(
            f"cannot tell the game's container: annotation {GAME_ANNOTATION} is {named!r}; "
            "name it in the Fleet's spec.template.spec.container"
        )
    return found[0]


def _host_port(pod: Pod, game: Container) -> int:
    """The first port that Agones gave it; on the node it belongs to this server alone."""
    ports = game.get("ports", ())
    given = _annotation(pod, PASSTHROUGH_ANNOTATION)
    places = _assigned(given, game["name"]) if given else range(len(ports))
    numbers = {int(ports[n].get("hostPort", 0)) for n in places if n < len(ports)} - {0}
    if len(numbers) == 1 or (given and numbers):
        return min(numbers)
    raise Invalid(
        "a hostNetwork server needs a port of its own from Agones; give the Fleet one port with "
        "portPolicy: Passthrough, or leave hostNetwork out"
    )


def _assigned(given: str, container: str) -> Collection[int]:
    try:
        return _assignment(given).get(container, ())
    except msgspec.DecodeError as wrong:
        raise Invalid(
            f"annotation {PASSTHROUGH_ANNOTATION} is {given!r} ({wrong}); Agones writes it as "
            '{"container": [0]}: remove it from the Fleet\'s spec.template.metadata.annotations',
            field="$.metadata.annotations",
        ) from wrong


def _owner(pod: Pod) -> tuple[str, str]:
    for owner in pod.get("metadata", {}).get("ownerReferences") or ():
        if owner.get("kind") == "GameServer":
            return str(owner["name"]), str(owner["uid"])
    raise Invalid(
        "no GameServer owns this pod; create game servers through a Fleet or a GameServer"
    )


def _sdk_variables(ports: SdkPorts) -> dict[str, str]:
    return {"AGONES_SDK_GRPC_PORT": str(ports.grpc), "AGONES_SDK_HTTP_PORT": str(ports.http)}


def _arguments(sidecar: Container, ports: SdkPorts) -> None:
    ours = {"grpc-port": ports.grpc, "http-port": ports.http, "health-port": ports.health}
    kept: list[str] = []
    given = iter(sidecar.get("args", ()))
    for word in given:
        flag, equals, _ = word.lstrip("-").partition("=")
        if flag not in ours:
            kept.append(word)
        elif not equals:
            next(given, None)  # its value is the next word
    sidecar["args"] = [*kept, *(f"--{flag}={port}" for flag, port in ours.items())]


def _declare(sidecar: Container, ports: SdkPorts) -> None:
    """As host ports, so that the scheduler puts no two pods that want the same on one node."""
    ours = {"sdk-grpc": ports.grpc, "sdk-http": ports.http, "sdk-health": ports.health}
    kept = [one for one in sidecar.get("ports", ()) if one.get("name") not in ours]
    sidecar["ports"] = kept + [
        {"name": name, "containerPort": port, "hostPort": port, "protocol": "TCP"}
        for name, port in ours.items()
    ]


def _resources(sidecar: Container, pod: Pod) -> None:
    """Requests equal to limits where the Fleet asks for it; without, no core is exclusive."""
    parts = _annotation(pod, SIDECAR_ANNOTATION).split(",")
    amounts = dict(part.split("=", 1) for part in parts if "=" in part)
    if amounts:
        sidecar["resources"] = {"requests": amounts, "limits": dict(amounts)}


def _environment(container: Container, variables: dict[str, str]) -> None:
    kept = [one for one in container.get("env", ()) if one.get("name") not in variables]
    container["env"] = kept + [{"name": name, "value": text} for name, text in variables.items()]


def _probe(container: Container, name: str, ports: SdkPorts) -> None:
    """Agones' own probes ask the sidecar, on a port that is now another."""
    asked = (container.get(name) or {}).get("httpGet")
    path = OWN_HEALTH if container.get("name") == SIDECAR else GAME_HEALTH
    if asked and asked.get("path") == path:
        asked["port"] = ports.health


def _warnings(pod: Pod) -> tuple[str, ...]:
    loose = [one["name"] for one in _containers(pod) if not is_guaranteed(one)]
    if not loose:
        return ()
    told = (
        f"no core will be exclusive: {', '.join(loose)} has no limits equal to its requests, so "
        "the pod is not Guaranteed; `readyup fleet lint` names the cure"
    )
    return (told,)
