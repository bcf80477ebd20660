"""What every role of one process is given."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from core.clock import Clock
from core.health import Health
from core.redis import Store
from core.telemetry import OFF, Traces
from matchmaker.store import QueueStore
from readyup.settings import Config
from readyup.wiring.doors import Doors
from readyup.wiring.vitals import Counted


@dataclass(frozen=True, slots=True)
class House:
    """What every role of one process shares."""

    config: Config
    store: Store
    run_dir: Path
    name: str
    """This process among its like, e.g. ``director-2``."""

    clock: Clock
    chance: random.Random
    doors: Doors = field(default_factory=dict)
    """Where its roles listen, by section; without one a role opens its own."""

    counted: Counted = field(default_factory=Counted)
    health: Health = field(default_factory=Health)
    traces: Traces = OFF

    def queues(self) -> dict[str, QueueStore]:
        """Every queue's store."""
        return {name: QueueStore(self.store, queue) for name, queue in self.config.queues.items()}

    def events_dir(self) -> Path | None:
        """Where witnesses write; None when they shall not."""
        return self.run_dir / "events" if self.config.events else None
