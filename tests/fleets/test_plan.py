"""The planner: what it may never do, what it comes to, and how it slows a crash loop."""

from dataclasses import replace

from hypothesis import given, strategies as st

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.past import BEFORE_READY, GONE, Past
from fleets.plan import TAKEN, plan_fleet
from fleets.ports import Wish
from fleets.spec import FleetSpec, PortRange

SPEC = FleetSpec(FleetName("arena"), ("game",), PortRange(7000, 7199), replicas=12)
DEMAND = replace(SPEC, replicas=None, reserve=4, rooms=2, buffer=1, scale_down_after_s=30.0)


def server(n: int, state: State = State.READY) -> ServerView:
    return ServerView(f"arena-{n}", ServerUid(f"u{n}"), SPEC.name, state, "127.0.0.1", 7000 + n)


fleets_seen = st.lists(st.sampled_from(list(State)), max_size=30).map(
    lambda states: [server(n, state) for n, state in enumerate(states)]
)
specs = st.one_of(
    st.builds(lambda n: replace(SPEC, replicas=n), st.integers(0, 30)),
    st.builds(
        lambda reserve, buffer: replace(DEMAND, reserve=reserve, buffer=buffer),
        st.integers(0, 20),
        st.integers(0, 5),
    ),
)


@given(specs, fleets_seen, st.data())
def test_nothing_in_use_or_allocated_is_ever_stopped(spec, observed, data):
    uids = [one.uid for one in observed]
    in_use = frozenset(data.draw(st.sets(st.sampled_from(uids)) if uids else st.just(set())))

    plan = plan_fleet(spec, observed, in_use, Past(), now_ms=0)

    by_uid = {one.uid: one for one in observed}
    assert not in_use & set(plan.stop)
    assert not [uid for uid in plan.stop if by_uid[uid].state in TAKEN]
    assert {one.uid for one in observed if one.state in GONE} == set(plan.end)


@given(specs, fleets_seen)
def test_nothing_is_stopped_while_nobody_knows_what_is_in_use(spec, observed):
    assert plan_fleet(spec, observed, None, Past(), now_ms=0).stop == ()


@given(specs, fleets_seen)
def test_a_fleet_is_never_planned_or_started_beyond_its_bounds(spec, observed):
    plan = plan_fleet(spec, observed, frozenset(), Past(), now_ms=0)
    live = [one for one in observed if one.state not in GONE]
    starting = [one for one in live if one.state in BEFORE_READY]

    assert plan.replicas <= spec.ceiling()
    assert plan.start == 0 or len(live) + plan.start <= plan.replicas
    assert plan.start == 0 or len(starting) + plan.start <= spec.starting_max
    assert not (plan.start and plan.stop)


@given(specs, fleets_seen)
def test_a_fleet_reaches_its_size_and_stays_there(spec, observed):
    past, now_ms, next_uid = Past(), 0, 1000
    for _ in range(40):
        plan = plan_fleet(spec, observed, frozenset(), past, now_ms=now_ms)
        past, now_ms = plan.past, now_ms + 2_000
        gone = {*plan.stop, *plan.end}
        observed = [
            replace(one, state=State.READY) if one.state in BEFORE_READY else one
            for one in observed
            if one.uid not in gone
        ]
        observed += [server(next_uid + n, State.SCHEDULED) for n in range(plan.start)]
        next_uid += plan.start

    taken = sum(1 for one in observed if one.state in TAKEN)
    assert (plan.start, plan.stop, plan.end) == (0, (), ())
    assert len(observed) == max(plan.replicas, taken)


def test_what_failed_is_cleared_away_and_replaced_at_once():
    observed = [server(n) for n in range(11)] + [server(11, State.UNHEALTHY)]

    plan = plan_fleet(SPEC, observed, frozenset(), Past(), now_ms=0)

    assert plan.end == (ServerUid("u11"),)
    assert plan.start == 1


def test_only_so_many_are_before_ready_at_once():
    observed = [server(0, State.SCHEDULED)]

    plan = plan_fleet(SPEC, observed, frozenset(), Past(), now_ms=0)

    assert plan.start == SPEC.starting_max - 1
    assert "starting 3 of 11 missing" in plan.why


def test_demand_is_what_is_in_use_and_the_reserve_and_the_buffer():
    observed = [server(n, State.ALLOCATED) for n in range(3)]
    in_use = frozenset(one.uid for one in observed)

    plan = plan_fleet(DEMAND, observed, in_use, Past(), now_ms=0)

    assert plan.replicas == 3 + 2 + 1  # 4 rooms of reserve are 2 servers of 2 rooms
    assert "3 in use + 2 for the reserve + 1 buffer" in plan.why


def test_a_lower_demand_must_last_before_servers_are_stopped_for_it():
    observed = [server(n) for n in range(6)]
    busy = frozenset(one.uid for one in observed[:3])
    past = plan_fleet(DEMAND, observed, busy, Past(), now_ms=0).past

    soon = plan_fleet(DEMAND, observed, frozenset(), past, now_ms=10_000)
    later = plan_fleet(DEMAND, observed, frozenset(), soon.past, now_ms=30_000)

    assert (soon.replicas, soon.stop) == (6, ())
    assert "kept from the last 30 s" in soon.why
    assert (later.replicas, len(later.stop)) == (3, 3)


def test_the_size_stays_while_the_store_is_away():
    observed = [server(n, State.ALLOCATED) for n in range(6)]
    busy = frozenset(one.uid for one in observed[:3])
    past = plan_fleet(DEMAND, observed, busy, Past(), now_ms=0).past

    plan = plan_fleet(DEMAND, observed, None, past, now_ms=600_000)

    assert (plan.replicas, plan.start, plan.stop) == (6, 0, ())
    assert "the store does not say" in plan.why


def test_a_crash_loop_is_slowed_down_and_says_so():
    past, starts, now_ms = Past(), [], 0
    for _ in range(600):  # ten minutes, a look each second; every server dies at once
        plan = plan_fleet(SPEC, [], frozenset(), past, now_ms=now_ms)
        past = plan.past
        for n in range(plan.start):
            past = past.began(ServerUid(f"{now_ms}-{n}"), now_ms=now_ms)
            starts.append(now_ms)
        now_ms += 1_000

    assert len(starts) < 40
    assert "died before Ready" in plan.why
    assert len([at for at in starts if at > 540_000]) <= 2


def test_starts_go_on_at_full_speed_when_the_deaths_are_few():
    past = Past()
    for n in range(10):
        past = past.began(ServerUid(f"ok{n}"), now_ms=0)
    past = past.seen([replace(server(n), uid=ServerUid(f"ok{n}")) for n in range(7)], now_ms=1_000)

    plan = plan_fleet(SPEC, [], frozenset(), past, now_ms=2_000)

    assert plan.start == SPEC.starting_max


def test_a_server_we_stopped_before_it_was_ready_is_no_crash():
    past = Past().seen([server(n, State.SCHEDULED) for n in range(9)], now_ms=0)
    past = past.forget([ServerUid(f"u{n}") for n in range(9)])

    assert past.seen([], now_ms=1_000).held_back(now_ms=1_000) is None


@given(st.integers(0, 60), fleets_seen, st.data())
def test_a_forecast_is_obeyed_but_never_below_what_is_in_use(asked, observed, data):
    uids = [one.uid for one in observed if one.state not in GONE]
    in_use = frozenset(data.draw(st.sets(st.sampled_from(uids)) if uids else st.just(set())))
    wish = Wish(asked, f"{asked} servers: because")

    plan = plan_fleet(DEMAND, observed, in_use, Past(), now_ms=0, wish=wish)

    assert plan.replicas == max(asked, len(in_use))
    assert plan.why.startswith(wish.why)
    assert not in_use & set(plan.stop)


def test_a_forecast_comes_down_by_its_own_rule_and_not_by_waiting():
    past = plan_fleet(DEMAND, [], frozenset(), Past(), now_ms=0, wish=Wish(20, "20")).past

    plan = plan_fleet(DEMAND, [], frozenset(), past, now_ms=1, wish=Wish(5, "5"))

    assert plan.replicas == 5
