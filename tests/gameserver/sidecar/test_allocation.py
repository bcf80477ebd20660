"""Whether one server is what an allocation asks for, and what is done to it then."""

import msgspec
import pytest

from core.errors import Exhausted, Invalid
from core.game_server import State
from gameserver.sidecar import state as sdk
from gameserver.sidecar.allocation import LAST_ALLOCATED, AllocationRequest, allocated
from gameserver.sidecar.counts import Counter, Names
from gameserver.sidecar.state import HealthPolicy, SdkState
from tests.gameserver.sidecar.random_calls import DETAIL, VIEW

READY = sdk.asked_ready(sdk.new_server(VIEW, HealthPolicy(), now_s=0.0, detail=DETAIL))
TAKEN = sdk.allocated_itself(READY)
LABELS = {"agones.dev/fleet": "arena", "map": "hills"}


def take(server: SdkState, **asked: object) -> SdkState:
    request = msgspec.convert(asked, AllocationRequest, strict=False)
    return allocated(server, LABELS, request, now="2026-11-22T00:00:00Z")


def taken(server: SdkState, *selectors: object) -> bool:
    try:
        take(server, gameServerSelectors=selectors)
    except Exhausted:
        return False
    return True


def test_a_ready_server_is_taken_once():
    server = take(READY)

    assert server.view.state is State.ALLOCATED
    assert server.view.annotations == {LAST_ALLOCATED: "2026-11-22T00:00:00Z"}
    with pytest.raises(Exhausted, match=r"^there is no available GameServer to allocate$"):
        take(server)


def test_an_allocation_counts_labels_and_lists_in_one_go():
    server = take(
        READY,
        metadata={"labels": {"match": "m1"}, "annotations": {"map": "the hills"}},
        counters={"rooms": {"action": "Increment", "amount": "2"}, "none": {"capacity": "1"}},
        lists={"players": {"addValues": ["c", "d"], "deleteValues": ["a"]}},
    )

    assert server.view.labels == {"match": "m1"}
    assert server.view.annotations["map"] == "the hills"
    assert server.detail.counters == {"rooms": Counter(3, 4)}
    assert server.detail.lists == {"players": Names(("b", "c"), 3)}


def test_what_does_not_fit_is_cut_off():
    counters = {"rooms": {"action": "Decrement", "amount": 9, "capacity": 2}}

    assert take(READY, counters=counters).detail.counters == {"rooms": Counter(0, 2)}


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({}, True),
        ({"matchLabels": {"agones.dev/fleet": "arena"}}, True),
        ({"matchLabels": {"agones.dev/fleet": "other"}}, False),
        ({"matchExpressions": [{"key": "map", "operator": "In", "values": ["hills"]}]}, True),
        ({"matchExpressions": [{"key": "map", "operator": "NotIn", "values": ["hills"]}]}, False),
        ({"matchExpressions": [{"key": "match", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "match", "operator": "DoesNotExist"}]}, True),
        ({"gameServerState": "ALLOCATED"}, False),
        ({"counters": {"rooms": {"minAvailable": "3"}}}, True),
        ({"counters": {"rooms": {"minAvailable": "4"}}}, False),
        ({"counters": {"rooms": {"maxCount": "0"}}}, True),
        ({"counters": {"none": {}}}, False),
        ({"lists": {"players": {"containsValue": "a", "minAvailable": 1}}}, True),
        ({"lists": {"players": {"containsValue": "z"}}}, False),
    ],
)
def test_a_selector_says_which_server_will_do(selector, fits):
    assert taken(READY, selector) is fits


def test_the_first_selector_that_fits_is_enough():
    again = {"gameServerState": "ALLOCATED", "counters": {"rooms": {"minAvailable": 1}}}

    assert taken(READY, again, {})
    assert taken(TAKEN, again, {})
    assert not taken(TAKEN, {})


@pytest.mark.parametrize(
    "asked",
    [
        {"metadata": {"labels": {"match": "no label!"}}},
        {"metadata": {"annotations": {"no key": ""}}},
        {"counters": {"rooms": {"action": "Increment"}}},
        {"lists": {"players": {"capacity": 1001}}},
    ],
)
def test_what_agones_would_not_take_is_refused(asked):
    with pytest.raises(Invalid):
        take(READY, **asked)


def test_a_number_that_cannot_be_is_refused_with_its_place():
    with pytest.raises(msgspec.ValidationError, match=r"`\$\.counters\[\.\.\.\]\.amount`"):
        take(READY, counters={"rooms": {"action": "Increment", "amount": -1}})
