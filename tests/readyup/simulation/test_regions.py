"""Evenings with two fleets for each queue, both short of rooms, under faults."""

from dataclasses import replace

import pytest

from core.ids import FleetName
from fleets.spec import PortRange
from readyup.settings import Config
from readyup.simulation import world
from readyup.simulation.evening import Evening


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


def test_both_fleets_are_played_in_and_no_promise_is_broken():
    runs = [
        world.simulate(Evening(seed=seed, minutes=0.4, players=12, servers=2))
        for seed in range(11, 15)
    ]

    assert [(one.seed, one.verdict.breaches, one.broke) for one in runs if one.exit_code()] == []
    for one in runs:
        history = b"".join(one.history)
        assert b"fleet/arena" in history
        assert b"fleet/far" in history
    assert any(b'"elsewhere"' in line for one in runs for line in one.history)
    assert sum((one.faults for one in runs), start=runs[0].faults).total() > 0
