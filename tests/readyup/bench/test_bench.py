"""What the benchmarks print, and what they refuse; the measuring itself is run by hand."""

import os

import pytest

from readyup.bench.machine import machine
from readyup.commands.bench import bench
from readyup.commands.bench_told import failover_text, idle_text

MACHINE = {
    "processor": "Abacus",
    "cores": 2,
    "system": "Linux 6",
    "python": "3.11.7",
    "load_before": 0.5,
}
FIGURES = {"p50": 5.0, "p95": 8.0, "p99": 9.0}


def test_a_figure_comes_with_the_machine_and_what_it_was_compared_with():
    said = idle_text(
        {
            "machine": MACHINE,
            "matches": 400,
            "servers": 4,
            "enqueue_to_assignment_ms": FIGURES,
            "floor_ms": {"frame": {"p50": 0.2}, "script": {"p50": 0.22}, "sum": 1.3},
            "ratio_to_floor": 3.85,
            "claim_in_director_ms": FIGURES,
            "claim_alone_ms": FIGURES,
            "claims": 420,
            "acknowledged_share": 1.0,
        }
    )

    assert "Abacus, 2 cores, Linux 6, Python 3.11.7, load before 0.5" in said
    assert "p50 5.00 ms  p95 8.00 ms  p99 9.00 ms" in said
    assert "five empty scripts 1.10" in said
    assert "3.85 (of the medians)" in said
    assert "100.0% of 420 claims" in said


def test_a_failover_is_told_beside_the_lease_that_explains_it():
    said = failover_text(
        {
            "machine": MACHINE,
            "kills": 3,
            "nobody_led_ms": {"p50": 2100, "max": 2300},
            "lease_ms": 3000,
            "ratio_to_lease": 0.7,
            "breaches": 0,
            "events": 7000,
            "tickets": {"created": 4, "assigned": 3, "cancelled": 1, "expired": 0},
            "matches": {"made": 1, "completed": 1},
        }
    )

    assert "p50 2100 ms  max 2300 ms" in said
    assert "0.70 (lease 3000 ms)" in said
    assert "0 breaches in 7000 events" in said


@pytest.mark.parametrize(
    ("asked", "place"), [({"matches": 0}, "--matches"), ({"kills": 0}, "--kills")]
)
def test_figures_out_of_range_are_refused_in_a_sentence(asked, place, capsys):
    assert bench("idle", **asked) == 1

    assert capsys.readouterr().err.startswith(f"readyup bench: {place}: 0 is outside 1 to")


def test_the_machine_is_described_as_it_is():
    ran_on = machine()

    assert ran_on["cores"] == len(os.sched_getaffinity(0))
    assert ran_on["processor"]
