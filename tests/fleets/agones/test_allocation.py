"""What Agones is asked for, where a fleet says more than its name."""

from core.ids import FleetName
from fleets.agones.backend import allocation
from fleets.agones.manifest import Site, fleet
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange

LOAD = {"minAvailable": 2}
ORDER = {"type": "Counter", "key": "load", "order": "Descending"}
ONE_MORE = {"action": "Increment", "amount": 1}


def counted() -> FleetSpec:
    pod = PodSpec(
        "game:1",
        extra_server={"counters": {"load": {"count": 3, "capacity": 10}}},
        extra_selector={"counters": {"load": LOAD}},
        extra_allocation={"priorities": [ORDER], "counters": {"load": ONE_MORE}},
    )
    return FleetSpec(FleetName("arena"), (), PortRange(7000, 8000), pod=pod)


def test_counters_of_a_fleet_stand_beside_our_own():
    server = fleet(counted(), Site())["spec"]["template"]["spec"]

    assert server["counters"] == {
        "rooms": {"count": 0, "capacity": 1},
        "load": {"count": 3, "capacity": 10},
    }


def test_ready_servers_are_chosen_by_the_fleets_own_words_too():
    asked = allocation(counted(), "refill-1")["spec"]
    again, *fresh = asked["selectors"]

    # Whoever carries the claim is the one, whatever its counters say by now.
    assert "counters" not in again
    assert [one["counters"] for one in fresh] == [{"load": LOAD}] * 2
    assert asked["priorities"] == [ORDER]
    assert asked["counters"] == {"load": ONE_MORE}
    assert asked["metadata"] == {"labels": {"readyup/claim": "refill-1"}}
