"""Faults on purpose: who may be harmed, and how their cost is told."""

import pytest

from core.dice import stream
from core.errors import Invalid
from readyup.demo.asked import CHAOS_ROLES as ROLES
from readyup.demo.chaos import Chaos, Fault, round_s, summary


def test_an_unknown_role_is_refused_with_those_there_are():
    with pytest.raises(Invalid, match="no role 'valkey'; there are: director, allocator"):
        Chaos(("valkey",), stream(1))


def test_a_round_lasts_until_each_role_had_both_faults():
    assert round_s(ROLES) >= len(ROLES) * 2 * 5


def test_the_cost_is_told_by_role_and_fault():
    faults = [
        Fault("api", "kill", 2.0, True),
        Fault("api", "kill", 4.0, True),
        Fault("api", "kill", 45.0, False),
        Fault("director", "stop", 3.0, True),
    ]

    assert summary(faults) == {
        "api-kill": {"times": 3, "lost": 1, "gone_s_p50": 4.0, "gone_s_max": 45.0},
        "director-stop": {"times": 1, "lost": 0, "gone_s_p50": 3.0, "gone_s_max": 3.0},
    }
