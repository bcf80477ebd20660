"""A process says on which cores it may run, in the kernel's words."""

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from core.errors import Invalid
from gameserver.pinning import describe, parse_cores, pin, proof, render_cores


@given(st.frozensets(st.integers(0, 300), min_size=1))
def test_what_is_rendered_is_parsed_again(cores):
    assert parse_cores(render_cores(tuple(cores))) == tuple(sorted(cores))


@pytest.mark.parametrize("text", ["", "a", "1-", "1,,2", "-1", "99999"])
def test_nonsense_names_the_cure(text):
    with pytest.raises(Invalid, match="0-2,8") as wrong:
        parse_cores(text)

    assert wrong.value.field == "READYUP_CORES"


@pytest.mark.parametrize(
    ("cores", "machine", "sentence"),
    [
        ((3,), 8, "core 3 of 8"),
        ((0, 1, 2, 5), 8, "cores 0-2,5 of 8"),
        ((0, 1), 2, "not pinned: all 2 cores"),
        ((0,), 1, "core 0 of 1"),
        ((), 4, "not pinned: this system does not tell which cores a process may use"),
    ],
)
def test_the_sentence_is_honest(cores, machine, sentence):
    assert describe(cores, machine) == sentence


def test_the_proof_is_the_kernels(tmp_path: Path):
    status = tmp_path / "status"
    status.write_text("Name:\tgame\nCpus_allowed:\tff\nCpus_allowed_list:\t4-5,7\n")

    assert proof(status).cores == (4, 5, 7)
    assert proof().cores == tuple(sorted(os.sched_getaffinity(0)))


def test_without_proc_nothing_is_claimed(tmp_path: Path):
    assert proof(tmp_path / "absent").cores == ()


def test_a_process_pins_itself_and_proves_it():
    before = os.sched_getaffinity(0)
    try:
        pinned = pin((min(before),))
    finally:
        os.sched_setaffinity(0, before)

    assert pinned.cores == (min(before),)


def test_a_core_that_is_not_there_is_refused():
    with pytest.raises(Invalid, match="allowed are"):
        pin((4000,))


def test_a_system_that_cannot_pin_says_so(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity")

    assert pin((0,)).sentence == "not pinned: this system cannot pin processes"
