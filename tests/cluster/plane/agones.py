"""Agones as its own programs: what is installed from its install.yaml, and how they are started.

Each program sees a folder as its root, with the files where its image has them: the
service account's token, certificates. So all of them run as they do in a pod.
"""

import base64
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.plane.api import Api
from tests.cluster.plane.kubernetes import Credentials
from tests.cluster.plane.pki import Authority, Pair
from tests.cluster.plane.programs import Program

NAMESPACE = "agones-system"
_SERVICE = "agones-controller-service"
_WEBHOOK_PORT = 8081
_LEFT_OUT = {"Deployment", "PodDisruptionBudget", "Secret", "Service"}
_DAY_S = 86_400

_IN_CLUSTER = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
_NAMED = {"POD_NAMESPACE": NAMESPACE, "POD_NAME": "plane", "CLOUD_PRODUCT": "generic"}

# The manifest has 21,000 lines; libyaml reads them in a fifth of the time.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

ALLOCATOR_GRPC = "127.0.0.1:8443"
"""The allocator's gRPC, with client certificates; REST is on the next port."""


@dataclass(frozen=True)
class Tuning:
    """What a benchmark of Agones turns; as in its install.yaml unless said otherwise."""

    batch_wait: str = "500ms"
    """The allocation loop sleeps this long when its queue is empty."""

    qps: int = 400
    """Requests a second that each of its programs may send to the API server."""

    burst: int = 500
    workers: int = 100
    """Of each controller, for each kind of object."""

    sdk_rate_limit: str = "500ms"
    """An SDK server writes at most this often for one key."""

    ports: tuple[int, int] = (7000, 8000)
    """Host ports of game servers, on every node."""

    feature_gates: str = ""

    def environment(self) -> dict[str, str]:
        """As its programs read it."""
        return {
            "ALLOCATION_BATCH_WAIT_TIME": self.batch_wait,
            "API_SERVER_QPS": str(self.qps),
            "API_SERVER_QPS_BURST": str(self.burst),
            "NUM_WORKERS": str(self.workers),
            "SIDECAR_REQUESTS_RATE_LIMIT": self.sdk_rate_limit,
            "MIN_PORT": str(self.ports[0]),
            "MAX_PORT": str(self.ports[1]),
            "FEATURE_GATES": self.feature_gates,
        }


@dataclass(frozen=True)
class Agones:
    """What a test needs of an Agones that runs, found in the plane's folder."""

    folder: Path

    @property
    def sdk_server(self) -> Program:
        """A pattern: the SDK server in a root with its pods' service account, in ``default``."""
        root = self.folder / "roots" / "sdk-server"
        return Program("sdk-server", ("/sdk-server",), str(self.folder), _IN_CLUSTER, str(root))

    @property
    def allocator_client(self) -> Pair:
        """Whom the allocator lets in."""
        keys = self.folder / "pki"
        return Pair(keys / "allocator-client.crt", keys / "allocator-client.key")

    @property
    def allocator_ca(self) -> Path:
        """Who signed the allocator's own certificate."""
        return self.folder / "pki" / "ca.crt"


async def install(api: Api, assets: Path, authority: Authority) -> None:
    """Its accounts, roles and kinds, and what calls its webhooks."""
    await _create(api, _object("v1", "Namespace", NAMESPACE))
    # The API server looks up neither pods nor names here: it takes the name that it finds in
    # this service and the port that stands in a reference to it, and still verifies the
    # certificate against the service's own name.
    service = _object("v1", "Service", _SERVICE, NAMESPACE)
    await _create(api, service | {"spec": {"type": "ExternalName", "externalName": "localhost"}})
    bundle = base64.b64encode(authority.ca.cert.read_bytes()).decode()
    for item in yaml.load_all((assets / "install.yaml").read_text("utf-8"), _Loader):
        if item and item["kind"] not in _LEFT_OUT:
            for caller in _callers(item):
                caller["caBundle"] = bundle
                caller["service"]["port"] = _WEBHOOK_PORT
            await _create(api, item)


async def prepare(
    api: Api, assets: Path, folder: Path, keys: Credentials, tuning: Tuning, *, outlives: bool
) -> tuple[Program, ...]:
    """Lay out each program's root; the programs, in the order in which they start."""
    hosts = (f"{_SERVICE}.{NAMESPACE}.svc", "localhost", "127.0.0.1")
    serving = keys.authority.sign("agones", _SERVICE, hosts=hosts)
    ca, roots = keys.authority.ca.cert, folder / "roots"

    async def program(name: str, account: str, *arguments: str, **listens: str) -> Program:
        root = await _root(api, roots / name, assets / name, ca, (NAMESPACE, account))
        environment = _IN_CLUSTER | _NAMED | tuning.environment() | listens
        path = (f"/{name}", *arguments)
        return Program(f"agones-{name}", path, str(folder), environment, str(root), outlives)

    controller = await program("controller", "agones-controller", LEADER_ELECTION="false")
    extensions = await program(
        "extensions",
        "agones-controller",
        "--cert-file=/certs/server.crt",
        "--key-file=/certs/server.key",
        HTTP_PORT="8082",
        WEBHOOK_PORT=str(_WEBHOOK_PORT),
    )
    # Two ports: on one for both, gRPC goes through Go's slower HTTP server.
    allocator = await program("allocator", "agones-allocator", GRPC_PORT="8443", HTTP_PORT="8444")
    _install(Path(extensions.root, "certs"), serving, "server")
    home = Path(allocator.root, "home", "allocator")
    _install(home / "tls", serving, "tls")
    (home / "client-ca").mkdir()
    shutil.copy(ca, home / "client-ca" / "plane.crt")
    sdk = "sdk-server"
    await _root(api, roots / sdk, assets / sdk, ca, ("default", "agones-sdk"))
    keys.authority.sign("allocator-client", "allocator-client")
    return controller, extensions, allocator


async def _root(api: Api, root: Path, binary: Path, ca: Path, account: tuple[str, str]) -> Path:
    """A folder to be a program's root: itself, its service account, and how localhost is called."""
    secrets = root / "var" / "run" / "secrets" / "kubernetes.io" / "serviceaccount"
    secrets.mkdir(parents=True)
    for empty in ("proc", "tmp"):
        (root / empty).mkdir()
    shutil.copy(binary, root)
    namespace, name = account
    request = {"spec": {"expirationSeconds": 30 * _DAY_S}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    granted = await api.create(path, request)
    (secrets / "token").write_text(granted["status"]["token"], "utf-8")
    (secrets / "namespace").write_text(namespace, "utf-8")
    shutil.copy(ca, secrets / "ca.crt")
    (root / "etc").mkdir()
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n", "utf-8")
    return root


def _install(folder: Path, pair: Pair, name: str) -> None:
    folder.mkdir(parents=True)
    shutil.copy(pair.cert, folder / f"{name}.crt")
    shutil.copy(pair.key, folder / f"{name}.key")


def _callers(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What in an object tells the API server whom to call."""
    if item["kind"] == "APIService":
        yield item["spec"]
    for webhook in item.get("webhooks", ()):
        yield webhook["clientConfig"]


def _object(version: str, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


_PLURALS = {"PriorityClass": "priorityclasses"}


async def _create(api: Api, item: dict[str, Any]) -> None:
    """Not by applying: its kinds have fields in their schemas that no apply lets through."""
    version = item["apiVersion"]
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = item["metadata"].get("namespace")
    scope = f"/namespaces/{namespace}" if namespace else ""
    plural = _PLURALS.get(item["kind"], item["kind"].lower() + "s")
    await api.create(f"{group}{scope}/{plural}", item)
