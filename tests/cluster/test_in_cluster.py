"""The role as it runs in a pod: by its service account, with the rights that the docs ask for.

Its process sees a folder where the kubelet puts a pod's token, and the token in it is
replaced and the old one made worthless while the role works.
"""

import asyncio
import base64
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from core.ids import FleetName
from core.lua import as_json
from core.redis import Store
from fleets.agones.manifest import priority_class
from fleets.pod import PodSpec
from tests.cluster.gameservers import delete_fleet
from tests.cluster.plane.api import GAME_SERVERS, SERVER, Api
from tests.cluster.plane.plane import ROOT, Plane
from tests.cluster.seen import Seen, until
from tests.cluster.test_ports_webhook import CLASSES

ACCOUNT, FLEET = "readyup-fleets", FleetName("in-cluster")
CORE = "/api/v1/namespaces/default"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"

# A mount that only this process and its children see, as a pod's own.
AS_IN_A_POD = """
mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
mount --bind "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"
"""


@pytest.fixture
async def account(plane: Plane) -> AsyncIterator["Account"]:
    """A service account with the documented Role."""
    rights = re.findall(
        r"```yaml\n(rules:.*?)```", (ROOT / "docs/agones.md").read_text(), re.DOTALL
    )
    role = {"metadata": {"name": ACCOUNT}, **yaml.safe_load(rights[0])}
    bound = {
        "metadata": {"name": ACCOUNT},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "default"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
    }
    async with plane.api() as api:
        await api.create(f"{CORE}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
        await api.create(f"{RBAC}/roles", role)
        await api.create(f"{RBAC}/rolebindings", bound)
        # The cluster's owner makes what is the whole cluster's.
        shared = priority_class(PodSpec("game:1"))
        assert shared is not None
        await api.apply(f"{CLASSES}/{shared['metadata']['name']}", shared)
        try:
            yield Account(api)
        finally:
            await delete_fleet(api, FLEET)
            for path in (f"{RBAC}/rolebindings", f"{RBAC}/roles", f"{CORE}/serviceaccounts"):
                await api.delete(f"{path}/{ACCOUNT}")


class Account:
    """Grants tokens that live as long as a Secret does."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def token(self, secret: str) -> str:
        await self._api.create(f"{CORE}/secrets", {"metadata": {"name": secret}})
        bound = {"apiVersion": "v1", "kind": "Secret", "name": secret}
        asked = {"spec": {"expirationSeconds": 3600, "boundObjectRef": bound}}
        granted = await self._api.create(f"{CORE}/serviceaccounts/{ACCOUNT}/token", asked)
        return str(granted["status"]["token"])

    async def end(self, secret: str) -> None:
        await self._api.delete(f"{CORE}/secrets/{secret}")

    async def knows(self, token: str) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{SERVER}{GAME_SERVERS.format('default')}"
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http,
            http.get(url, headers=headers) as answer,
        ):
            return answer.status == 200


@contextlib.asynccontextmanager
async def in_a_pod(secrets: Path, config: Path, valkey_url: str) -> AsyncIterator[Path]:
    """``readyup serve --role fleets`` with that service account; where it writes."""
    log = config.with_suffix(".log")
    outside = {key: text for key, text in os.environ.items() if not key.startswith("KUBE")}
    inside = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": "6443",
        "READYUP_STORE_URL": valkey_url,
    }
    serve = (sys.executable, "-m", "readyup", "serve", "--role", "fleets", "--config", str(config))
    with log.open("wb") as output:
        serving = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "sh", "-c", AS_IN_A_POD, str(secrets), *serve),
            env=outside | inside,
            stdout=output,
            stderr=output,
        )
    try:
        yield log
    finally:
        serving.terminate()
        assert await serving.wait() == 0, log.read_text()


async def test_a_pods_rotated_token_is_noticed_and_its_rights_are_enough(
    plane: Plane, account: Account, store: Store, valkey_url: str, tmp_path: Path
):
    secrets, config = tmp_path / "serviceaccount", tmp_path / "readyup.json"
    secrets.mkdir()
    first = await account.token("first")
    (secrets / "token").write_text(first)
    (secrets / "ca.crt").write_bytes((plane.folder / "pki" / "ca.crt").read_bytes())
    config.write_text(json.dumps(configured()))

    async with plane.api() as api, in_a_pod(secrets, config, valkey_url) as log:
        seen = Seen(api, store, FLEET)
        await until(lambda: _ready(seen, 3), timeout_s=60)
        await order(store, "take", claim="refill-one")
        await until(lambda: _claimed(seen, "refill-one"))

        (secrets / "next").write_text(await account.token("second"))
        (secrets / "next").replace(secrets / "token")
        await account.end("first")
        await until(lambda: _refused(account, first), timeout_s=40)
        await order(store, "take", claim="refill-two")
        await until(lambda: _claimed(seen, "refill-two"))
        taken = next(v for v in (await seen.mirror()).values() if "readyup/claim" in v.labels)
        await order(store, "give_up", uid=taken.uid)
        await until(lambda: _gone(seen, taken.name))
        await until(seen.agrees)
        said = log.read_text()
        await account.end("second")

    assert "credentials.reloaded" in said
    # The priority class is the cluster's, and its owner's to make.
    assert said.count("manifest.left_out") == 1
    subject = json.loads(base64.urlsafe_b64decode(first.split(".")[1] + "=="))["sub"]
    assert subject == f"system:serviceaccount:default:{ACCOUNT}"


def configured() -> dict[str, Any]:
    """Without a word on where the cluster is."""
    pod = {"image": "game:1", "arch": "", "node_labels": {}, "tolerations": []}
    queue = {"teams": ["red", "blue"], "team_size": 1, "fleet": FLEET}
    return {"queues": {"duel": queue}, "fleets": {FLEET: {"buffer": 3, "pod": pod}}}


async def order(store: Store, kind: str, **fields: str) -> None:
    said = as_json({"uid": "any", **fields})
    await store.call("XADD", f"{{f:{FLEET}}}:orders", "*", "k", kind, "d", said)


async def _ready(seen: Seen, count: int) -> bool:
    return [view.state for view in (await seen.mirror()).values()].count("Ready") >= count


async def _claimed(seen: Seen, claim: str) -> bool:
    views = (await seen.mirror()).values()
    return any(view.labels.get("readyup/claim") == claim for view in views)


async def _refused(account: Account, token: str) -> bool:
    return not await account.knows(token)


async def _gone(seen: Seen, name: str) -> bool:
    return name not in await seen.mirror()
