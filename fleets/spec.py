"""What a fleet is asked to be: read from a table of the configuration, checked once, then trusted.

A wrong value is refused with its place and its cure, for example
``$.fleets.arena.ports: "7099-7000" ends before it begins; write the lower port first``.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from core.errors import Invalid
from core.ids import NAME, FleetName
from fleets.capacity.events import Event
from fleets.capacity.settings import CapacitySettings
from fleets.health import Health, Positive
from fleets.pod import (
    GRACE_S,
    POD_KEYS,
    PORTS,
    PodSpec,
    label_value,
    pod_wrong,
    ports_wrong,
    whole_seconds,
)

Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]

PYTHON = "{python}"
"""In a command: the interpreter that this service runs on."""

RESERVED_ENV = ("READYUP_", "AGONES_SDK_")
"""Beginnings of variables that the backend sets itself; a fleet may not."""


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports of the host, both ends included."""

    first: Port
    last: Port

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """Game servers of one kind, and how many of them there shall be."""

    name: FleetName
    command: tuple[str, ...]
    """Program and arguments; ``{python}`` becomes the interpreter this service runs on. With
    ``pod`` it may be left out: then the image's own entry point runs."""

    ports: PortRange
    """Host ports that players reach, one for each server. A wide range gives a port more
    rest before its next server, and late datagrams of the last match fall on nobody. With
    ``pod``: what Agones hands out on each node, 7000-8000 unless told."""

    replicas: Count | None = None
    """A fixed number of servers. Absent: as many as are in use, and ``reserve`` and
    ``buffer`` beside them, within ``size_min`` and ``size_max``."""

    reserve: Count = 0
    """Free rooms that the allocator keeps claimed, ready to be handed out in a millisecond."""

    buffer: Count = 0
    """Servers kept Ready behind the reserve. Counts only without ``replicas``."""

    size_min: Count = 0
    """Never fewer servers than this. Counts only without ``replicas``."""

    size_max: Count = 10_000
    """Never more servers than this, nor, on one machine, than there are ports."""

    rooms: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    """Matches that one server hosts at a time."""

    ack: Literal["sessions", "label", "none"] = "sessions"
    """How a server takes a match. ``label`` and ``none`` are for servers that speak only an
    Agones SDK and host one match each: they find it in the annotation ``readyup/match``, and
    answer with the label ``readyup-ack``, or not at all."""

    cpus: Positive = 1
    """Whole processors for each server: its own where there are enough, else shared."""

    health: Health = field(default_factory=Health)
    version: str = ""
    """Shown with each server, e.g. "1.4.2"."""

    address: str = "127.0.0.1"
    """Where players reach the servers."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables; a server inherits none of this service's secrets."""

    grace_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 5.0
    """Seconds between SIGTERM and SIGKILL when a server is ended. With ``pod`` 1,800 unless
    told: what a match may take, for a node that is drained waits for it."""

    on_lost: Literal["handover", "end"] = "handover"
    """What becomes of a match in play whose server dies or leaves: it goes on at another server
    with its last snapshot (without one it begins anew), or it ends as ``lost``."""

    finish_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0
    """Seconds that a server plays on after SIGTERM before it hands over the matches of which it
    said a snapshot; those that end by then need not move. At most ``grace_s``."""

    rejoin_s: Annotated[float, msgspec.Meta(ge=0, le=3_600)] = 20.0
    """Seconds that a player whose link to a match broke is awaited. Who is not back by then has
    left: the seat may be given to somebody else, where the queue wants that (``backfill``)."""

    retire_after_matches: Count = 0
    """Matches after which a server is retired and started anew. 0 = never."""

    starting_max: Positive = 4
    """Servers that may be before Ready at once: about two for each core of the machine.
    Measured with 12 Python servers on two cores, seconds to the first and the last Ready:
    2 at once 0.4 and 2.7, 4 at once 0.7 and 2.4, all at once 2.1 and 2.3."""

    scale_down_after_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 30.0
    """Seconds for which a lower demand must last before servers are ended for it."""

    region: str = ""
    """Where the servers are, as players name it in ``latency_ms``. Empty: their cluster's."""

    cluster: str = ""
    """With ``pod``: the ``[clusters.NAME]`` that runs it. Empty: that of ``[kubernetes]``."""

    capacity: CapacitySettings | None = None
    """Sizes the fleet by a forecast of its demand. Absent: by the keys above."""

    events: tuple[Event, ...] = ()
    """Sizes known beforehand, one table each: ``[[fleets.NAME.events]]``."""

    pod: PodSpec | None = None
    """How the servers run as pods of an Agones fleet. Absent: as processes of this machine."""

    def ceiling(self) -> int:
        """The most servers there can be. Pods have their ports on as many nodes as there are."""
        return self.size_max if self.pod else min(self.size_max, len(self.ports))


def parse_fleets(table: object, *, place: str = "$.fleets") -> tuple[FleetSpec, ...]:
    """Every fleet of a table ``{name: fleet}``, in its order.

    Raises:
        Invalid: names the place and the cure.
    """
    if not isinstance(table, Mapping):
        raise _wrong(place, "is not a table; write [fleets.NAME] with command and ports below it")
    specs = tuple(
        parse_fleet(name, entry, place=f"{place}.{name}") for name, entry in table.items()
    )
    for n, one in enumerate(specs):
        for other in specs[:n]:
            if one.pod or other.pod:  # Agones hands out ports node by node
                continue
            if one.ports.first <= other.ports.last and other.ports.first <= one.ports.last:
                raise _wrong(
                    f"{place}.{one.name}.ports",
                    f"{one.ports} meets {other.ports} of fleet {other.name!r}; "
                    "give each fleet ports of its own",
                )
    return specs


def parse_fleet(name: str, table: object, *, place: str) -> FleetSpec:
    """One fleet. ``place`` is where the table stands, e.g. ``$.fleets.arena``.

    Raises:
        Invalid: names the place and the cure.
    """
    if not NAME.fullmatch(name):
        raise _wrong(
            place, "a fleet's name has lower case letters, digits and dashes, at most 40 of them"
        )
    if not isinstance(table, Mapping):
        raise _wrong(place, "is not a table; a fleet needs at least command and ports")
    known = {one.name for one in dataclasses.fields(FleetSpec)} - {"name"}
    _refuse_unknown(table, known, place)
    for key, shape in (("health", Health), ("capacity", CapacitySettings)):
        if isinstance(inner := table.get(key), Mapping):
            keys = {one.name for one in dataclasses.fields(shape)}
            _refuse_unknown(inner, keys, f"{place}.{key}")
    if table.get("pod") is not None:
        if not isinstance(table["pod"], Mapping):
            raise _wrong(f"{place}.pod", "is not a table; a pod needs at least image")
        _refuse_unknown(table["pod"], set(POD_KEYS), f"{place}.pod")
        table = {"command": (), "ports": PORTS, "grace_s": GRACE_S, **table}
    for needed in ("command", "ports"):
        if needed not in table:
            raise _wrong(f"{place}.{needed}", f"is missing; {_CURES[needed]}")
    ready = {**table, "name": name, "ports": _ports(table["ports"], place)}
    try:
        spec = msgspec.convert(ready, FleetSpec)
    except msgspec.ValidationError as wrong:
        raise _placed(wrong, place) from wrong
    _check_whole(spec, place)
    return spec


_CURES = {
    "command": 'write for example command = ["{python}", "-m", "readyup", "gameserver", "arena"]',
    "ports": 'write for example ports = "7000-7099"',
}


def _ports(value: object, place: str) -> dict[str, int]:
    match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", value) if isinstance(value, str) else None
    if match is None:
        raise _wrong(f"{place}.ports", f"{value!r} is no range of ports; {_CURES['ports']}")
    first, last = int(match[1]), int(match[2])
    if not 1 <= first <= 65_535 or not 1 <= last <= 65_535:
        raise _wrong(f"{place}.ports", f'"{value}" is outside 1-65535; {_CURES["ports"]}')
    if last < first:
        raise _wrong(
            f"{place}.ports", f'"{value}" ends before it begins; write the lower port first'
        )
    return {"first": first, "last": last}


def _check_whole(spec: FleetSpec, place: str) -> None:
    if spec.pod is not None:
        _check_pod(spec, spec.pod, place)
    elif not spec.command or not spec.command[0]:
        raise _wrong(f"{place}.command", f"is empty; {_CURES['command']}")
    if spec.ack != "sessions" and spec.rooms > 1:
        raise _wrong(
            f"{place}.rooms",
            f'{spec.rooms} matches at a time need the sessions API; with ack = "{spec.ack}" a '
            "server hosts one match in its life, so leave rooms out",
        )
    if spec.replicas is not None:
        _check_fixed(spec, spec.replicas, place)
    if spec.events and (spec.capacity is None or spec.capacity.mode != "act"):
        raise _wrong(f"{place}.events", 'are for a fleet with a table capacity and mode = "act"')
    if spec.size_min > spec.ceiling():
        raise _wrong(
            f"{place}.size_min",
            f"{spec.size_min} is above what size_max and ports allow ({spec.ceiling()}); lower it",
        )
    for variable in spec.env:
        if variable.startswith(RESERVED_ENV) or "=" in variable or not variable:
            raise _wrong(
                f"{place}.env.{variable}",
                "cannot be set here; READYUP_ and AGONES_SDK_ variables are set for each server",
            )


def _check_fixed(spec: FleetSpec, replicas: int, place: str) -> None:
    if replicas > spec.ceiling():
        raise _wrong(
            f"{place}.replicas",
            f"{replicas} servers do not fit: size_max is {spec.size_max} and ports "
            f"{spec.ports} are {len(spec.ports)}; widen ports or lower replicas",
        )
    if spec.capacity or spec.events:
        raise _wrong(f"{place}.replicas", "is a fixed size, so leave out capacity and events")
    if spec.buffer:
        raise _wrong(f"{place}.buffer", "has no effect beside replicas; leave one of them out")
    if spec.reserve > replicas * spec.rooms:
        raise _wrong(
            f"{place}.reserve",
            f"{spec.reserve} rooms are more than {replicas} servers of {spec.rooms} have; "
            "raise replicas or lower reserve",
        )


def _check_pod(spec: FleetSpec, pod: PodSpec, place: str) -> None:
    if wrong := pod_wrong(pod):
        raise _wrong(f"{place}.pod.{wrong[0]}", wrong[1])
    if what := ports_wrong(pod, spec.ports.first, spec.ports.last):
        raise _wrong(f"{place}.ports", what)
    if PYTHON in spec.command:
        raise _wrong(
            f"{place}.command", f"{PYTHON} is not in the image; write the image's own interpreter"
        )
    if not label_value(spec.version):
        raise _wrong(
            f"{place}.version",
            "becomes a label of the pods; at most 63 letters, digits, dots and dashes",
        )
    health = spec.health
    for name in ("period_s", "initial_delay_s"):
        if not whole_seconds(getattr(health, name)):
            raise _wrong(f"{place}.health.{name}", "the kubelet counts whole seconds, from 1")


def _refuse_unknown(table: Mapping[str, object], known: set[str], place: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(str(key), sorted(known), n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
            raise _wrong(f"{place}.{key}", f"no such setting; {cure}")


def _placed(wrong: msgspec.ValidationError, place: str) -> Invalid:
    """From "Expected `int`, got `str` - at `$.cpus`" to a place in the whole."""
    what, at, path = str(wrong).partition(" - at `$")
    inner = path.rstrip("`") if at else ""
    return _wrong(f"{place}{inner}", what[:1].lower() + what[1:].replace("`", ""))


def _wrong(place: str, what: str) -> Invalid:
    return Invalid(f"{place}: {what}", field=place)
