"""Whom we speak to and as whom: a kubeconfig on a laptop, a service account in a pod.

Contexts, exec plugins, token files and TLS are the ``kubernetes`` package's business.
What it does not do is look again: a plugin's token that ran out, a certificate that was
replaced. So everything is loaded anew when the API server no longer knows us.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import Invalid
from fleets.agones.settings import KubernetesSettings

if TYPE_CHECKING:
    from kubernetes.aio.client import Configuration

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


async def load_credentials(
    settings: KubernetesSettings, *, environ: Mapping[str, str] = os.environ
) -> "Configuration":
    """Address, TLS and credentials, as they are now.

    Raises:
        Invalid: there are none, or they are wrong; names the place and the cure.
    """
    from kubernetes.aio import config
    from kubernetes.aio.client import Configuration

    loaded = Configuration()
    if _in_cluster(settings, environ):
        try:
            config.load_incluster_config(  # type: ignore[no-untyped-call]  # as it comes
                client_configuration=loaded
            )
        except config.ConfigException as wrong:
            raise Invalid(f"$.kubernetes: the service account: {wrong}") from wrong
        return loaded
    path = settings.kubeconfig or environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
    if not any(Path(one).is_file() for one in path.split(os.pathsep) if one):
        raise Invalid(
            f"$.kubernetes.kubeconfig: there is no {path}; set KUBECONFIG, or run in a pod",
            field="$.kubernetes.kubeconfig",
        )
    try:
        await config.load_kube_config(  # type: ignore[no-untyped-call]  # as it comes
            config_file=path,
            context=settings.context or None,
            client_configuration=loaded,
            persist_config=False,
        )
    except (config.ConfigException, ValueError, OSError) as wrong:
        raise Invalid(f"$.kubernetes: {path}: {wrong}", field="$.kubernetes.context") from wrong
    return loaded


async def authorization(loaded: "Configuration") -> dict[str, str]:
    """Headers that say who asks; a service account's token is read again each minute."""
    bearer = (await loaded.auth_settings()).get("BearerToken")
    return {"Authorization": str(bearer["value"])} if bearer and bearer["value"] else {}


def same_connection(one: "Configuration", other: "Configuration") -> bool:
    """Whether connections made for one serve the other, so that only the token is new."""
    keys = ("host", "ssl_ca_cert", "cert_file", "key_file", "verify_ssl", "tls_server_name")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def _in_cluster(settings: KubernetesSettings, environ: Mapping[str, str]) -> bool:
    if settings.context or settings.kubeconfig:
        return False
    return "KUBERNETES_SERVICE_HOST" in environ and SERVICE_ACCOUNT.is_file()
