"""Servers of pods that begin, and how long each takes until it is Ready."""

from dataclasses import replace

from prometheus_client import CollectorRegistry

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.agones.starts import Starts
from fleets.metrics import FleetMetrics
from tests.allocator.worlds import NOW, FixedClock

ARENA = FleetName("arena")


def view(name: str, state: State = State.CREATING) -> ServerView:
    return ServerView(name, ServerUid(name), ARENA, state, "h", 1, created_ms=NOW)


def test_a_start_is_counted_once_and_timed_until_it_is_ready():
    registry, clock = CollectorRegistry(), FixedClock()
    starts = Starts([ServerUid("old")], FleetMetrics(registry), clock)

    def told(name: str) -> float | None:
        return registry.get_sample_value(f"readyup_fleets_{name}", {"fleet": ARENA})

    starts.heard(view("old", State.READY), gone=False)
    for state in (State.CREATING, State.SCHEDULED, State.READY, State.ALLOCATED):
        clock.now_ms += 1_000
        starts.heard(view("new", state), gone=False)
    starts.heard(view("late", State.READY), gone=False)
    starts.heard(view("died"), gone=False)
    starts.heard(replace(view("died"), state=State.UNHEALTHY), gone=True)

    assert told("starts_total") == 3
    assert (told("ready_seconds_count"), told("ready_seconds_sum")) == (1, 3.0)
