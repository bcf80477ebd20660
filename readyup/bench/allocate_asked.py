"""Which cluster the benchmarks of allocation and of large fleets are run on, and how big."""

from dataclasses import dataclass

from core.errors import Invalid
from fleets.agones.settings import KubernetesSettings

SERVERS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class ClusterAsked:
    """Options of ``readyup bench allocate`` and ``readyup bench fleet``."""

    kubeconfig: str = ""
    """Path of a kubeconfig; KUBECONFIG unless told."""

    context: str = ""
    """Context of the kubeconfig; its current one unless told."""

    namespace: str = "default"
    """Where the benchmark makes its fleets, and deletes them again."""

    image: str = "stand-in"
    """Image of the fleets' pods: one that says Ready() to Agones and nothing more."""

    servers: int | None = None
    """allocate: Ready servers for Agones, 1000 unless told. fleet: servers, 2000 unless told."""

    reserve: int = 256
    """allocate: servers that are claimed into our reserve, beside those."""

    concurrency: str = "1,16,64"
    """allocate: how many clients ask at once."""

    rounds: int = 3
    """allocate: turns of each rival, one after the other. fleet: bursts are seven times that."""

    agones_allocator: str = ""
    """allocate: host:port of Agones' allocator service; without it only its API is measured."""

    client_cert: str = ""
    """allocate: certificate that the allocator service lets in, PEM."""

    client_key: str = ""
    """allocate: its key."""

    client_ca: str = ""
    """allocate: who signed the service's own certificate."""

    retune: str = ""
    """allocate: command that is given default, or tuned, as its last word, and makes Agones
    that. Without it Agones is measured as it is."""

    def clients(self) -> tuple[int, ...]:
        """The concurrencies.

        >>> ClusterAsked(concurrency="1,16").clients()
        (1, 16)

        Raises:
            Invalid: not such a list.
        """
        words = [word.strip() for word in self.concurrency.split(",")]
        if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= 256 for word in words):
            raise Invalid(f"--concurrency: {self.concurrency!r} is no list like 1,16,64, up to 256")
        return tuple(int(word) for word in words)

    def size(self, default: int) -> int:
        """How many servers.

        Raises:
            Invalid: more than the benchmark is made for, or hardly any.
        """
        servers = default if self.servers is None else self.servers
        if not 10 <= servers <= SERVERS_MAX:
            raise Invalid(f"--servers: {servers} is outside 10 to {SERVERS_MAX}")
        return servers

    def checked(self) -> "ClusterAsked":
        """The same, if it fits together.

        Raises:
            Invalid: says what does not.
        """
        self.clients()
        if not 1 <= self.rounds <= 100:
            raise Invalid(f"--rounds: {self.rounds} is outside 1 to 100")
        if not max(self.clients()) <= self.reserve <= 1_000:
            raise Invalid(
                f"--reserve: {self.reserve} is outside {max(self.clients())} to 1000; "
                "each client holds a room"
            )
        if self.agones_allocator and not (self.client_cert and self.client_key and self.client_ca):
            raise Invalid(
                "--agones-allocator: needs --client-cert, --client-key and --client-ca; "
                "the service speaks to known clients only"
            )
        return self

    def settings(self) -> KubernetesSettings:
        """How the API server is spoken to."""
        return KubernetesSettings(
            namespace=self.namespace, context=self.context, kubeconfig=self.kubeconfig
        )
