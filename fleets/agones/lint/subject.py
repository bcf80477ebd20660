"""One Fleet as the rules see it, with the documents around it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid
from fleets.agones.quantity import quantity

Document = Mapping[str, Any]

TEMPLATE: Final = "spec.template.spec"
"""Where the GameServer's spec is."""

POD: Final = f"{TEMPLATE}.template.spec"
POD_META: Final = f"{TEMPLATE}.template.metadata"


@dataclass(frozen=True, slots=True)
class Subject:
    """A Fleet; whatever is missing in it reads as empty."""

    fleet: Document
    documents: Sequence[Document] = ()
    """All that is known beside it: other manifests, or what the cluster answered."""

    @property
    def name(self) -> str:
        """The Fleet's name."""
        return str(at(self.fleet, "metadata.name") or "?")

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(at(self.fleet, "metadata.namespace") or "default")

    @property
    def server(self) -> Document:
        """The GameServer's spec."""
        return table(self.fleet, TEMPLATE)

    @property
    def pod(self) -> Document:
        """The pod's spec."""
        return table(self.fleet, POD)

    @property
    def host_network(self) -> bool:
        """Whether the pods are on the host's network."""
        return bool(self.pod.get("hostNetwork"))

    def label(self, key: str) -> str:
        """A label of the pods."""
        return str(table(self.fleet, f"{POD_META}.labels").get(key, ""))

    def annotation(self, key: str) -> str:
        """An annotation of the pods."""
        return str(table(self.fleet, f"{POD_META}.annotations").get(key, ""))

    def containers(self) -> Iterator[tuple[str, Document]]:
        """Every container with its path, init containers too: all of them count for QoS."""
        for kind in ("containers", "initContainers"):
            for n, one in enumerate(items(self.pod, kind)):
                yield f"{POD}.{kind}[{n}]", one

    def game(self) -> tuple[str, Document]:
        """The game's container; an empty one when it cannot be told."""
        named = self.server.get("container")
        own = [(path, one) for path, one in self.containers() if ".containers[" in path]
        chosen = [(path, one) for path, one in own if one.get("name") == named] if named else own
        return chosen[0] if chosen else (f"{POD}.containers", {})

    def ports(self) -> Iterator[tuple[str, Document]]:
        """The GameServer's ports with their paths."""
        for n, port in enumerate(items(self.server, "ports")):
            yield f"{TEMPLATE}.ports[{n}]", port

    def others(self, *kinds: str) -> Iterator[Document]:
        """Documents of these kinds in this fleet's namespace, or in none."""
        for one in self.documents:
            where = at(one, "metadata.namespace") or self.namespace
            if one.get("kind") in kinds and where == self.namespace:
                yield one

    def autoscalers(self) -> Iterator[Document]:
        """The FleetAutoscalers of this fleet."""
        for one in self.others("FleetAutoscaler"):
            if at(one, "spec.fleetName") == self.name:
                yield one

    def required_labels(self) -> set[str]:
        """Keys of labels without which a node does not get the pods."""
        required = table(
            self.pod, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
        )
        terms = items(required, "nodeSelectorTerms")
        wanted = [entry for term in terms for entry in items(term, "matchExpressions")]
        return {str(one.get("key")) for one in wanted} | set(table(self.pod, "nodeSelector"))


def at(document: object, path: str) -> Any:  # noqa: ANN401 - any JSON
    """The value at a dotted path; None where there is none."""
    for key in path.split("."):
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def table(document: object, path: str) -> Document:
    """The table at a dotted path; an empty one where there is none."""
    found = at(document, path)
    return found if isinstance(found, Mapping) else {}


def items(document: object, path: str) -> list[Document]:
    """The tables of the list at a dotted path."""
    found = at(document, path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def number(text: object) -> float | None:
    """An amount as a number; None where there is none, or nonsense."""
    if text is None:
        return None
    try:
        return float(quantity(text))
    except Invalid:
        return None


def title(document: Document) -> str:
    """A document in a few words."""
    return f"{document.get('kind', '?')} {at(document, 'metadata.name') or '?'}"
