"""A release that stands in a real API server: its rights, and what helm tells about it."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.cluster.plane.plane import Plane
from tests.deploy.helm import documents, of_kind
from tests.deploy.installed import Installed, released

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def release(plane: Plane) -> Iterator[Installed]:
    with released(plane, "standing") as release:
        release.install("--set=valkey.mode=single")
        yield release


def test_the_releases_role_may_do_what_the_role_fleets_does_and_no_more(release: Installed):
    may = asyncio.run(rights(release))

    assert may == {
        ("standing-games", "agones.dev/gameservers"): {"list", "watch", "delete", "patch"},
        ("standing-games", "agones.dev/fleets"): {"list", "watch", "create", "patch"},
        ("standing-games", "agones.dev/fleets/scale"): {"patch"},
        ("standing-games", "allocation.agones.dev/gameserverallocations"): {"create"},
        ("standing-games", "autoscaling.agones.dev/fleetautoscalers"): {"create", "patch"},
    }


async def rights(release: Installed) -> dict[tuple[str, str], set[str]]:
    """What the API server would let the role's account do, beyond what it lets everybody."""
    found: dict[tuple[str, str], set[str]] = {}
    group = "/apis/rbac.authorization.k8s.io/v1"
    async with release.plane.api() as api:
        bindings = await api.items(f"{group}/rolebindings")
        wide = await api.items(f"{group}/clusterrolebindings")
        ours = {"kind": "ServiceAccount", "name": "readyup-fleets", "namespace": release.space}
        assert not [one for one in wide if ours in one.get("subjects", ())]
        for one in bindings:
            if ours not in one.get("subjects", ()):
                continue
            space, name = one["metadata"]["namespace"], one["roleRef"]["name"]
            for rule in (await api.get(f"{group}/namespaces/{space}/roles/{name}"))["rules"]:
                for resource in rule["resources"]:
                    key = (space, f"{rule['apiGroups'][0]}/{resource}")
                    found.setdefault(key, set()).update(rule["verbs"])
    return found


TOLD = """
kubectl --namespace standing rollout status deployment/readyup-allocator
kubectl --namespace standing-games get gameservers --watch
kubectl --namespace standing-games get events --field-selector type=Warning
kubectl --namespace standing port-forward service/readyup-console 8080:8080
kubectl --namespace standing get secret readyup-first-keys --output 'go-template={{.data.operator | base64decode}}'
helm --namespace standing test readyup --logs
"""  # noqa: E501 - as they are told


def test_every_command_of_the_notes_names_what_is_there(release: Installed):
    notes = release.run("get notes").splitlines()
    told = [line.strip() for line in notes if line.startswith("  ")]
    deployments = asyncio.run(release.listed("deployments", group="apps/v1"))
    console = asyncio.run(release.listed("services"))["readyup-console"]
    secrets = asyncio.run(release.secrets())
    tests = of_kind(documents(release.run("get hooks")), "Pod")

    assert told == TOLD.split("\n")[1:-1]
    assert "readyup-allocator" in deployments
    assert [one["port"] for one in console["spec"]["ports"]] == [8080]
    assert secrets["readyup-first-keys"]["operator"].startswith("ruo_")
    assert [one["metadata"]["annotations"]["helm.sh/hook"] for one in tests] == ["test"]
