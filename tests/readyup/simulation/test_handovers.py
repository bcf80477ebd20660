"""Servers die in the middle of matches, in virtual time: the matches go on."""

from collections import Counter

import msgspec

from readyup.bots.habits import Habits
from readyup.simulation.evening import Evening, Outcome
from readyup.simulation.faults import Fault
from readyup.simulation.world import simulate

STAY = Habits(think_s_mean=2.0, cancel_share=0.0, drop_share=0.0, crash_share=0.0)


def kinds(outcome: Outcome) -> Counter[str]:
    events = (msgspec.json.decode(line) for line in outcome.history)
    return Counter(f"{e['k']} {e.get('reason', '')}".strip() for e in events)


def test_a_server_that_dies_in_a_match_hands_it_over():
    deaths = tuple(Fault("server-dies", at_s=at_s, who="server") for at_s in (8.0, 11.0, 14.0))
    evening = Evening(seed=9, minutes=0.4, players=12, servers=4, faults=deaths, habits=STAY)
    outcome = simulate(evening)
    told = kinds(outcome)

    assert outcome.exit_code() == 0, (outcome.verdict.breaches, outcome.broke, outcome.errors)
    assert told["session.handover"] >= 2
    assert told["session.ended lost"] == told["session.ended abandoned"] == 0
    assert outcome.report.handovers["succeeded"] == outcome.report.handovers["tried"] > 0
