"""What becomes of orders, and what each costs the API server."""

from core.game_server import PINNED_LABEL
from fleets.agones.backend import allocation
from fleets.agones.view import VERSION_LABEL
from tests.fleets.agones.api_server import SERVERS
from tests.fleets.agones.worlds import World, arena, role, until


async def test_a_lost_answer_costs_a_look_and_no_server(world: World):
    async with role(world, arena(reserve=0, buffer=4, size_min=4)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 4)
        world.api.lose_answers = 1
        await world.order("take", uid="any", claim="refill-x")
        await until(lambda: len(world.claims()) == 1)
        await until(lambda: _seen(world))
        await world.order("take", uid="any", claim="refill-x")
        await world.order("take", uid="any", claim="refill-y")
        await until(lambda: len(world.claims()) == 2)

    assert sorted(world.claims().values()) == ["refill-x", "refill-y"]


async def test_orders_wait_for_an_api_server_that_refuses_and_none_is_lost(world: World):
    async with role(world, arena(reserve=0, buffer=3, size_min=3)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 3)
        world.api.request_faults.extend([500, 429, 503, 409, 500])
        for n in range(3):
            await world.order("take", uid="any", claim=f"refill-{n}")
        await until(lambda: len(world.claims()) == 3)

    assert sorted(world.claims().values()) == ["refill-0", "refill-1", "refill-2"]


async def _seen(world: World) -> bool:
    return not await world.store.call("XLEN", "{f:arena}:orders") or bool(
        await world.store.call("GET", "{f:arena}:orders-seen")
    )


async def test_a_server_in_use_or_of_another_life_is_never_deleted(world: World):
    async with role(world, arena(reserve=0, buffer=2, size_min=2)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 2)
        await until(lambda: world.shows(2))
        used = next(iter(await world.mirror()))
        await world.store.call("SADD", "{f:arena}:rooms", f"uid-{used}/0")
        room = f"{{f:arena}}:room:uid-{used}/0"
        await world.store.call("HSET", room, "server", f"uid-{used}", "state", "held")
        await world.order("give_up", uid=f"uid-{used}")
        await world.order("give_up", uid="uid-of-nobody")
        await until(lambda: _noted(world))

    assert used in world.api.objects[SERVERS]
    assert world.api.asked["DELETE gameservers"] == 0


async def _noted(world: World) -> bool:
    return not await world.store.call("XRANGE", "{f:arena}:orders", "(" + await _last(world), "+")


async def _last(world: World) -> str:
    return await world.store.call("GET", "{f:arena}:orders-seen") or "0-0"


def test_agones_is_asked_for_the_version_then_for_proven_cores_then_for_any():
    spec = arena(version="2")
    _, *selectors = allocation(spec, "refill-1")["spec"]["selectors"]

    version, proven = {VERSION_LABEL: "2"}, {PINNED_LABEL: "true"}
    assert [one["matchLabels"] for one in selectors] == [
        {"agones.dev/fleet": "arena", **more}
        for more in ({**version, **proven}, version, proven, {})
    ]


async def test_a_server_is_told_its_match_by_one_patch_in_this_life_of_it(world: World):
    async with role(world, arena(buffer=2)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 4)
        await until(lambda: world.shows(4))
        one, *_ = (await world.mirror()).values()
        before = world.api.writes()
        await world.order("tell", uid="gone", letter="{}")
        await world.order("tell", uid=one.uid, letter="{}")

        async def told() -> bool:
            return (await world.mirror())[one.name].annotations.get("readyup/match") == "{}"

        await until(told)
        await world.order("tell", uid=one.uid, letter="{}")
        await world.order("take", uid="any", claim="refill-x")
        await until(lambda: len(world.claims()) == 1)

    assert world.api.writes() - before == 2, "one patch, one allocation"
