"""Several clusters: ``[clusters.NAME]``, and the fleets that name one."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from core.ids import NAME, FleetName
from fleets.agones.settings import KubernetesSettings
from fleets.spec import FleetSpec
from readyup.tables import converted, refusal, refuse_unknown, subtable

Clusters = Mapping[str, KubernetesSettings]


def parse_clusters(
    table: Mapping[str, Any], fleets: Sequence[FleetSpec]
) -> dict[str, KubernetesSettings]:
    """Every ``[clusters.NAME]``, and whether each fleet's cluster is there.

    Raises:
        Invalid: names the place and the cure.
    """
    known = {one.name for one in dataclasses.fields(KubernetesSettings)}
    clusters = {}
    for name, entry in subtable(table, "clusters").items():
        place = f"$.clusters.{name}"
        if not NAME.fullmatch(name):
            raise refusal(place, "a cluster's name has lower case letters, digits and dashes")
        if not isinstance(entry, Mapping):
            raise refusal(place, "is not a table")
        refuse_unknown(entry, known, place)
        clusters[name] = converted(entry, KubernetesSettings, place)
    for fleet in fleets:
        place = f"$.fleets.{fleet.name}.cluster"
        if fleet.cluster and fleet.pod is None:
            raise refusal(place, "is for fleets of pods; add [fleets.NAME.pod] or leave it out")
        if fleet.cluster and fleet.cluster not in clusters:
            there = f"there are: {', '.join(clusters)}" if clusters else "write [clusters.NAME]"
            raise refusal(place, f"no cluster {fleet.cluster!r}; {there}")
    return clusters


def checked_fleets(said: object, there: Sequence[FleetName], place: str) -> None:
    """Refuse a queue's ``fleet`` that names none of those there are.

    Raises:
        Invalid: names the place and the cure.
    """
    for name in said if isinstance(said, list | tuple) else [said]:
        if name not in there:
            cure = f"there are: {', '.join(there)}" if there else "write [fleets.NAME] first"
            raise refusal(f"{place}.fleet", f"no fleet {name!r}; {cure}")


def cluster_of(
    fleet: FleetSpec, clusters: Clusters, default: KubernetesSettings
) -> KubernetesSettings:
    """Where a fleet of pods runs."""
    return clusters[fleet.cluster] if fleet.cluster else default


def region_of(fleet: FleetSpec, clusters: Clusters, default: KubernetesSettings) -> str:
    """Where a fleet is, as players name it: its own word, else its cluster's."""
    here = cluster_of(fleet, clusters, default).region if fleet.pod else ""
    return fleet.region or here
