"""The simulation can fail: it finds each planted bug, and says which promise it breaks."""

import pytest

from readyup.simulation.sweep import brief_of
from tests.readyup.simulation.planted import BUGS, Bug

FAST, *SLOW = BUGS


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "bug",
    [FAST, *(pytest.param(bug, marks=pytest.mark.slow) for bug in SLOW)],
    ids=lambda bug: bug.name,
)
def test_a_planted_bug_is_found_within_its_seeds(bug: Bug):
    n, found = bug.found()

    assert found is not None, f"{bug.name}: unnoticed in {n} seeds"
    assert brief_of(found.evening).is_good, "and without it the same seed is fine"
