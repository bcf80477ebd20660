"""What is asked of a run: refused before anything starts if it cannot be had."""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.address import Kind
from core.errors import Invalid
from readyup.bots.burst import Burst
from readyup.settings import Config

CHAOS_ROLES = ("director", "allocator", "api", "gameserver", "fleets", "redis")
"""Whom ``--chaos`` can harm."""

RUNS = Path(".run")
"""Where runs are kept in a clone of the repository; not in git, and gone with ``make clean``."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What is asked of a run."""

    players: int = 120
    servers: int | None = None
    """Game servers; None keeps the configuration's number."""

    duration_s: float = 0.0
    """Seconds of play; 0 plays until it is stopped."""

    seed: int = 1
    directors: int = 2
    redis: Kind = "server"
    """What keeps the state: one Valkey, one with replicas and Sentinels, or a Cluster."""

    burst: Burst | None = None
    """Duels that are asked for at once, beside what the bots do anyway."""

    chaos: tuple[str, ...] = ()
    """Roles that are killed and stopped in turn while the bots play."""


def refuse_numbers(players: int, servers: int | None, duration: float | None) -> None:
    """Refuse numbers that make no run.

    Raises:
        Invalid: names the option and its cure.
    """
    if players < 1:
        raise Invalid(f"--players: {players} is less than 1", field="--players")
    if servers is not None and servers < 1:
        raise Invalid(f"--servers: {servers} is less than 1", field="--servers")
    if duration is not None and not 0 < duration <= 7 * 86_400:
        raise Invalid(
            f"--duration: {duration:g} is outside a second to a week; give seconds above 0",
            field="--duration",
        )


def asked_burst(text: str, play_s: float) -> Burst | None:
    """The burst of ``--burst``, within a run of ``play_s`` seconds; 0 plays until it is stopped.

    Raises:
        Invalid: it is none, or comes when nobody plays any more.
    """
    if not text:
        return None
    burst = Burst.of(text)
    if play_s and burst.at_s >= play_s:
        raise Invalid(
            f"--burst: second {burst.at_s:g} is after the end; --duration is {play_s:g}",
            field="--burst",
        )
    return burst


def chaos_roles(text: str) -> tuple[str, ...]:
    """The roles of ``--chaos``.

    Raises:
        Invalid: names the one that is none, and those there are.
    """
    roles = tuple(word.strip() for word in text.split(",") if word.strip())
    refuse_roles(roles)
    return roles


def refuse_roles(roles: Sequence[str]) -> None:
    """Refuse a role that cannot be harmed."""
    for role in roles:
        if role not in CHAOS_ROLES:
            there = ", ".join(CHAOS_ROLES)
            raise Invalid(f"--chaos: there is no role {role!r}; there are: {there}")


def sized(config: Config, servers: int | None) -> Config:
    """The configuration with so many game servers in each fleet, whatever the demand.

    Raises:
        Invalid: a fleet has too few ports for them.
    """
    if servers is None:
        return config
    for fleet in config.fleets:
        ports = fleet.ports
        if servers > len(ports):
            raise Invalid(
                f"--servers: {servers} do not fit: fleet {fleet.name} has {len(ports)} ports "
                f"({ports.first}-{ports.last}); ask for no more, or widen ports in a file for "
                "--config",
                field="--servers",
            )
    fleets = tuple(
        replace(
            fleet,
            replicas=servers,
            size_max=max(fleet.size_max, servers),
            reserve=min(fleet.reserve, servers * fleet.rooms),
            capacity=None,
            events=(),
        )
        for fleet in config.fleets
    )
    return replace(config, fleets=fleets)


def run_folder(asked: Path | None) -> tuple[Path, bool]:
    """The folder of this run, and whether it stays when all went well.

    The one that was asked for stays, and so does that of a run in a clone of the repository,
    below ``.run``. Elsewhere it is a temporary one, kept only for those who must look into it.

    Raises:
        Invalid: it has the log of another run.
    """
    if asked is None:
        in_clone = Path("readyup/embedded.toml").is_file() and os.access(".", os.W_OK)
        if in_clone:
            RUNS.mkdir(exist_ok=True)
        made = tempfile.mkdtemp(
            prefix=time.strftime("demo-%m%d-%H%M%S-") if in_clone else "readyup-demo-",
            dir=RUNS if in_clone else None,
        )
        return Path(made).absolute(), in_clone
    if (asked / "history.jsonl").exists():
        raise Invalid(
            f"--dir: {asked} has the log of another run; remove that folder or name a new one",
            field="--dir",
        )
    return asked.absolute(), True
