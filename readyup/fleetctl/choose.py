"""Which fleets of a configuration a command is about, and what their cluster has in common."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from core.errors import Invalid, NotFound
from fleets.agones.manifest import Site, Webhooks
from fleets.agones.settings import KubernetesSettings
from fleets.spec import FleetSpec
from readyup.settings import Config

_SERVICE = re.compile(r"(?P<namespace>[a-z0-9-]+)/(?P<name>[a-z0-9-]+)(:(?P<port>\d+))?")


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
        service: ``NAMESPACE/NAME:PORT`` of our webhooks' Service; empty is ours by its usual name.
        ca_file: PEM of the authority that signed their certificate.

    Raises:
        Invalid: no such text, or no such file.
    """
    webhooks = Webhooks(ca_bundle=_bundle(ca_file))
    if service:
        found = _SERVICE.fullmatch(service)
        if found is None:
            raise Invalid(f"--service: {service!r}; write NAMESPACE/NAME:PORT", field="--service")
        port = int(found["port"] or webhooks.port)
        webhooks = Webhooks(found["name"], found["namespace"], port, webhooks.ca_bundle)
    return Site(settings.namespace, settings.sessions_url, webhooks)


def _bundle(ca_file: Path | None) -> str:
    if ca_file is None:
        return ""
    try:
        pem = ca_file.read_bytes()
    except OSError as gone:
        raise Invalid(f"--ca-file: {ca_file}: {gone.strerror}", field="--ca-file") from gone
    if b"BEGIN CERTIFICATE" not in pem:
        raise Invalid(f"--ca-file: {ca_file} holds no certificate in PEM", field="--ca-file")
    return base64.b64encode(pem).decode()
