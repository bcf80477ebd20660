"""Two releases of one name in one cluster: neither takes from the other, or judges for it."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.cluster.plane.api import PODS, Refused
from tests.cluster.plane.plane import Plane
from tests.deploy.installed import Installed, released

pytestmark = pytest.mark.cluster

WAIT_S = 20.0
SECURE = {"allowPrivilegeEscalation": False, "runAsNonRoot": True}


@pytest.fixture
def ours(plane: Plane) -> Iterator[Installed]:
    with released(plane, "first") as release:
        release.install("--set=valkey.mode=single")
        yield release


@pytest.fixture
def theirs(plane: Plane) -> Iterator[Installed]:
    """Which lets its games have a capability."""
    with released(plane, "second") as release:
        release.install("--set=valkey.mode=single,game.policy.capabilities={SYS_NICE}")
        yield release


async def refusal(release: Installed, *, game: bool) -> str:
    """What the API server says of a pod with a capability there; empty when it takes it."""
    labels = {"agones.dev/role": "gameserver"} if game else {}
    security = {**SECURE, "capabilities": {"add": ["SYS_NICE"]}}
    container = {"name": "game", "image": "arena", "securityContext": security}
    asked = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "tried", "namespace": release.games, "labels": labels},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }
    async with release.plane.api() as api:
        account = {"name": "default", "namespace": release.games}
        await api.apply(
            f"/api/v1/namespaces/{release.games}/serviceaccounts/default",
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        )
        try:
            await api.create(f"{PODS.format(release.games)}?dryRun=All", asked)
        except Refused as refused:
            return str(refused)
    return ""


async def until_refused(release: Installed) -> str:
    """Its refusal, once the policy is in force."""
    async with asyncio.timeout(WAIT_S):
        while not (said := await refusal(release, game=False)):
            await asyncio.sleep(0.2)
    return said


async def named(plane: Plane, path: str) -> set[str]:
    """The names of a kind of the whole cluster."""
    async with plane.api() as api:
        return {one["metadata"]["name"] for one in await api.items(path)}


def test_each_admits_its_own_and_outlives_the_other(
    plane: Plane, ours: Installed, theirs: Installed
):
    by_policy = asyncio.run(until_refused(ours))
    let_in = asyncio.run(refusal(theirs, game=False))
    asked = {one.space: asyncio.run(refusal(one, game=True)) for one in (ours, theirs)}
    ours.run("uninstall")
    hooks = asyncio.run(
        named(plane, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations")
    )
    classes = asyncio.run(named(plane, "/apis/scheduling.k8s.io/v1/priorityclasses"))

    assert "no capability" in by_policy
    assert let_in == ""
    # Nobody serves the webhooks here: the refusal names whom the API server asked.
    assert "https://readyup-webhooks.first.svc:" in asked["first"]
    assert "https://readyup-webhooks.second.svc:" in asked["second"]
    assert "readyup-pods-first-games" not in hooks
    assert "readyup-pods-second-games" in hooks
    assert {"readyup-control", "readyup-gameservers"} <= classes
