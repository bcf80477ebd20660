"""Which fleets of a configuration a command is about, and what their cluster has in common."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import Invalid, NotFound
from fleets.agones.manifest import Site, Webhooks
from fleets.agones.settings import KubernetesSettings
from fleets.agones.site import ca_bundle, site_of, webhooks
from fleets.spec import FleetSpec
from readyup.settings import Config


def fleets_named(config: Config, name: str) -> Sequence[FleetSpec]:
    """One fleet, or all of them without a name.

    Raises:
        NotFound: there is none of that name.
    """
    found = [one for one in config.fleets if name in ("", one.name)]
    if not found:
        there = ", ".join(one.name for one in config.fleets) or "none"
        raise NotFound(f"no fleet {name!r} in {config.source}; there are: {there}")
    return found


def pod_fleets(config: Config, name: str) -> Sequence[FleetSpec]:
    """The same, of those only that run as pods.

    Raises:
        NotFound: there is none of that name.
        Invalid: none of them has a pod.
    """
    found = [one for one in fleets_named(config, name) if one.pod is not None]
    if not found:
        what = f"fleet {name!r}" if name else "every fleet"
        raise Invalid(
            f"{what} of {config.source} runs as local processes; add [fleets.NAME.pod] with an "
            "image to run it on Agones",
            field="$.fleets",
        )
    return found


def by_cluster(config: Config, name: str) -> list[tuple[KubernetesSettings, Sequence[FleetSpec]]]:
    """The fleets that were asked for, by the cluster that runs them. Raises as ``pod_fleets``."""
    groups: dict[str, list[FleetSpec]] = {}
    for spec in pod_fleets(config, name):
        groups.setdefault(spec.cluster, []).append(spec)
    return [(config.cluster_of(there[0]), there) for there in groups.values()]


def site(settings: KubernetesSettings, *, service: str = "", ca_file: Path | None = None) -> Site:
    """The cluster as the manifests see it.

    Args:
        settings: Has the namespace and the sessions API's address.
        service: ``NAMESPACE/NAME:PORT`` of our webhooks' Service; empty is what the settings
            say, else ours by its usual name.
        ca_file: PEM of the authority that signed their certificate.

    Raises:
        Invalid: no such text, or no such file.
    """
    bundle = ca_bundle(ca_file, place="--ca-file")
    if service:
        hooks = webhooks(service, bundle, place="--service")
    else:
        own = site_of(settings).webhooks or Webhooks()
        hooks = replace(own, ca_bundle=bundle or own.ca_bundle)
    return Site(settings.namespace, settings.sessions_url, hooks)
