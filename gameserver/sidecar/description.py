"""A game server as a developer describes it: a file like Agones' GameServer resource.

JSON always; YAML where PyYAML is installed, which ReadyUp itself does not ask for.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from core.errors import Invalid
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from gameserver.sidecar.counts import LIST_CAPACITY_MAX, Count, Counter, Names
from gameserver.sidecar.state import (
    Detail,
    HealthPolicy,
    SdkState,
    check_key,
    check_label,
    detailed,
    seen_as,
)

FLEET_LABEL: Final = "agones.dev/fleet"

Int32 = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class CounterIn(msgspec.Struct):
    """A counter in a file."""

    count: Count = 0
    capacity: Count = 1000


class NamesIn(msgspec.Struct):
    """A list in a file."""

    values: list[str] = []
    capacity: Count = LIST_CAPACITY_MAX


class Health(msgspec.Struct, rename="camel"):
    """The defaults are those of Agones' own local server."""

    disabled: bool = False
    period_seconds: Int32 = 3
    failure_threshold: Int32 = 5
    initial_delay_seconds: Int32 = 10


class Port(msgspec.Struct):
    """One port that players reach."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    name: str = "default"


class Metadata(msgspec.Struct, rename="camel"):
    """The resource's metadata."""

    name: str = "local"
    namespace: str = "default"
    uid: str = "1234"
    creation_timestamp: datetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Spec(msgspec.Struct):
    """What the server is to be."""

    health: Health = msgspec.field(default_factory=Health)
    counters: dict[str, CounterIn] = {}
    lists: dict[str, NamesIn] = {}


class Status(msgspec.Struct):
    """What the server is; what is left out here is taken from the spec, or kept."""

    state: State | None = None
    address: str = "127.0.0.1"
    ports: list[Port] = msgspec.field(default_factory=lambda: [Port(7777)])
    counters: dict[str, CounterIn] | None = None
    lists: dict[str, NamesIn] | None = None


class Description(msgspec.Struct):
    """What of a GameServer resource is told through the SDK; the rest is passed over."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: Spec = msgspec.field(default_factory=Spec)
    status: Status = msgspec.field(default_factory=Status)

    def health(self) -> HealthPolicy:
        """When a silent server is lost; a period of 0 is never."""
        health = self.spec.health
        return HealthPolicy(
            0.0 if health.disabled else float(health.period_seconds),
            health.failure_threshold,
            float(health.initial_delay_seconds),
        )

    def detail(self, before: Detail | None = None) -> Detail:
        """Its counters, lists and ports.

        Those of the status are what there is; else those of ``before``, else the spec's.
        """
        counters, lists = self.status.counters, self.status.lists
        return Detail(
            counters=before.counters if before and counters is None else self._counters(),
            lists=before.lists if before and lists is None else self._lists(),
            ports=tuple((port.name, port.port) for port in self.status.ports),
            namespace=self.metadata.namespace,
        )

    def view(self, *, created_ms: int, state: State) -> ServerView:
        """As the house sees it; time and state are for what the file leaves out."""
        meta, ports = self.metadata, self.status.ports
        born = meta.creation_timestamp
        return ServerView(
            name=meta.name,
            uid=ServerUid(meta.uid),
            fleet=FleetName(meta.labels.get(FLEET_LABEL, "")),
            state=self.status.state or state,
            address=self.status.address,
            port=ports[0].port if ports else 0,
            labels=meta.labels,
            annotations=meta.annotations,
            created_ms=int(born.timestamp() * 1000) if born else created_ms,
        )

    def _counters(self) -> dict[str, Counter]:
        told = self.spec.counters if self.status.counters is None else self.status.counters
        return {name: Counter(one.count, one.capacity) for name, one in told.items()}

    def _lists(self) -> dict[str, Names]:
        told = self.spec.lists if self.status.lists is None else self.status.lists
        return {name: Names(tuple(one.values), one.capacity) for name, one in told.items()}


def default() -> Description:
    """What Agones' local server has where no file is given."""
    return Description(
        metadata=Metadata(labels={"islocal": "true"}, annotations={"annotation": "true"}),
        status=Status(
            state=State.READY,
            counters={"rooms": CounterIn(1, 10)},
            lists={"players": NamesIn(["test0", "test1", "test2"], 100)},
        ),
    )


def described(text: bytes, path: Path) -> Description:
    """What a file says.

    Raises:
        Invalid: it cannot be read, or says something that cannot be; names place and cure.
    """
    try:
        read = msgspec.convert(_tree(text, path), Description, strict=False)
    except msgspec.ValidationError as wrong:
        detail, _, where = str(wrong).partition(" - at ")
        raise Invalid(f"{path}: {detail}, at {where.strip('`') or 'the top'}") from wrong
    _check(read, path)
    return read


def _tree(text: bytes, path: Path) -> Any:  # noqa: ANN401 - msgspec is about to say what it is
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as wrong:
        if path.suffix not in {".yaml", ".yml"}:
            raise Invalid(f"{path} is not JSON: {wrong}") from wrong
    try:
        import yaml  # type: ignore[import-not-found, import-untyped, unused-ignore] # optional
    except ImportError:
        raise Invalid(
            f"{path} is YAML, and PyYAML is not installed here: "
            "`pip install pyyaml`, or write it as JSON"
        ) from None
    try:
        return yaml.safe_load(text) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise Invalid(f"{path} is not YAML: {wrong}") from wrong


def _check(read: Description, path: Path) -> None:
    """Refuse what Kubernetes or Agones would refuse."""
    meta, detail = read.metadata, read.detail()
    try:
        for kind, words in (("labels", meta.labels), ("annotations", meta.annotations)):
            for key, value in words.items():
                check_key(key, field=f"$.metadata.{kind}")
                if kind == "labels":
                    check_label(value, field=f"$.metadata.labels.{key}")
    except Invalid as wrong:
        raise Invalid(f"{path}: {wrong}, at {wrong.field}", field=wrong.field) from wrong
    _check_counts(detail.counters, detail.lists, path)


def _check_counts(counters: Mapping[str, Counter], lists: Mapping[str, Names], path: Path) -> None:
    for name, counter in counters.items():
        if not 0 <= counter.count <= counter.capacity:
            raise Invalid(
                f"{path}: counter {name} holds {counter.count} of {counter.capacity}; "
                "give it a count of 0 or more and at least that capacity"
            )
    for name, names in lists.items():
        if not len(names.values) <= names.capacity <= LIST_CAPACITY_MAX:
            raise Invalid(
                f"{path}: list {name} holds {len(names.values)} of {names.capacity}; "
                f"give it a capacity that holds its values, at most {LIST_CAPACITY_MAX}"
            )
        if len(set(names.values)) < len(names.values):
            raise Invalid(f"{path}: list {name} has a value twice; each may stand in it once")


def taken_over(server: SdkState, said: Description) -> SdkState:
    """The running server after its file has changed: the file wins wherever it speaks.

    Its state, counters and lists stay where the file's status leaves them out.
    """
    view = said.view(created_ms=server.view.created_ms, state=server.view.state)
    return detailed(seen_as(server, view), said.detail(server.detail))
