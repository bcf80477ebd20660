"""Sizes that are known beforehand: announced, listed and taken back, with a word in the audit."""

import datetime as dt
import getpass
import re
import secrets
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.clock import SystemClock
from core.errors import Conflict, Invalid, NotFound
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.decision import event_words
from fleets.capacity.events import Event
from fleets.spec import FleetSpec
from readyup.fleetctl.choose import fleets_named
from readyup.fleetctl.look import store_of
from readyup.operators.audit import Audit, Record
from readyup.settings import Config

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class PlanAsked:
    """What ``readyup fleet plan`` was given."""

    at: str = ""
    servers: int | None = None
    lasting: str = "1h"
    every: Literal["", "day", "week"] = ""
    reason: str = ""
    remove: str = ""


def event_of(asked: PlanAsked, *, now_ms: int) -> Event:
    """What is announced.

    Raises:
        Invalid: names the option and the cure.
    """
    if asked.servers is None or not asked.at:
        raise Invalid("write --at 2026-12-24T20:00 --servers 400, or --at now", field="--at")
    try:
        now = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
        at = now if asked.at == "now" else dt.datetime.fromisoformat(asked.at)
    except ValueError:
        raise Invalid(
            f"--at: {asked.at!r} is no time; write 2026-12-24T20:00, with an offset such as Z "
            "where it is not this machine's, or now",
            field="--at",
        ) from None
    at = at.astimezone()  # a time without an offset is this machine's
    try:
        return msgspec.convert(
            {
                "at": at.astimezone(dt.UTC),
                "servers": asked.servers,
                "for_s": duration_s(asked.lasting),
                "every": asked.every,
                "note": asked.reason,
            },
            Event,
        )
    except msgspec.ValidationError as wrong:
        raise Invalid(str(wrong).replace("`", "")) from wrong


def duration_s(text: str, *, option: str = "--for") -> float:
    """Seconds of ``90s``, ``45m``, ``2h`` or ``1d``.

    Raises:
        Invalid: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None:
        raise Invalid(f"{option}: {text!r} is no duration; write 45m, 2h or 1d", field=option)
    return float(found[1]) * UNITS_S[found[2]]


async def planned(config: Config, name: str, asked: PlanAsked) -> dict[str, str]:
    """Announce or take back what is asked for, and nothing else; what is announced then, by id.

    Raises:
        ReadyUpError: nothing was changed.
    """
    (spec,) = fleets_named(config, name)
    async with store_of(config) as store:
        if asked.remove:
            await take_back(store, spec, asked.remove, reason=asked.reason)
        elif asked.at or asked.servers is not None:
            await announce(store, spec, event_of(asked, now_ms=SystemClock().wall_ms()))
        there = await Announced(store, spec.name).all()
        own = {f"settings[{n}]": one for n, one in enumerate(spec.events)}
        return {name: event_words(event) for name, event in {**own, **there}.items()}


async def announce(store: Store, spec: FleetSpec, event: Event) -> str:
    """Announce a size; its id.

    Raises:
        Conflict: the fleet is not sized by forecast, so nobody would heed it.
    """
    if spec.capacity is None or spec.capacity.mode != "act":
        raise Conflict(
            f"fleet {spec.name!r} is sized by its settings alone; add [fleets.{spec.name}.capacity]"
        )
    name = secrets.token_hex(4)
    record = _record("planFleet", f"{spec.name}/{name}", event.note)
    audit = Audit(store, SystemClock())
    await audit.intent(record)
    await Announced(store, spec.name).add(name, event)
    after = f"at least {event.servers} from {event.at.isoformat()} for {event.for_s:g} s"
    await audit.outcome(msgspec.structs.replace(record, outcome="done", after=after))
    return name


async def take_back(store: Store, spec: FleetSpec, name: str, *, reason: str) -> None:
    """Take an announced size back.

    Raises:
        NotFound: there is none of that id.
    """
    announced = Announced(store, spec.name)
    event = (await announced.all()).get(name)
    if event is None:
        raise NotFound(
            f"fleet {spec.name!r} has no announced size {name!r}; list them without --at"
        )
    record = _record("unplanFleet", f"{spec.name}/{name}", reason)
    audit = Audit(store, SystemClock())
    await audit.intent(record)
    await announced.remove(name)
    before = f"at least {event.servers} from {event.at.isoformat()}"
    await audit.outcome(
        msgspec.structs.replace(record, outcome="done", before=before, after="taken back")
    )


def _record(what: str, target: str, reason: str) -> Record:
    """Whoever reaches the store may change it; the audit has the name of the machine's user."""
    return Record(
        id=secrets.token_hex(8),
        t_ms=SystemClock().wall_ms(),
        who=getpass.getuser(),
        role="operator",
        what=what,
        target=target,
        reason=reason,
        how="store",
    )
