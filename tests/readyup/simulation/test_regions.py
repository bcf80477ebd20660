"""Evenings with two fleets for each queue, both short of rooms, under faults."""

from dataclasses import replace

import pytest

from core.ids import FleetName
from fleets.spec import PortRange
from readyup.settings import Config
from readyup.simulation import world
from readyup.simulation.evening import Evening, Outcome


@pytest.fixture(autouse=True)
def two_fleets(monkeypatch: pytest.MonkeyPatch) -> None:
    shaped = world.shaped

    def halved(config: Config, evening: Evening, shape) -> Config:
        whole = shaped(config, evening, shape)
        near = replace(whole.fleets[0], replicas=1, reserve=1, buffer=0, size_min=0, size_max=1)
        far = replace(near, name=FleetName("far"), ports=PortRange(7400, 7499))
        queues = {
            name: replace(queue, fleet=(near.name, far.name))
            for name, queue in whole.queues.items()
        }
        return replace(whole, queues=queues, fleets=(near, far))

    monkeypatch.setattr(world, "shaped", halved)


def played(seed: int) -> Outcome:
    """An evening in which both fleets are played in and no promise is broken."""
    outcome = world.simulate(Evening(seed=seed, minutes=0.4, players=12, servers=2))
    history = b"".join(outcome.history)

    assert outcome.exit_code() == 0, (outcome.verdict.breaches, outcome.broke)
    assert b"fleet/arena" in history
    assert b"fleet/far" in history
    assert outcome.faults.total() > 0
    return outcome


def test_who_finds_the_near_fleet_full_plays_elsewhere_and_no_promise_is_broken():
    outcome = played(14)

    assert any(b'"elsewhere"' in line for line in outcome.history)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_both_fleets_are_played_in_and_no_promise_is_broken(seed: int):
    assert played(seed).report.matches["made"] > 0
