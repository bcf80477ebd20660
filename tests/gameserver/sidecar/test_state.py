"""One server's state, metadata and health, without a network and without waiting."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from core.errors import Conflict, IllegalTransition, Invalid
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from gameserver.sidecar import state as sdk
from gameserver.sidecar.state import HealthPolicy, SdkState

POLICY = HealthPolicy(period_s=5.0, failure_threshold=3, initial_delay_s=10.0)
KEY = "ab" * 32


def new(state: State = State.SCHEDULED, health: HealthPolicy = POLICY) -> SdkState:
    view = ServerView(
        "arena-1", ServerUid("u1"), FleetName("arena"), state, address="127.0.0.1", port=7000
    )
    return sdk.new_server(view, health, now_s=100.0)


def checked_at(server: SdkState, *times_s: float) -> SdkState:
    for now_s in times_s:
        server = sdk.checked(server, now_s=now_s)
    return server


def test_ready_publishes_at_once():
    server = sdk.asked_ready(new())

    assert server.view.state is State.READY
    assert server.resource_version == new().resource_version + 2


def test_the_allocator_takes_a_ready_server_and_leaves_its_labels():
    server = sdk.asked_ready(sdk.labelled(new(), "map", "hills"))

    taken = sdk.allocated(server, {"readyup/claim": "c1"})

    assert taken.view.state is State.ALLOCATED
    assert taken.view.labels == {"agones.dev/sdk-map": "hills", "readyup/claim": "c1"}
    assert server.view.labels == {"agones.dev/sdk-map": "hills"}


def test_the_allocator_cannot_take_a_server_twice():
    taken = sdk.allocated(sdk.asked_ready(new()), {})

    with pytest.raises(IllegalTransition, match="Allocated cannot allocate"):
        sdk.allocated(taken, {})


def test_a_process_that_runs_is_scheduled_and_keeps_a_state_beyond_it():
    started = sdk.scheduled(new(State.STARTING), pid=7, cores=(1,), pinned="core 1")
    ready = sdk.scheduled(sdk.asked_ready(new(State.STARTING)), pid=7, cores=(), pinned="")

    assert (started.view.state, started.view.pid) == (State.SCHEDULED, 7)
    assert (started.view.cores, started.view.pinned) == ((1,), "core 1")
    assert (ready.view.state, ready.view.pid) == (State.READY, 7)


def test_a_repeat_is_no_news():
    allocated = sdk.allocated_itself(sdk.asked_ready(new()))
    labelled = sdk.labelled(allocated, "map", "hills")

    assert sdk.allocated_itself(allocated).resource_version == allocated.resource_version
    assert sdk.labelled(labelled, "map", "hills") is labelled


def test_a_shutdown_may_be_repeated_and_refuses_all_else():
    server = sdk.shut_down(sdk.shut_down(new()))

    assert server.view.state is State.SHUTDOWN
    with pytest.raises(IllegalTransition):
        sdk.asked_ready(server)


# Health: the first period begins at 110, so a silent server fails at 115, 120 and 125.


def test_a_server_that_never_speaks_is_unhealthy_after_its_delay_and_three_periods():
    silent = checked_at(new(), 105, 115, 120, 124.9)

    assert silent.view.state is State.SCHEDULED
    assert checked_at(silent, 125).view.state is State.UNHEALTHY


def test_one_ping_forgives_the_failures_before_it():
    silent = checked_at(new(), 115, 120)

    spoke = sdk.pinged(silent, now_s=121)

    assert checked_at(spoke, 125, 130, 135).view.state is State.SCHEDULED
    assert checked_at(spoke, 125, 130, 135, 140).view.state is State.UNHEALTHY


def test_a_checker_that_slept_counts_one_failure():
    late = checked_at(sdk.asked_ready(new()), 500, 500.1, 500.2)

    assert late.failures == 1
    assert late.view.state is State.READY


def test_a_server_without_a_health_period_may_be_silent():
    unwatched = new(health=HealthPolicy(period_s=0))

    assert checked_at(unwatched, 1e6) is unwatched


def test_unhealthy_is_for_good():
    lost = checked_at(new(), 115, 120, 125)

    for change in (sdk.asked_ready, sdk.allocated_itself):
        with pytest.raises(IllegalTransition, match="is Unhealthy"):
            change(lost)
    assert checked_at(sdk.shut_down(sdk.pinged(lost, now_s=126)), 130).view == lost.view


@given(st.lists(st.floats(0.1, 2.5), min_size=4, max_size=80))
def test_who_pings_twice_a_period_is_never_lost(gaps_s: list[float]):
    server, now_s = sdk.asked_ready(new()), 110.0
    for gap_s in gaps_s:
        now_s += gap_s
        server = sdk.pinged(sdk.checked(server, now_s=now_s), now_s=now_s)

        assert (server.view.state, server.failures) == (State.READY, 0)


def test_a_reservation_ends_in_ready_when_its_time_is_over():
    kept = sdk.reserved(new(), 30, now_s=100.0)

    assert kept.view.state is State.RESERVED
    assert sdk.checked(kept, now_s=109.0).view.state is State.RESERVED
    assert sdk.checked(sdk.pinged(kept, now_s=129.0), now_s=130.0).view.state is State.READY


def test_a_reservation_without_an_end_stays():
    kept = sdk.reserved(new(health=HealthPolicy(period_s=0)), 0, now_s=100.0)

    assert sdk.checked(kept, now_s=1e9).view.state is State.RESERVED


def test_another_state_ends_the_reservation():
    taken = sdk.allocated_itself(sdk.reserved(new(), 5, now_s=100.0))

    assert sdk.checked(taken, now_s=106.0).view.state is State.ALLOCATED


def test_nobody_reserves_for_less_than_nothing():
    with pytest.raises(Invalid, match="0 is for ever"):
        sdk.reserved(new(), -1, now_s=100.0)


@pytest.mark.parametrize("key", ["", "a/b", "foo bar", "x" * 60, "-", "ends-"])
def test_a_key_that_kubernetes_refuses_is_refused(key: str):
    for change in (sdk.labelled, sdk.annotated):
        with pytest.raises(Invalid, match="is no key"):
            change(new(), key, "v")


@pytest.mark.parametrize("key", ["a/b/c", "UPPER.example/name", "/name", "x/", "a..b/n"])
def test_an_allocators_key_has_at_most_one_dns_name(key: str):
    with pytest.raises(Invalid, match="is no key"):
        sdk.allocated(sdk.asked_ready(new()), {key: "v"})


@pytest.mark.parametrize("value", ["foo bar!!", "x" * 64, ".a", "a_"])
def test_a_label_that_kubernetes_refuses_is_refused(value: str):
    with pytest.raises(Invalid, match="is no label") as refused:
        sdk.labelled(new(), "map", value)

    assert refused.value.field == "$.value"


def test_a_label_may_be_empty_and_an_annotation_may_be_anything():
    server = sdk.annotated(sdk.labelled(new(), "map", ""), "motd", "foo bar!!\n")

    assert server.view.labels == {"agones.dev/sdk-map": ""}
    assert server.view.annotations == {"agones.dev/sdk-motd": "foo bar!!\n"}


def test_annotations_have_a_limit_in_all():
    full = sdk.annotated(new(), "a", "x" * 200_000)

    with pytest.raises(Invalid, match="262144"):
        sdk.annotated(full, "b", "x" * 70_000)


def test_the_first_public_key_is_the_servers_for_life():
    server = sdk.annotated(new(), "readyup-key", KEY)

    assert server.view.public_key == KEY
    assert sdk.annotated(server, "readyup-key", KEY) is server
    with pytest.raises(Conflict):
        sdk.annotated(server, "readyup-key", "cd" * 32)


def test_a_public_key_known_before_the_start_cannot_be_replaced():
    server = new()
    known = replace(server, view=replace(server.view, public_key="cd" * 32))

    with pytest.raises(Conflict):
        sdk.annotated(known, "readyup-key", KEY)


def test_a_public_key_is_64_hex_digits():
    with pytest.raises(Invalid, match="64 hex digits"):
        sdk.annotated(new(), "readyup-key", "no")
