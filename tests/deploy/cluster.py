"""The chart's documents before an API server: where each kind lives, and dry runs of many."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.cluster.plane.api import APPLY, Api, Refused
from tests.cluster.plane.plane import Plane
from tests.deploy.helm import Document

SPACES = {"readyup": "restricted", "games": "privileged"}
LOOK_S = 0.1


@asynccontextmanager
async def spaces(plane: Plane) -> AsyncIterator[Api]:
    """The API, with the namespace of the service as strict as it gets."""
    async with plane.api() as api:
        for name, level in SPACES.items():
            labels = {"pod-security.kubernetes.io/enforce": level}
            about = {"name": name, "labels": labels}
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
            await api.apply(f"/api/v1/namespaces/{name}", space)
        yield api


class Kinds:
    """Where each kind lives, as the API server says."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, dict[str, tuple[str, bool]]] = {}

    async def path(self, document: Document) -> str | None:
        """The collection of a document's kind; None for one that is not known here."""
        version = document["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if version not in self._known:
            try:
                found = (await self._api.get(root))["resources"]
            except Refused:
                found = []
            self._known[version] = {
                one["kind"]: (one["name"], one["namespaced"])
                for one in found
                if "/" not in one["name"]
            }
        if document["kind"] not in self._known[version]:
            return None
        plural, namespaced = self._known[version][document["kind"]]
        space = document["metadata"].get("namespace", "readyup")
        return f"{root}/namespaces/{space}/{plural}" if namespaced else f"{root}/{plural}"


async def tried(api: Api, found: Sequence[Document]) -> set[str]:
    """Have the API server judge every document; the groups that it does not know."""
    kinds, unknown = Kinds(api), set()
    for one in found:
        path = await kinds.path(one)
        if path is None:
            unknown.add(one["apiVersion"].partition("/")[0])
            continue
        query = "fieldManager=helm&force=true&dryRun=All&fieldValidation=Strict"
        await api.call("PATCH", f"{path}/{one['metadata']['name']}?{query}", one, APPLY)
    return unknown


async def deleted(plane: Plane, *names: str) -> None:
    """Delete namespaces; what is in them goes by and by."""
    async with plane.api() as api:
        for name in names:
            await api.delete(f"/api/v1/namespaces/{name}")


async def emptied(plane: Plane, *names: str) -> None:
    """Delete namespaces, and wait until nothing is left in them."""
    await deleted(plane, *names)
    async with plane.api() as api, asyncio.timeout(60):
        while {one["metadata"]["name"] for one in await api.items("/api/v1/namespaces")} & {*names}:
            await asyncio.sleep(LOOK_S)
