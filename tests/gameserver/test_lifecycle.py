"""The life of a game server, walked in every order."""

import pytest
from hypothesis import given, strategies as st

from core.errors import IllegalTransition
from core.game_server import State
from gameserver.lifecycle import FINAL, RUNNING, TRANSITIONS, Event, mermaid, step


def walk(state: State, events: list[Event]) -> list[State]:
    """The states passed, leaving out what the table refuses."""
    passed = [state]
    for event in events:
        if (passed[-1], event) in TRANSITIONS:
            passed.append(step(passed[-1], event))
    return passed


def test_a_server_is_made_says_ready_is_allocated_and_shut_down():
    life = [Event.GIVE_PORTS, Event.CREATE, Event.SCHEDULE, Event.ASK_READY, Event.PUBLISH]

    passed = walk(State.PORT_ALLOCATION, [*life, Event.ALLOCATE, Event.SHUT_DOWN])

    assert [state.value for state in passed] == [
        "PortAllocation",
        "Creating",
        "Starting",
        "Scheduled",
        "RequestReady",
        "Ready",
        "Allocated",
        "Shutdown",
    ]


def test_an_allocated_server_may_be_ready_again():
    passed = walk(State.ALLOCATED, [Event.ASK_READY, Event.PUBLISH, Event.ALLOCATE])

    assert passed[2:] == [State.READY, State.ALLOCATED]


def test_a_reservation_ends_in_ready():
    passed = walk(State.SCHEDULED, [Event.RESERVE, Event.END_RESERVE, Event.PUBLISH])

    assert passed[-1] is State.READY


def test_every_state_can_be_reached():
    reached, seen = {State.PORT_ALLOCATION}, set()
    while reached - seen:
        seen |= reached
        reached |= {to for (state, _), to in TRANSITIONS.items() if state in reached}

    assert reached == set(State)


def test_only_a_ready_server_can_be_taken_by_the_allocator():
    assert [state for state, event in TRANSITIONS if event is Event.ALLOCATE] == [State.READY]


@pytest.mark.parametrize("state", sorted(FINAL))
@pytest.mark.parametrize("event", Event)
def test_nothing_leads_out_of_a_final_state(state: State, event: Event):
    if event is Event.SHUT_DOWN:
        assert step(state, event) is state
    else:
        with pytest.raises(IllegalTransition, match=f"is {state.value} cannot {event.value}"):
            step(state, event)


@given(st.sampled_from(State), st.lists(st.sampled_from(Event), max_size=30))
def test_a_walk_never_leaves_a_final_state(start: State, events: list[Event]):
    passed = walk(start, events)

    first_final = next((n for n, state in enumerate(passed) if state in FINAL), len(passed))
    assert set(passed[first_final:]) <= set(passed[first_final : first_final + 1])


@given(st.sampled_from(sorted(RUNNING)), st.lists(st.sampled_from(Event), max_size=30))
def test_a_running_server_can_always_be_shut_down_or_lost(start: State, events: list[Event]):
    last = walk(start, events)[-1]

    if last not in FINAL:
        assert step(last, Event.SHUT_DOWN) is State.SHUTDOWN
        assert step(last, Event.LOSE_HEALTH) is State.UNHEALTHY


def test_the_diagram_has_one_arrow_for_each_line_of_the_table():
    head, *arrows = mermaid().splitlines()

    assert head == "stateDiagram-v2"
    assert len(arrows) == len(TRANSITIONS)
    assert "    Ready --> Allocated: allocate" in arrows
