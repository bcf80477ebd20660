"""What an operator may choose about the cluster that runs the fleets of pods."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """Where the API server is, and how it is spoken to. Only fleets with a pod need it."""

    namespace: Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] = "default"
    """Where the fleets and their game servers live."""

    context: str = ""
    """Context of the kubeconfig. Empty: the service account where this runs in a pod, else
    the current context."""

    kubeconfig: str = ""
    """Path of a kubeconfig. Empty: ``KUBECONFIG``, else ``~/.kube/config``."""

    region: str = ""
    """Where the cluster is, as players name it in ``latency_ms``."""

    field_manager: Annotated[str, Meta(min_length=1, max_length=128)] = "readyup"
    """Whose fields server-side apply says they are."""

    sessions_url: str = ""
    """``ws://`` or ``wss://`` address of the sessions API as game servers dial it, e.g.
    "ws://readyup-sessions.default.svc:8082/v1/servers/connect"."""

    webhook_host: str = "0.0.0.0"  # noqa: S104 - the API server comes from outside the pod
    """Where the webhooks for Agones and for pods listen."""

    webhook_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """Their port; 0 serves none."""

    webhook_cert: str = ""
    """Path of their TLS certificate, PEM. Read again for each connection once it changed."""

    webhook_key: str = ""
    """Path of its key, PEM."""

    webhook_at: str = ""
    """Where the cluster finds them: ``NAMESPACE/NAME:PORT`` of a Service, or ``https://…``. With
    it the role applies each fleet's FleetAutoscaler and the order to the API server to ask us
    about pods; without it that is for ``readyup fleet apply --webhooks``."""

    webhook_ca: str = ""
    """Path of the authority that signed their certificate, PEM. Empty: one that the API
    server trusts anyway."""

    take_concurrency: Annotated[int, Meta(ge=1, le=1_000)] = 32
    """Allocations asked for at once, for each fleet."""

    request_timeout_s: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """Seconds that one request to the API server may take."""

    watch_s: Annotated[float, Meta(ge=1, le=3_600)] = 60.0
    """Seconds after which a watch is renewed, give or take a quarter. A connection that died
    without a word is noticed five seconds later at the latest."""

    def __post_init__(self) -> None:
        if self.sessions_url and not self.sessions_url.startswith(("ws://", "wss://")):
            raise Invalid(
                f"{self.sessions_url!r} is none; write ws://host:port/v1/servers/connect",
                field="$.sessions_url",
            )
        if self.webhook_port and not (self.webhook_cert and self.webhook_key):
            raise Invalid(
                "the API server speaks to webhooks over TLS only; "
                "set webhook_cert and webhook_key too",
                field="$.webhook_port",
            )
