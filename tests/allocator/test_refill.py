"""What the reserve lacks: the plan of one pass, and of two allocators that make it at once."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, strategies as st

from allocator.ports import CLAIM_LABEL
from allocator.refill import Plan, claim_of, open_claims, plan_reserve
from allocator.rooms import Census, rooms_of
from allocator.settings import AllocatorSettings
from core.game_server import ServerView, State
from tests.allocator.worlds import FLEET, NOW, server

SETTINGS = AllocatorSettings(FLEET, reserve_rooms=2)


class Chooser:
    """A backend that takes any Ready server for a claim, as a cluster does, and late."""

    def __init__(self, *views: ServerView) -> None:
        self.views = {view.uid: view for view in views}
        self.waiting: list[str] = []
        self.met: set[str] = set()

    def ask(self, plan: Plan) -> None:
        self.waiting += [claim_of(one) for one in plan.take]

    def obey(self, claim_at: int, server_at: int) -> None:
        """Meet some claim by some server; a claim that was met already costs nothing."""
        if not self.waiting:
            return
        claim = self.waiting.pop(claim_at % len(self.waiting))
        ready = [one for one in self.views.values() if one.state is State.READY]
        if claim in self.met or not ready:
            return
        one = ready[server_at % len(ready)]
        labels = {CLAIM_LABEL: claim}
        self.views[one.uid] = replace(one, state=State.ALLOCATED, labels=labels)
        self.met.add(claim)


def census_of(views: Iterable[ServerView]) -> Census:
    """As if each taken server's rooms were added at once, and none used."""
    taken = [one for one in views if CLAIM_LABEL in one.labels]
    rooms = frozenset(room.room for one in taken for room in rooms_of(one))
    return Census(rooms, rooms, frozenset(), {}, 0, frozenset())


@given(
    ages=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    wanted=st.integers(0, 10),
    chaos=st.lists(
        st.one_of(
            st.tuples(st.just("look"), st.integers(0, 1), st.just(0)),
            st.tuples(st.just("obey"), st.integers(0, 9), st.integers(0, 9)),
            st.tuples(st.just("restart"), st.integers(0, 1), st.just(0)),
        ),
        max_size=30,
    ),
)
def test_two_allocators_never_ask_for_more_than_is_short_and_the_reserve_fills(
    ages: list[int], wanted: int, chaos: list[tuple[str, int, int]]
):
    there = [replace(server(f"s{n}"), created_ms=age) for n, age in enumerate(ages)]
    backend = Chooser(*there)
    settings = AllocatorSettings(FLEET, reserve_rooms=wanted)
    asked: list[set[str]] = [set(), set()]

    def look(who: int) -> None:
        running = list(backend.views.values())
        still = {claim_of(one) for one in open_claims(running)}
        asked[who] &= still
        plan = plan_reserve(census_of(running), running, asked[who], settings, now_ms=NOW)
        asked[who] |= {claim_of(one) for one in plan.take}
        backend.ask(plan)

    for what, one, other in chaos:
        if what == "look":
            look(one)
        elif what == "obey":
            backend.obey(one, other)
        else:
            asked[one] = set()
        assert len(backend.met | set(backend.waiting)) <= wanted

    for _ in range(len(ages)):
        look(0)
        look(1)
        while backend.waiting:
            backend.obey(0, 0)
    assert len(backend.met) == min(wanted, len(ages))


def test_two_allocators_on_the_same_view_ask_for_the_same():
    views = [replace(server(name), created_ms=age) for name, age in (("b", 1), ("a", 1), ("c", 0))]
    settings = AllocatorSettings(FLEET, reserve_rooms=2)
    plans = [
        plan_reserve(census_of(()), running, (), settings, now_ms=NOW)
        for running in (views, views[::-1])
    ]

    assert [[one.name for one in plan.take] for plan in plans] == [["c", "a"], ["c", "a"]]


def test_a_claim_met_by_another_server_leaves_that_servers_own_claim_open():
    met = replace(server("b"), state=State.ALLOCATED, labels={CLAIM_LABEL: "refill-uid-a"})
    running = [server("a"), met]
    settings = AllocatorSettings(FLEET, reserve_rooms=2)
    plan = plan_reserve(census_of(running), running, (), settings, now_ms=NOW)

    assert [claim_of(one) for one in plan.take] == ["refill-uid-b"]


def test_a_room_too_many_is_given_back_once_with_the_old_server_first():
    taken = [
        replace(server(name), state=State.ALLOCATED, labels={CLAIM_LABEL: "x"}, version=version)
        for name, version in (("a", "v2"), ("b", "v2"), ("c", "v1"))
    ]
    census = replace(census_of(taken), version="v2")
    settings = AllocatorSettings(FLEET, reserve_rooms=2)
    one, two = (
        plan_reserve(census, taken, (), replace(settings, reserve_rooms=wanted), now_ms=NOW)
        for wanted in (2, 1)
    )

    assert (one.outdated, one.surplus) == (["uid-c"], [])
    assert (two.outdated, two.surplus) == (["uid-c"], ["uid-a"])


def test_a_server_that_is_ready_again_can_be_claimed_again():
    again = replace(server("a"), labels={CLAIM_LABEL: "refill-uid-a"})
    settings = AllocatorSettings(FLEET, reserve_rooms=1)
    plan = plan_reserve(census_of(()), [again], (), settings, now_ms=NOW)

    assert [claim_of(one) for one in plan.take] == ["refill-uid-a"]


def test_a_server_that_shuts_down_is_not_asked_for_its_claim_again():
    going = replace(server("a"), state=State.SHUTDOWN, labels={CLAIM_LABEL: "refill-uid-a"})

    assert open_claims([going]) == []
