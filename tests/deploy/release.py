"""A release of the chart as its processes: what the API server holds of it, started for real.

Services are their cluster addresses on loopback in place of kube-proxy, names are a hosts file
in place of the cluster's DNS, and each pod has a loopback address of its own.
"""

import base64
import ipaddress
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.valkey import find_server
from tests.cluster.plane.api import SERVER, Api
from tests.cluster.plane.plane import Plane
from tests.deploy.container import ACCOUNT, PROGRAMS, ROOT, Container, expanded, image_env

SPACE = "readyup"
DOMAIN = f"{SPACE}.svc.cluster.local"
DOORS = {"api": "READYUP_API_HOST", "allocator": "READYUP_SESSIONS_HOST"}
"""What of the settings keeps a role to its pod's address, of those that run several times. On
loopback, which these are, the API lets bots in with development keys."""

STAND_IN = ROOT / "tests" / "deploy" / "valkey_cli.py"
"""For `valkey-cli`, where neither it nor Redis' own is installed."""

Object = dict[str, Any]


@dataclass
class Release:
    """What the API server holds of it, and the containers that were started."""

    folder: Path
    found: dict[str, dict[str, Object]]
    """Kind, then name."""

    token: str
    """Of the role fleets' account."""

    authority: str
    addresses: dict[str, str] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    hooks: Sequence[Object] = ()
    _given: int = 0

    @classmethod
    async def of(cls, plane: Plane, api: Api, folder: Path) -> "Release":
        """As it stands, its Services reachable."""
        core, apps = f"/api/v1/namespaces/{SPACE}", f"/apis/apps/v1/namespaces/{SPACE}"
        found = {}
        for path in ("services", "secrets", "configmaps"):
            found[path] = {o["metadata"]["name"]: o for o in await api.items(f"{core}/{path}")}
        for path in ("deployments", "statefulsets"):
            found[path] = {o["metadata"]["name"]: o for o in await api.items(f"{apps}/{path}")}
        account = f"{core}/serviceaccounts/readyup-fleets/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = (await api.create(account, asked))["status"]["token"]
        authority = (plane.folder / "pki" / "ca.crt").read_text("utf-8")
        release = cls(folder, found, token, authority)
        release._services()
        return release

    @classmethod
    def rendered(cls, documents: Sequence[Object], folder: Path) -> "Release":
        """As the chart renders it, without a cluster: enough for the store."""
        kinds = ("Service", "Secret", "ConfigMap", "Deployment", "StatefulSet")
        found: dict[str, dict[str, Object]] = {f"{kind.lower()}s": {} for kind in kinds}
        for one in documents:
            if one["kind"] in kinds:
                found[f"{one['kind'].lower()}s"][one["metadata"]["name"]] = one
        for one in found["secrets"].values():
            texts = one["stringData"].items()
            one["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in texts}
        for one in found["services"].values():
            one["spec"]["clusterIP"] = "None"
        return cls(folder, found, "", "")

    def take(self, hooks: Sequence[Object]) -> None:
        """What helm would create at a verb of its own, such as `helm test`."""
        self.hooks = hooks
        for one in hooks:
            if one["kind"] == "ConfigMap":
                self.found["configmaps"][one["metadata"]["name"]] = one

    def start(self, pod: str, template: Object) -> list[Container]:
        """The containers of one pod of a template, begun."""
        address = self._address(pod)
        begun = []
        for spec in template["spec"]["containers"]:
            name = spec["name"]
            token = template["spec"].get("automountServiceAccountToken", True)
            container = Container(
                spec,
                self._environment(pod, address, spec, token=token),
                self._files(template["spec"], spec, token=token),
                self.folder / f"{pod}.{name}",
                self.folder / f"{pod}.data",
            )
            container.start()
            self.containers[f"{pod}.{name}"] = container
            begun.append(container)
        return begun

    def secret(self, name: str, key: str) -> str:
        return base64.b64decode(self.found["secrets"][name]["data"][key]).decode()

    def admin(self, pod: str) -> str:
        """A role's admin port."""
        return f"http://{self.addresses[pod]}:8083"

    def roles(self) -> dict[str, Container]:
        """All but the store."""
        return {name: one for name, one in self.containers.items() if "valkey" not in name}

    def stop_roles(self) -> None:
        """End every role, as a rollout would; twice is fine."""
        for container in self.roles().values():
            container.stop()

    def stop(self) -> None:
        """End every role, then the store."""
        self.stop_roles()
        for container in self.containers.values():
            container.stop()

    def move(self, pod: str) -> None:
        """Give a pod another address; it has it from its next start, its name at once."""
        self.addresses.pop(pod, None)
        self._address(pod)
        for container in self.containers.values():
            container.tell("/etc/hosts", self._hosts())

    def _address(self, pod: str) -> str:
        """A loopback address for each pod, never used before."""
        if pod not in self.addresses:
            self._given += 1
            self.addresses[pod] = str(ipaddress.ip_address("127.0.1.0") + self._given)
        return self.addresses[pod]

    def _services(self) -> None:
        """Each Service's cluster address on loopback."""
        for service in self.found["services"].values():
            address = service["spec"]["clusterIP"]
            if address != "None":
                command = ["ip", "address", "add", f"{address}/32", "dev", "lo"]
                subprocess.run(command, check=False, stderr=subprocess.DEVNULL)

    def names(self) -> dict[str, str]:
        """What the cluster's DNS would know: name to address."""
        known = {"localhost": "127.0.0.1"}
        for name, service in self.found["services"].items():
            address = service["spec"]["clusterIP"]
            if address != "None":
                known[f"{name}.{DOMAIN}"] = address
        for name, one in self.found["statefulsets"].items():
            for n in range(one["spec"]["replicas"]):
                nodes = f"{one['spec']['serviceName']}.{DOMAIN}"
                known[f"{name}-{n}.{nodes}"] = self._address(f"{name}-{n}")
        return known

    def _hosts(self) -> str:
        return "".join(f"{address} {name}\n" for name, address in self.names().items())

    def _environment(
        self, pod: str, address: str, spec: Object, *, token: bool
    ) -> Mapping[str, str]:
        told = image_env()
        if token:
            host, _, port = SERVER.removeprefix("https://").partition(":")
            told |= {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        for one in spec.get("env", ()):
            source = one.get("valueFrom", {})
            if "fieldRef" in source:
                fields = {"metadata.name": pod, "status.podIP": address}
                told[one["name"]] = fields[source["fieldRef"]["fieldPath"]]
            elif "secretKeyRef" in source:
                ref = source["secretKeyRef"]
                told[one["name"]] = self.secret(ref["name"], ref["key"])
            else:
                told[one["name"]] = expanded(one.get("value", ""), told)
        if door := DOORS.get(spec["name"]):
            told[door] = address
        return {**told, "READYUP_ADMIN_HOST": address}

    def _files(self, pod: Object, spec: Object, *, token: bool) -> dict[str, str]:
        volumes = {one["name"]: one for one in pod["volumes"]}
        files = {"/etc/hosts": self._hosts(), **programs()}
        for mount in spec["volumeMounts"]:
            inside = self._volume(volumes.get(mount["name"], {}))
            for key, text in inside.items():
                if "subPath" not in mount:
                    files[f"{mount['mountPath']}/{key}"] = text
                elif mount["subPath"] == key:
                    files[mount["mountPath"]] = text
        if token:
            files |= {
                f"{ACCOUNT}/token": self.token,
                f"{ACCOUNT}/ca.crt": self.authority,
                f"{ACCOUNT}/namespace": SPACE,
            }
        return files

    def _volume(self, volume: Object) -> dict[str, str]:
        if "configMap" in volume:
            return dict(self.found["configmaps"][volume["configMap"]["name"]]["data"])
        if "secret" in volume:
            name = volume["secret"]["secretName"]
            return {key: self.secret(name, key) for key in self.found["secrets"][name]["data"]}
        return {}


def real_client() -> str | None:
    """Valkey's own client or Redis', where one is installed."""
    return shutil.which("valkey-cli") or shutil.which("redis-cli")


def programs() -> dict[str, str]:
    """Those of Valkey's image: its server, bound to the pod's own address, and its client."""
    client = real_client()
    asks = f'{client} -h "$POD_IP"' if client else f"{sys.executable} {STAND_IN}"
    lines = {
        "valkey-server": f'exec {shlex.quote(str(find_server()))} "$@" --bind "$POD_IP"',
        "valkey-cli": f'exec {asks} "$@"',
    }
    return {f"{PROGRAMS}/{name}": f"#!/bin/sh\n{line}\n" for name, line in lines.items()}
