"""How etcd and Kubernetes are started: files, arguments, and when each of them is ready."""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.plane.api import SERVER
from tests.cluster.plane.pki import Authority, Pair, signing_key
from tests.cluster.plane.programs import Program

_ETCD = "http://127.0.0.1:2379"
_SERVICES = ("10.0.0.0/24", "10.0.0.1")
_ISSUER = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class Credentials:
    """What the control plane's parts and its users prove themselves with."""

    authority: Authority
    front_proxy: Authority
    api_server: Pair
    aggregator: Pair
    tokens: Pair
    admin: Pair

    @classmethod
    def make(cls, folder: Path) -> "Credentials":
        """Fresh ones."""
        authority = Authority(folder, "plane")
        front_proxy = Authority(folder / "front-proxy", "front-proxy")
        names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
        return cls(
            authority=authority,
            front_proxy=front_proxy,
            api_server=authority.sign(
                "api-server", "kube-apiserver", hosts=(*names, "127.0.0.1", _SERVICES[1])
            ),
            aggregator=front_proxy.sign("aggregator", "front-proxy"),
            tokens=signing_key(folder, "tokens"),
            admin=authority.sign("admin", "admin", groups="system:masters"),
        )


def kubeconfig(path: Path, authority: Authority, user: Pair, name: str = "admin") -> Path:
    """Write a kubeconfig that needs no other file. JSON is YAML."""

    def inline(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    cluster = {"server": SERVER, "certificate-authority-data": inline(authority.ca.cert)}
    keys = {"client-certificate-data": inline(user.cert), "client-key-data": inline(user.key)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "plane", "cluster": cluster}],
        "users": [{"name": name, "user": keys}],
        "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": name}}],
        "current-context": "plane",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1), "utf-8")
    return path


def programs(
    binaries: dict[str, Path], folder: Path, keys: Credentials, *, outlives: bool
) -> tuple[Program, ...]:
    """The control plane, in the order in which it starts."""
    arguments = {
        "etcd": _etcd(folder),
        "kube-apiserver": _api_server(keys),
        "kube-controller-manager": _controller_manager(folder, keys),
        "kube-scheduler": _scheduler(folder, keys),
    }
    return tuple(
        Program(
            name,
            (str(binaries[name]), *options),
            str(folder),
            # A sixth less CPU for the API server, which everything here waits for.
            {"PATH": os.environ["PATH"], "HOME": str(folder), "GOGC": "200"},
            outlives=outlives,
        )
        for name, options in arguments.items()
    )


def _etcd(folder: Path) -> tuple[str, ...]:
    return (
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=default=http://127.0.0.1:2380",
        "--unsafe-no-fsync",  # nobody reads this store after the machine lost its power
        "--log-level=warn",
    )


def _api_server(keys: Credentials) -> tuple[str, ...]:
    return (
        f"--etcd-servers={_ETCD}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--secure-port=6443",
        # Its own address is loopback, which no Endpoints object may name.
        "--endpoint-reconciler-type=none",
        "--authorization-mode=RBAC",
        f"--client-ca-file={keys.authority.ca.cert}",
        f"--tls-cert-file={keys.api_server.cert}",
        f"--tls-private-key-file={keys.api_server.key}",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={keys.tokens.cert}",
        f"--service-account-signing-key-file={keys.tokens.key}",
        f"--service-cluster-ip-range={_SERVICES[0]}",
        # Without these the aggregator passes no request on to Agones' extensions.
        f"--requestheader-client-ca-file={keys.front_proxy.ca.cert}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={keys.aggregator.cert}",
        f"--proxy-client-key-file={keys.aggregator.key}",
        # As clusters that people run: what may be privileged is for policies to say.
        "--allow-privileged=true",
        "--event-ttl=5m",
        # Watches of these are etcd's own, so a compaction is felt (`Plane.compact`).
        "--watch-cache-sizes=configmaps#0",
        "--profiling=false",
    )


def _controller_manager(folder: Path, keys: Credentials) -> tuple[str, ...]:
    own = keys.authority.sign("kcm", "system:kube-controller-manager")
    return (
        f"--kubeconfig={kubeconfig(folder / 'kcm.kubeconfig', keys.authority, own)}",
        # With the manager's own account RBAC forbids most controllers their work.
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={keys.tokens.key}",
        f"--root-ca-file={keys.authority.ca.cert}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--kube-api-qps=200",
        "--kube-api-burst=300",
        "--profiling=false",
    )


def _scheduler(folder: Path, keys: Credentials) -> tuple[str, ...]:
    own = keys.authority.sign("scheduler", "system:kube-scheduler")
    access = kubeconfig(folder / "scheduler.kubeconfig", keys.authority, own)
    settings = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        # 50 bindings a second are its default, which a thousand pods would notice.
        "clientConnection": {"kubeconfig": str(access), "qps": 500, "burst": 500},
        "leaderElection": {"leaderElect": False},
    }
    file = folder / "scheduler.yaml"
    file.write_text(json.dumps(settings), "utf-8")
    return (f"--config={file}", "--bind-address=127.0.0.1")
