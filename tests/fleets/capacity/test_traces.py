"""The example traces are what their generator makes."""

import pytest

from docs.traces.make import HERE, TRACES, csv
from fleets.capacity.trace import read_trace


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_what_its_seed_makes(name: str):
    text = (HERE / f"{name}.csv").read_text("utf-8")
    trace = read_trace(name, text.splitlines())

    assert text == csv(name)
    assert trace.end_s() == TRACES[name][1]
    assert trace.claims.sum() > 10_000
