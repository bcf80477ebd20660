"""What fleets count: game servers by state, their starts and ends, and how long Ready took."""

from dataclasses import replace

from prometheus_client import CollectorRegistry

from core.game_server import PINNED_LABEL, ServerView, State
from core.ids import FleetName, ServerUid
from fleets.counted import CountedMirror, CountedSizing
from fleets.metrics import FleetMetrics
from fleets.ports import Decision, Demand, Reason
from fleets.spec import FleetSpec, PortRange
from tests.core.clocks import HandClock

ARENA = FleetName("arena")
SPEC = FleetSpec(ARENA, ("game",), PortRange(7100, 7111), size_max=20)


class Seen:
    """The mirror behind."""

    def __init__(self) -> None:
        self.put_: list[ServerView] = []
        self.removed: list[Reason] = []

    def put(self, view: ServerView) -> None:
        self.put_.append(view)

    def remove(self, view: ServerView, reason: Reason) -> None:
        self.removed.append(reason)


def server(name: str, state: State, *, created_ms: int = 0) -> ServerView:
    return ServerView(
        name=name,
        uid=ServerUid(name),
        fleet=ARENA,
        state=state,
        address="127.0.0.1",
        port=7000,
        created_ms=created_ms,
    )


def test_a_server_is_counted_from_its_start_to_its_end():
    registry, behind, wall = CollectorRegistry(), Seen(), HandClock(now_ms=5_000)
    mirror = CountedMirror(behind, FleetMetrics(registry), wall)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"readyup_fleets_{name}", {"fleet": ARENA, **labels})

    one = server("one", State.STARTING, created_ms=4_000)
    mirror.put(one)
    mirror.put(replace(one, state=State.READY))
    mirror.put(replace(one, state=State.ALLOCATED))
    mirror.put(server("two", State.STARTING))

    assert value("starts_total") == 2
    assert value("servers", state="Allocated") == 1
    assert value("servers", state="Ready") == 0
    assert (value("ready_seconds_count"), value("ready_seconds_sum")) == (1, 1.0)

    for _ in range(2):
        mirror.remove(one, Reason.SCALE)

    assert value("deletes_total", reason="scale") == 1
    assert value("servers", state="Allocated") == 0
    assert (len(behind.put_), len(behind.removed)) == (4, 2)


class Five:
    async def step(self, demand: Demand | None, *, now_ms: int) -> Decision:
        return Decision(5, {})

    async def changed(self, *, timeout_s: float) -> None:
        return


async def test_the_last_looks_size_and_time_are_kept():
    registry, wall = CollectorRegistry(), HandClock(now_ms=5_000)
    sizing = CountedSizing(SPEC, Five(), FleetMetrics(registry), wall)
    before = sizing.looked_s
    await sizing.step(Demand(frozenset()), now_ms=4_000)
    await sizing.step(None, now_ms=9_000)

    decided = registry.get_sample_value(
        "readyup_fleets_decided_timestamp_seconds", {"fleet": ARENA}
    )
    assert (before, sizing.looked_s) == (None, wall.elapsed_s())
    assert decided == 4, "a look that nobody knew the demand for decides nothing"
    assert registry.get_sample_value("readyup_fleets_replicas_wanted", {"fleet": ARENA}) == 5
    assert registry.get_sample_value("readyup_fleets_replicas_max", {"fleet": ARENA}) == 12


def test_a_fleet_of_a_fixed_size_is_never_told_to_be_full():
    registry = CollectorRegistry()
    fixed = replace(SPEC, size_max=10_000, replicas=3)
    CountedSizing(fixed, Five(), FleetMetrics(registry), HandClock())

    assert registry.get_sample_value("readyup_fleets_replicas_max", {"fleet": ARENA}) is None


def test_servers_are_counted_by_what_is_known_of_their_cores():
    registry = CollectorRegistry()
    mirror = CountedMirror(Seen(), FleetMetrics(registry), HandClock())
    mirror.put(replace(server("one", State.READY), labels={PINNED_LABEL: "true"}))
    mirror.put(server("two", State.READY))

    name = "readyup_fleets_servers_pinned"
    assert {
        known: registry.get_sample_value(name, {"fleet": ARENA, "pinned": known})
        for known in ("true", "false", "unknown")
    } == {"true": 1, "false": 0, "unknown": 1}
