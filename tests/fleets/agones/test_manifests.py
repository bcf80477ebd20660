"""What of a fleet's manifests is applied, and by whose right."""

from pathlib import Path
from typing import Any

from fleets.agones.manifests import apply
from tests.fleets.agones.api_server import kube_of
from tests.fleets.agones.worlds import World, arena


async def test_with_an_address_for_webhooks_the_role_has_the_cluster_ask_them(
    world: World, tmp_path: Path
):
    authority = tmp_path / "ca.crt"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    hooks = {"webhook_at": "ready/up:8443", "webhook_ca": str(authority)}
    async with kube_of(world.api, **hooks) as kube:
        await apply(kube, arena(buffer=2))
    made = {kind.rpartition("/")[2]: list(there) for kind, there in world.api.objects.items()}

    assert made["fleetautoscalers"] == ["arena"]
    (hook,) = _named(world, "readyup-pods-default")["webhooks"]
    where = hook["clientConfig"]
    assert where["service"] == {
        "name": "up", "namespace": "ready", "path": "/v1/webhooks/pods", "port": 8443
    }  # fmt: skip
    assert where["caBundle"]


async def test_a_fleet_that_is_somebody_elses_to_make_is_sized_all_the_same(world: World):
    """With the right to scale alone, as where a chart holds the Fleets."""
    async with kube_of(world.api) as kube:
        made = await apply(kube, arena(buffer=2))
        world.api.request_faults.append(403)
        found = await apply(kube, arena(buffer=3))

    assert found == made


def _named(world: World, name: str) -> Any:  # noqa: ANN401
    """The object of that name, whatever its kind."""
    return next(
        one for there in world.api.objects.values() for n, one in there.items() if n == name
    )
