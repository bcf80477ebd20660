"""The SDK's ports of a game server on the host's network, from the port that its players reach.

Agones gives every sidecar the same three ports, so a node holds one hostNetwork game server.
Its game port is its own on that node, though, and a fixed distance above it so are these.
"""

from dataclasses import dataclass
from typing import Final

from core.errors import Invalid

GRPC_ABOVE: Final = 10_000
HTTP_ABOVE: Final = 12_000
HEALTH_ABOVE: Final = 14_000

EPHEMERAL_FIRST: Final = 32_768
"""From here on Linux hands out ports to outgoing connections; one of them could sit on ours."""

HOST_PORT_MIN: Final = 1_024
"""Below it only a privileged process may listen."""

HOST_PORT_MAX: Final = EPHEMERAL_FIRST - 1 - HEALTH_ABOVE
"""The highest game port whose SDK ports all lie below the ephemeral ones: 18767."""

RANGE_MAX: Final = HTTP_ABOVE - GRPC_ABOVE
"""So many game ports in a row have SDK ports that never meet. In a wider range two servers may
want the same; the scheduler then puts them on two nodes, since all are declared as host ports."""


@dataclass(frozen=True, slots=True)
class SdkPorts:
    """Where one sidecar listens: gRPC and REST on loopback, health on every address."""

    grpc: int
    http: int
    health: int


def sdk_ports(host_port: int) -> SdkPorts:
    """The three ports of the server whose players reach ``host_port``.

    >>> sdk_ports(7001)
    SdkPorts(grpc=17001, http=19001, health=21001)

    Raises:
        Invalid: the port leaves no room above it.
    """
    if not HOST_PORT_MIN <= host_port <= HOST_PORT_MAX:
        raise Invalid(
            f"host port {host_port} is outside {HOST_PORT_MIN}-{HOST_PORT_MAX}, so its SDK ports "
            f"(+{GRPC_ABOVE}, +{HTTP_ABOVE}, +{HEALTH_ABOVE}) would not all lie below the "
            f"ephemeral ports; set Agones' gameservers.minPort and maxPort inside that range"
        )
    return SdkPorts(host_port + GRPC_ABOVE, host_port + HTTP_ABOVE, host_port + HEALTH_ABOVE)
