"""What an evening to simulate is, as values, and what comes of it."""

import importlib.util
import random
from collections import Counter
from dataclasses import dataclass, field, replace

from core.dice import stream
from core.errors import Invalid
from fleets.capacity.settings import CapacitySettings
from readyup.bots.habits import Habits
from readyup.bots.report import CrowdReport
from readyup.history.check import Verdict
from readyup.settings import Config
from readyup.simulation.faults import Fault


@dataclass(frozen=True, slots=True)
class Evening:
    """What is simulated."""

    seed: int
    minutes: float = 2.0
    """Virtual, with faults; the drain follows."""

    players: int = 24
    servers: int = 5
    directors: int = 2
    faults: tuple[Fault, ...] | None = None
    """None draws them from the seed."""

    acceptance_s: float = 0.0
    """How long a match's players have to accept it; 0 asks nobody."""

    leave_share: float = 0.0
    """Of rounds: a player goes home in the middle of the match, and another may come. 0: nobody."""

    habits: Habits = field(default_factory=lambda: Habits(think_s_mean=4.0))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    seed: int
    digest: str
    """SHA-256 of the history."""

    verdict: Verdict
    report: CrowdReport
    calls: int
    marks: dict[str, int]
    """How many store calls had been made when each kind of store event came first."""

    virtual_s: float
    faults: Counter[str]
    """Those that happened, by kind."""

    broke: tuple[str, ...]
    """What processes and connections died of that no fault explains."""

    errors: tuple[str, ...]
    """What befell players that no fault explains."""

    history: tuple[bytes, ...]

    def exit_code(self) -> int:
        """0 when every promise was kept, nothing broke, and every error has its fault."""
        return self.verdict.exit_code or int(bool(self.broke or self.errors))


def shaped(config: Config, evening: Evening, shape: random.Random) -> Config:
    """The built-in configuration, in a size and with limits that this seed chose."""
    fixed = shape.random() < 0.5
    lifetime_s = shape.choice((600.0, 25.0))
    by_forecast = not fixed and stream(evening.seed, "simulation", "forecast").random() < 0.5
    fleet = replace(
        config.fleets[0],
        replicas=evening.servers if fixed else None,
        reserve=min(4, evening.servers),
        buffer=1,
        size_min=max(1, evening.servers - 2),
        size_max=evening.servers + 3,
        starting_max=2,
        scale_down_after_s=10.0,
        rejoin_s=1.0 if evening.leave_share else config.fleets[0].rejoin_s,
        capacity=CapacitySettings() if by_forecast else None,
    )
    queues = {
        name: replace(
            queue,
            ticket_lifetime_s=lifetime_s,
            acceptance_s=evening.acceptance_s,
            backfill="auto" if evening.leave_share else "off",
        )
        for name, queue in config.queues.items()
    }
    return replace(config, queues=queues, fleets=(fleet,))


def asked(evening: Evening, acceptance_s: float) -> Evening:
    """The same with matches that ask their players; one in ten does not come."""
    habits = replace(evening.habits, decline_share=0.05, sleep_share=0.05)
    return replace(evening, acceptance_s=acceptance_s, habits=habits)


def left(evening: Evening, leave_share: float) -> Evening:
    """The same with players who go home in the middle of their matches, and newcomers."""
    habits = replace(evening.habits, leave_share=leave_share)
    return replace(evening, leave_share=leave_share, habits=habits)


def needs_fakeredis() -> None:
    """Refuse to begin without the store that the simulation runs on.

    Raises:
        Invalid: says what to install.
    """
    missing = [name for name in ("fakeredis", "lupa") if not _is_installed(name)]
    if missing:
        raise Invalid(
            f"the simulation runs our scripts in fakeredis, and {' and '.join(missing)} is not "
            "installed here; it comes with: pip install 'fakeredis[lua]'",
            field="readyup simulate",
        )


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
