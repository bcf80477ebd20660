"""How many servers a fleet of pods shall have."""

from dataclasses import replace

from hypothesis import given, strategies as st

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.agones.size import SizePlan, plan_size
from fleets.agones.view import CLAIM_LABEL
from fleets.past import Past
from fleets.pod import PodSpec
from fleets.ports import Demand, Wish
from fleets.spec import FleetSpec, PortRange

NOW = 1_700_000_000_000
SPEC = FleetSpec(
    FleetName("arena"),
    (),
    PortRange(7000, 7001),
    reserve=2,
    buffer=3,
    size_max=100,
    pod=PodSpec("game:1"),
)


def view(uid: str, state: State = State.READY, *, claimed: bool = False) -> ServerView:
    labels = {CLAIM_LABEL: f"refill-{uid}"} if claimed else {}
    return ServerView(uid, ServerUid(uid), FleetName("arena"), state, "h", 1, labels=labels)


def claimed(*uids: str) -> list[ServerView]:
    return [view(uid, State.ALLOCATED, claimed=True) for uid in uids]


def plan(
    observed: list[ServerView],
    demand: Demand | None,
    *,
    spec: FleetSpec = SPEC,
    leaving: tuple[ServerUid, ...] = (),
    past: Past | None = None,
    size_now: int | None = None,
    now_ms: int = NOW,
) -> SizePlan:
    return plan_size(
        spec, observed, leaving, demand, past or Past(), size_now=size_now, now_ms=now_ms
    )


def in_use(*uids: str, waiting: int = 0) -> Demand:
    return Demand(frozenset(ServerUid(uid) for uid in uids), waiting)


def test_an_idle_fleet_has_its_reserve_and_its_buffer():
    assert plan([], in_use()).replicas == 5


def test_what_is_in_use_and_what_waits_comes_on_top():
    found = plan(claimed("a", "b"), in_use("a", "b", waiting=4))

    assert found.replicas == 2 + 4 + 2 + 3
    assert found.why["sentence"] == (
        "11 wanted (2 in use + 4 for the line + 2 for the reserve + 3 buffer)"
    )


def test_rooms_of_one_server_are_counted_together():
    assert plan([], in_use(waiting=5), spec=replace(SPEC, rooms=4)).replicas == 2 + 1 + 3


def test_servers_that_somebody_else_took_are_in_use():
    others = [view("x", State.ALLOCATED), view("y", State.RESERVED)]

    assert plan(others, in_use()).replicas == 2 + 5


def test_a_reserve_that_has_too_much_does_not_cost_the_buffer():
    found = plan(claimed(*"abcdef"), in_use())

    assert found.replicas == 6 + 3
    assert "the reserve still has 6" in str(found.why["sentence"])


def test_a_server_that_is_given_up_makes_the_fleet_smaller_unless_it_is_to_be_replaced():
    too_many, just_enough = claimed(*"abc"), claimed(*"ab")

    assert plan(too_many, in_use(), leaving=(ServerUid("a"),)).replicas == 5
    assert plan(just_enough, in_use(), leaving=(ServerUid("a"),)).replicas == 5


def test_a_lower_demand_must_last():
    past = plan([], in_use(waiting=10)).past
    soon = plan([], in_use(), past=past, now_ms=NOW + 29_000)
    later = plan([], in_use(), past=past, now_ms=NOW + 31_000)

    assert (soon.replicas, later.replicas) == (15, 5)
    assert "kept from the last 30 s" in str(soon.why["sentence"])


def test_it_stays_within_its_bounds():
    spec = replace(SPEC, size_min=8, size_max=10)

    assert plan([], in_use(), spec=spec).replicas == 8
    assert plan([], in_use(waiting=50), spec=spec).replicas == 10


def test_a_fixed_size_is_fixed():
    assert plan([], in_use(waiting=50), spec=replace(SPEC, replicas=7)).replicas == 7


def test_when_nobody_says_what_is_in_use_it_stays_as_it_is():
    assert plan([], None, size_now=42).replicas == 42
    assert plan([], None, spec=replace(SPEC, size_min=3)).replicas == 3


@given(
    states=st.lists(st.tuples(st.sampled_from(list(State)), st.booleans()), max_size=30),
    used=st.sets(st.integers(0, 29)),
    waiting=st.integers(0, 200),
    low=st.integers(0, 20),
)
def test_the_size_is_never_below_what_plays(
    states: list[tuple[State, bool]], used: set[int], waiting: int, low: int
):
    servers = [view(str(n), state, claimed=mine) for n, (state, mine) in enumerate(states)]
    demand = in_use(*(str(n) for n in used), waiting=waiting)
    spec = replace(SPEC, size_min=low)
    found = plan(servers, demand, spec=spec)
    playing = sum(
        one.uid in demand.in_use
        for one in servers
        if one.state not in (State.SHUTDOWN, State.UNHEALTHY, State.ERROR)
    )

    assert low <= found.replicas <= spec.size_max
    assert found.replicas >= min(playing, spec.size_max)
    assert found == plan(servers, demand, spec=spec), "it depends on nothing else"


def test_a_reserve_of_another_version_is_renewed_beyond_the_size():
    # Agones keeps what is Allocated, so a fleet full of it would never start a new server.
    spec = replace(SPEC, version="2", buffer=0, reserve=6)
    old = [replace(one, version="1") for one in claimed(*"abcdef")]
    new = [replace(one, version="2") for one in claimed(*"ghijkl")]

    assert plan(old, in_use(), spec=spec).replicas == 6 + 2
    assert plan(old, in_use(), spec=replace(spec, replicas=6)).replicas == 6 + 2
    assert plan(old[:1] + new[:5], in_use(), spec=replace(spec, replicas=6)).replicas == 7
    assert plan(new, in_use(), spec=replace(spec, replicas=6)).replicas == 6
    # Neither more nor less while they are played on: a server just started is not ended again.
    assert plan(old, in_use(*"abcdef"), spec=replace(spec, replicas=6)).replicas == 6 + 2
    assert plan(old, in_use(), spec=replace(spec, replicas=6, reserve=1)).replicas == 6 + 1
    assert plan(old, in_use(), spec=replace(spec, replicas=6, version="")).replicas == 6


def test_a_forecast_without_anything_ready_does_not_keep_the_old_version_for_good():
    spec = replace(SPEC, version="2", reserve=6)
    old = [replace(one, version="1") for one in claimed(*"abcdef")]
    new = [replace(one, version="2") for one in claimed(*"ghijkl")]
    demand = replace(in_use(), wish=Wish(6, "why"))

    assert plan(old, demand, spec=spec).replicas == 6 + 2
    assert plan(old, demand, spec=spec).why["sentence"] == "why + 2 to renew the reserve"
    assert plan(new, demand, spec=spec).replicas == 6
    assert plan(new, demand, spec=spec).why["sentence"] == "why"


@given(st.integers(0, 300), st.integers(0, 60), st.integers(0, 60), st.integers(0, 120))
def test_a_forecast_is_obeyed_within_the_bounds_and_never_below_what_is_in_use(
    asked: int, playing: int, kept: int, others: int
):
    used = [f"u{n}" for n in range(playing)]
    strangers = [view(f"x{n}", State.ALLOCATED) for n in range(others)]
    demand = replace(in_use(*used), wish=Wish(asked, "why"))
    observed = claimed(*used, *(f"k{n}" for n in range(kept))) + strangers

    found = plan(observed, demand)

    assert found.why["sentence"] == "why"
    assert found.replicas >= playing + others
    assert found.replicas <= max(100, playing + others)
    if playing + kept + others <= 100:
        assert found.replicas >= playing + others + kept, "Agones would end the reserve's Ready"
    if max(asked, playing + kept) + others <= 100:
        assert found.replicas == max(asked + others, playing + others + kept)
