"""Servers whose ticks come late are told from a machine that is busy, and given up one by one."""

import msgspec
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry

from allocator.beats import Beat, Beats, Tick
from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.quarantine import Quarantine, late_servers
from allocator.reserve import Reserve
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.ids import ServerUid
from core.redis import Store
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, server

A, B = ServerUid("a"), ServerUid("b")


def beats(*p99_ms: float) -> list[Beat]:
    return [
        Beat(ServerUid(f"s{n}"), f"s{n}", 0, 0, tick=Tick(p99_ms=late_ms, rate_hz=30.0))
        for n, late_ms in enumerate(p99_ms)
    ]


def test_who_stands_out_is_late():
    assert late_servers(beats(0.1, 0.2, 0.1, 0.2, 30.0), late_ms=5.0) == {"s4"}


def test_on_a_busy_machine_nobody_stands_out():
    assert late_servers(beats(20.0, 25.0, 30.0, 28.0, 60.0), late_ms=5.0) == frozenset()


def test_among_few_servers_nobody_is_judged():
    assert late_servers(beats(0.1, 0.1, 99.0), late_ms=5.0) == frozenset()
    assert late_servers(beats(0.1, 0.1, 0.1, 99.0), late_ms=0.0) == frozenset()


@given(st.lists(st.floats(0, 1000), max_size=60))
def test_few_are_late_at_a_time(p99_ms: list[float]):
    late = late_servers(beats(*p99_ms), late_ms=5.0)

    assert len(late) <= max(1, len(p99_ms) // 10)


def test_a_server_is_given_up_once_it_has_been_late_for_long():
    quarantine = Quarantine(after_ms=10_000)
    said = [quarantine.due([A], now_ms=ms) for ms in (0, 9_999, 10_000)]

    assert said == [None, None, A]


def test_a_pause_begins_anew_and_one_goes_at_a_time():
    quarantine = Quarantine(after_ms=10_000)
    quarantine.due([A, B], now_ms=0)
    quarantine.due([B], now_ms=5_000)
    quarantine.due([A, B], now_ms=6_000)

    assert quarantine.due([A, B], now_ms=11_000) == B
    assert quarantine.due([A], now_ms=15_000) is None
    assert quarantine.due([A], now_ms=16_000) == A


def test_it_can_be_switched_off():
    quarantine = Quarantine(after_ms=0)
    quarantine.due([A], now_ms=0)

    assert quarantine.due([A], now_ms=1_000_000) is None


async def test_the_reserve_gives_a_late_server_up(store: Store):
    pool, registry = Pool(store, FLEET), CollectorRegistry()
    metrics = AllocatorMetrics(registry)
    settings = AllocatorSettings(FLEET, reserve_rooms=4, late_for_ms=4_000)
    servers = FakeServers()
    handover = Handover(Sessions(pool), FakeMatches(), settings, metrics)
    reserve = Reserve(pool, servers, handover, settings, metrics)
    servers.have(*(server(name) for name in "abcd"))
    for beat, name in zip(beats(0.1, 0.1, 0.1, 50.0), "abcd", strict=True):
        await Beats(pool).write(msgspec.structs.replace(beat, uid=ServerUid(f"uid-{name}")))

    for second in range(0, 10, 2):
        await reserve.refill(now_ms=NOW + 1000 * second)

    name = "readyup_allocator_servers_quarantined_total"
    assert servers.given_up == ["uid-d"]
    assert registry.get_sample_value(name, {"fleet": FLEET}) == 1

    lateness = {
        which: registry.get_sample_value(
            "readyup_allocator_tick_late_seconds", {"fleet": FLEET, "server": which}
        )
        for which in ("median", "worst")
    }
    assert lateness == {"median": 0.0001, "worst": 0.05}
