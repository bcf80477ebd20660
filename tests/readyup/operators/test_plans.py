"""Sizes that operators announce: who may, what is refused, and what the audit and the plan see."""

import datetime as dt
from dataclasses import replace

import pytest

from core.errors import Conflict, Invalid, NotFound
from core.ids import FleetName
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.events import Event, announced
from fleets.capacity.settings import CapacitySettings
from readyup.operators.deeds import Done
from readyup.operators.plans import PLANS_MAX, Plans
from readyup.operators.roles import Role
from tests.readyup.operators.house import ARENA, CUP, SPEC, served

EIGHT = "2027-01-15T20:00:00+01:00"


class Still:
    """A clock that stands at noon of Christmas Eve."""

    noon = dt.datetime(2026, 12, 24, 12, tzinfo=dt.UTC)

    def wall_us(self) -> int:
        return self.wall_ms() * 1000

    def wall_ms(self) -> int:
        return round(self.noon.timestamp() * 1000)

    def elapsed_s(self) -> float:
        return 0.0


def event(servers: int = 40, *, at: str = EIGHT, **more: object) -> Event:
    return Event(dt.datetime.fromisoformat(at), servers, **more)


@pytest.fixture
def plans(store: Store) -> Plans:
    return Plans(store, [SPEC], Still())


async def test_an_operator_announces_a_size_reads_it_and_takes_it_back(store: Store):
    async with served(store) as running:
        boss, guest = running.client(Role.OPERATOR), running.client(Role.VIEWER)
        asked = {"servers": 40, "at": EIGHT, "for_s": 7200, "every": "week", "reason": "winter cup"}
        status, told = await boss.post("/fleets/arena/plans/cup", asked)
        _, listed = await guest.get("/fleets/arena/plans")
        heeded = await Announced(store, ARENA).all()
        gone = await boss.post("/fleets/arena/plans/cup/remove", {"reason": "no cup"})
        _, left = await guest.get("/fleets/arena/plans")
        records = await running.house.audited()

    words = "at least 40 from 2027-01-15 19:00 UTC for 2 h, every week (winter cup)"
    assert (status, told["before"], told["after"]) == (200, "", words)
    assert listed["plans"][0] == {
        "name": "cup", "at": "2027-01-15T19:00:00Z", "servers": 40, "for_s": 7200.0,
        "every": "week", "reason": "winter cup", "fixed": False,
    }  # fmt: skip
    assert heeded["cup"].servers == 40
    assert (gone[0], gone[1]["before"], gone[1]["after"]) == (200, words, "taken back")
    assert [one["fixed"] for one in left["plans"]] == [True], "what the settings say stays"
    assert [(one.what, one.target, one.reason, one.after) for one in records] == [
        ("unplanFleet", "arena/cup", "no cup", "taken back"),
        ("planFleet", "arena/cup", "winter cup", words),
    ]


async def test_a_size_without_a_time_is_wanted_from_now_on(store: Store):
    async with served(store) as running:
        house = running.house
        await running.client(Role.OPERATOR).post("/fleets/arena/plans/now", {"servers": 7})
        plan = (await house.plans.of("arena"))["now"]

    assert announced([plan], now_ms=house.now_ms(), lead_s=1.0) is plan


@pytest.mark.parametrize(
    ("body", "field", "cure"),
    [
        ({"servers": 101}, "$.servers", "fleet 'arena' has at most 100 servers"),
        ({"servers": 0}, "$.servers", ">= 1"),
        ({}, "$", "servers"),
        ({"servers": 4, "at": "tonight"}, "$.at", "RFC3339"),
        ({"servers": 4, "at": "2026-12-24T20:00:00"}, "$.at", "timezone"),
        ({"servers": 4, "at": "0001-01-01T00:00:00+14:00"}, "$.at", "over already"),
        ({"servers": 4, "at": "9999-12-31T23:59:59-14:00", "every": "day"}, "$.at", "two years"),
        ({"servers": 4, "at": "2020-12-24T20:00:00Z"}, "$.at", "over already"),
        ({"servers": 4, "at": "2026-01-01T00:00:00Z"}, "$.at", "over already"),
        ({"servers": 4, "for_s": 0}, "$.for_s", "> 0"),
        ({"servers": 4, "every": "month"}, "$.every", "month"),
        ({"servers": 4, "until": 1}, "$", "until"),
    ],
)
async def test_a_size_that_cannot_be_meant_is_refused_with_its_place_and_cure(
    store: Store, body: dict, field: str, cure: str
):
    async with served(store) as running:
        status, problem = await running.client(Role.ADMIN).post("/fleets/arena/plans/a", body)
        there = await store.call("EXISTS", "{f:arena}:events")

    assert (status, problem["field"], there) == (400, field, 0)
    assert cure in problem["detail"]


async def test_one_of_the_same_name_is_replaced_and_the_audit_knows_what_it_was(plans: Plans):
    await plans.announce("arena", "cup", event(40))
    again = await plans.announce("arena", "cup", event(50, for_s=7200.0))

    assert again == Done(
        "at least 40 from 2027-01-15 19:00 UTC for 60 min",
        "at least 50 from 2027-01-15 19:00 UTC for 2 h",
    )
    assert [one.servers for one in (await plans.of("arena")).values()] == [50, CUP.servers]


async def test_what_nobody_would_heed_is_refused(store: Store):
    for capacity in (None, CapacitySettings(mode="recommend")):
        plans = Plans(store, [replace(SPEC, capacity=capacity, events=())], Still())

        with pytest.raises(Conflict, match=r"add \[fleets.arena.capacity\]"):
            await plans.announce("arena", "cup", event())


@pytest.mark.parametrize("name", ["", "a b", "settings[0]", "ü", "x" * 41])
async def test_a_name_that_is_none_is_refused(plans: Plans, name: str):
    with pytest.raises(Invalid, match="1 to 40 letters"):
        await plans.announce("arena", name, event())


async def test_what_is_not_there_or_not_ours_is_not_taken_back(plans: Plans):
    with pytest.raises(NotFound, match="no announced size 'cup'"):
        await plans.take_back("arena", "cup")
    with pytest.raises(NotFound, match="there are: arena"):
        await plans.take_back("area", "cup")
    with pytest.raises(Conflict, match="stands in the settings"):
        await plans.take_back("arena", "settings[0]")


async def test_a_fleet_has_so_many_announced_sizes_and_no_more(store: Store, plans: Plans):
    there = Announced(store, FleetName("arena"))
    for n in range(PLANS_MAX):
        await there.add(f"p{n}", event())

    with pytest.raises(Conflict, match="take one back first"):
        await plans.announce("arena", "more", event())
    await plans.announce("arena", "p0", event(50))
