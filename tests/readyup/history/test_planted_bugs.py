"""A checker that cannot fail proves nothing: every invariant is broken here, one at a time."""

import pytest

from tests.readyup.history import planted_ends, planted_rooms, planted_tickets, planted_witnesses
from tests.readyup.history.runs import Doctoring, good_run

PLANTED = [
    bug
    for bed in (planted_tickets, planted_rooms, planted_ends, planted_witnesses)
    for bug in bed.BUGS
]


@pytest.mark.parametrize(
    ("invariant", "doctor"), PLANTED, ids=[f"{n}-{bug.__name__}" for n, bug in PLANTED]
)
def test_a_planted_bug_is_named_by_its_invariant_and_no_other(invariant: str, doctor: Doctoring):
    log = good_run()
    doctor(log)
    verdict = log.judge()

    named = {breach.invariant.partition(" ")[0].rstrip(":") for breach in verdict.breaches}
    assert named == {invariant}, verdict.breaches
    assert verdict.exit_code == 1


def test_every_invariant_is_broken_at_least_once():
    assert {invariant for invariant, _ in PLANTED} == {*map(str, range(1, 16)), "witnesses"}
