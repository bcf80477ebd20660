"""Where a cluster's manifests point: its namespace, the sessions API, and our webhooks."""

import base64
import re
from pathlib import Path
from typing import Final

from core.errors import Invalid
from fleets.agones.manifest import Site, Webhooks
from fleets.agones.settings import KubernetesSettings

SERVICE: Final = re.compile(r"(?P<namespace>[a-z0-9-]+)/(?P<name>[a-z0-9-]+)(:(?P<port>\d+))?")


def site_of(settings: KubernetesSettings) -> Site:
    """The cluster as the role's own manifests see it; without ``webhook_at`` no webhooks.

    Raises:
        Invalid: there is no such file, or none with a certificate.
    """
    plain = Site(settings.namespace, settings.sessions_url)
    if not settings.webhook_at:
        return plain
    ca_file = Path(settings.webhook_ca) if settings.webhook_ca else None
    bundle = ca_bundle(ca_file, place="webhook_ca")
    hooks = webhooks(settings.webhook_at, bundle, place="webhook_at")
    return Site(settings.namespace, settings.sessions_url, hooks)


def webhooks(at: str, bundle: str, *, place: str) -> Webhooks:
    """Our webhooks behind a Service ``NAMESPACE/NAME:PORT``, or at an ``https://`` address.

    Raises:
        Invalid: it is neither; ``place`` is where it was said.
    """
    if at.startswith("https://"):
        return Webhooks(url=at, ca_bundle=bundle)
    found = SERVICE.fullmatch(at)
    if found is None:
        raise Invalid(f"{place}: {at!r}; write NAMESPACE/NAME:PORT", field=place)
    port = int(found["port"] or Webhooks().port)
    return Webhooks(found["name"], found["namespace"], port, bundle)


def ca_bundle(ca_file: Path | None, *, place: str) -> str:
    """The authority of the webhooks' certificate as Kubernetes wants it; empty without a file.

    Raises:
        Invalid: there is no such file, or none with a certificate.
    """
    if ca_file is None:
        return ""
    try:
        pem = ca_file.read_bytes()
    except OSError as gone:
        raise Invalid(f"{place}: {ca_file}: {gone.strerror}", field=place) from gone
    if b"BEGIN CERTIFICATE" not in pem:
        raise Invalid(f"{place}: {ca_file} holds no certificate in PEM", field=place)
    return base64.b64encode(pem).decode()
