"""A simulated evening with faults, once more: directors die, answers are lost."""

from typing import Any

import msgspec
import pytest

from core.eventlog import decode
from core.redis import Entry
from matchmaker.passlog import described
from matchmaker.recording import recorded
from matchmaker.replay import rerun
from readyup.simulation import world
from readyup.simulation.evening import Evening


class Listening(world._World):
    """An evening whose directors' streams are kept."""

    lines: list[dict[str, Any]]

    def _entry(self, key: str, entry: str, fields: dict[str, str]) -> None:
        for name, queue in self._config.queues.items():
            if key in (f"{queue.base()}:log", f"{queue.base()}:passes"):
                src = "queue" if key.endswith("log") else "director"
                self.lines.append({"src": f"{src}/{name}", **decode(Entry(entry, fields))})
        super()._entry(key, entry, fields)

    def about(self, name: str) -> list[dict[str, Any]]:
        """What the store would have told of a queue besides its streams."""
        queue, src = self._config.queues[name], f"director/{name}"
        rules = msgspec.to_builtins(described(queue.rules))
        whole = {"k": "recorded", "whole": True, "lifetime_s": queue.ticket_lifetime_s}
        return [{"src": src, "k": "rules", **rules}, {"src": src, **whole}]


@pytest.mark.slow
def test_an_evening_with_faults_comes_out_again(monkeypatch: pytest.MonkeyPatch):
    evenings: list[Listening] = []

    def listening(evening: Evening, watch: None) -> Listening:
        evenings.append(Listening(evening, watch))
        evenings[0].lines = []
        return evenings[0]

    monkeypatch.setattr(world, "_World", listening)
    world.simulate(Evening(seed=2, minutes=1.5, players=24, servers=5, directors=2))
    (evening,) = evenings
    recording = recorded([*evening.about("duel"), *evening.lines], "duel")

    found = rerun(recording)

    assert found.first is None
    assert found.unjudged == {}
    assert found.passes == len(recording.passes) > 20
    assert len({record.epoch for record in recording.passes}) > 1
