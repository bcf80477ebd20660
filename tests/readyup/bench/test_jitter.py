"""The jitter benchmark: what it compares, how it tells it, and one short run of it."""

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from readyup.bench import cpusets
from readyup.bench.children import allowed, child
from readyup.bench.cpusets import Unavailable
from readyup.bench.jitter import Watched, bench_jitter, ratio, rotated, told
from readyup.bench.jitter_game import Answer, Order, Proof, why_not
from readyup.bench.jitter_plot import picture
from readyup.bench.jitter_told import table
from readyup.bench.jitter_variants import VARIANTS, Yard, placed, why_not as missing
from readyup.bench.neighbours import GO, REST
from tests.readyup.bench.test_bench import MACHINE

BY_NAME = {variant.name: variant for variant in VARIANTS}


def watched(name: str, p99_ms: float = 2.0, why: str = "") -> Watched:
    return Watched(
        BY_NAME[name],
        why_not=why,
        figures={
            "p50_ms": 0.2,
            "p99_ms": p99_ms,
            "p999_ms": 2 * p99_ms,
            "instability": 0.01,
            "rate_hz": 60.0,
            "skipped": 0,
        },
        proof=Proof("1", "v1 1 exclusive", "SCHED_OTHER"),
        neighbour_cores="0" if BY_NAME[name].neighbour else "",
        waited_s=1.0,
        slot_s=10.0,
        others_s=12.0,
    )


def figures(*each: Watched) -> dict[str, object]:
    return {
        "machine": MACHINE,
        "seconds": 10.0,
        "rounds": 3,
        "cores": [0, 1],
        "game_core": [1],
        "neighbours": 4,
        "variants": told(list(each)),
    }


def test_every_variant_is_told_beside_the_baseline_and_proved():
    said = table(figures(watched("quiet"), watched("affinity-shared", p99_ms=9.0)))

    assert "Abacus, 2 cores" in said
    assert "load before 0.5" in said
    row = next(line for line in said.splitlines() if line.startswith("affinity-shared"))
    assert row.split()[1:] == ["0.20", "9.00", "18.00", "0.010", "4.5x", "10.0%", "1.20"]
    assert "cores 1, cpuset v1 1 exclusive, SCHED_OTHER; neighbour on 0" in said


def test_a_baseline_that_was_not_quiet_is_called_so():
    busy, alone = watched("quiet"), watched("quiet")
    alone.others_s = 0.5

    assert "the baseline was not quiet: others used 1.20 of 2 cores" in table(figures(busy))
    assert "not quiet" not in table(figures(alone))


def test_what_could_not_be_had_is_told_with_its_reason():
    said = table(figures(watched("quiet"), watched("fifo", why="it needs CAP_SYS_NICE")))

    assert said.endswith("not to be had here\nfifo             it needs CAP_SYS_NICE")
    assert "it needs CAP_SYS_NICE" in picture(
        figures(watched("quiet"), watched("fifo", why="it needs CAP_SYS_NICE"))
    )


def test_the_picture_has_a_lane_for_each_and_grows_to_the_right():
    drawn = picture(figures(watched("quiet", 1.0), watched("unpinned", 50.0)))

    dots = [
        line for line in drawn.splitlines() if line.startswith("<circle") and 'cy="40"' not in line
    ]
    places = [float(dot.split('cx="')[1].split('"')[0]) for dot in dots]
    assert len(places) == 6
    assert places[:3] == sorted(places[:3])
    assert places[4] > places[1]
    assert "50x" in drawn


def test_a_baseline_of_nothing_has_no_ratio():
    assert ratio(3.0, 0.0) is None
    assert ratio(3.0, 2.0) == 1.5


def test_the_rounds_begin_with_another_variant_each():
    all_of_them = [watched(name) for name in BY_NAME]

    orders = [[one.variant.name for one in rotated(all_of_them, turn)] for turn in range(3)]

    assert all(sorted(order) == sorted(BY_NAME) for order in orders)
    assert len({order[0] for order in orders}) == 3


def test_variants_that_need_a_second_core_say_so():
    one_core = Yard((0,))

    reasons = {name: missing(variant, one_core) for name, variant in BY_NAME.items()}

    assert not reasons["unpinned"]
    assert not reasons["fifo"]
    for name in ("affinity-apart", "cpuset-v1", "cpuset-v2"):
        assert "one core only" in reasons[name]


def test_a_refused_scheduling_class_names_the_cure():
    order = Order(cores=(0,), fifo=10, seconds=1.0, warm_s=0.1)

    assert "CAP_SYS_NICE" in why_not(order, PermissionError(1, "Operation not permitted"))


async def test_a_neighbour_burns_when_told_rests_when_told_and_goes_with_its_input():
    async with child("readyup.bench.neighbours", "1") as neighbour:
        first = await neighbour.ask(GO, within_s=20, line=False)
        last = await neighbour.ask(REST, within_s=20, line=False)
        own = allowed(neighbour.pid)

    assert (first, last) == (b"!", b"-")
    assert own
    assert not Path(f"/proc/{neighbour.pid}").exists()


async def test_a_neighbour_ends_in_the_middle_of_its_noise_once_its_benchmark_is_gone():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "readyup.bench.neighbours", "1"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(GO)
    process.stdin.close()

    async with asyncio.timeout(20):
        assert await process.wait() == 0


@pytest.mark.slow
async def test_a_short_run_measures_what_this_machine_permits_and_leaves_nothing_behind():
    before = os.sched_getaffinity(0)

    found = await bench_jitter(seconds=1.0, rounds=2)

    by_name = {one["name"]: one for one in found["variants"]}
    had = {name: one for name, one in by_name.items() if "unavailable" not in one}
    assert list(by_name) == list(BY_NAME)
    assert {"quiet", "unpinned"} <= had.keys()
    for one in had.values():
        assert 0 <= one["p50_ms"] <= one["p99_ms"] <= one["p999_ms"]
        assert one["proof"]["policy"] == (
            "SCHED_FIFO 10" if one["name"] == "fifo" else "SCHED_OTHER"
        )
    core = str(found["game_core"][0])
    for name in had.keys() - {"quiet", "unpinned"}:
        assert had[name]["proof"]["cores"] == core
    for name in had.keys() & {"affinity-apart", "cpuset-v1", "cpuset-v2"}:
        assert core not in had[name]["neighbour_cores"].split(",")
    if "cpuset-v1" in had:
        assert had["cpuset-v1"]["proof"]["cpuset"] == f"v1 {core} exclusive"
        assert not list(cpusets.find(1).here.glob(f"{cpusets.PREFIX}*"))
    assert os.sched_getaffinity(0) == before
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.slow
async def test_a_game_that_would_never_wait_again_is_ended_by_the_kernel():
    code = (
        "from readyup.bench.jitter_game import Order, placed\n"
        "with placed(Order((), 10, 1.0, 0.1)):\n"
        "    while True: pass\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        _, said = await process.communicate()

    if b"PermissionError" in said:
        pytest.skip("SCHED_FIFO is not permitted here")
    assert process.returncode == -signal.SIGXCPU


def test_an_answer_survives_the_pipe():
    answer = Answer(figures={"p50_ms": 0.1}, proof=Proof("1", "", "SCHED_OTHER"), preempted=3)

    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer


def test_without_a_cgroup_the_neighbour_only_moves_by_affinity(monkeypatch):
    moved = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: moved.append((pid, cores)))

    for name in ("affinity-shared", "affinity-apart"):
        with placed(BY_NAME[name], Yard((0, 1, 2)), 10, [11, 12]):
            pass

    assert moved == list(
        itertools.chain.from_iterable([(11, cores), (12, cores)] for cores in ((0, 1, 2), (0, 1)))
    )


def test_a_refused_cpuset_is_a_reason_and_no_crash(tmp_path):
    with pytest.raises(Unavailable, match="no cgroup v2"):
        cpusets.find(2, tmp_path)
