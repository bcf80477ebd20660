"""Sizes that are known beforehand: announced, listed and taken back, with a word in the audit."""

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from functools import partial

import msgspec

from core.clock import SystemClock
from core.errors import Invalid
from fleets.capacity.decision import event_words
from fleets.capacity.events import LASTING_S_MAX, Event, Every
from readyup.fleetctl.audited import audited
from readyup.fleetctl.choose import fleets_named
from readyup.fleetctl.look import store_of
from readyup.fleetctl.moments import moment
from readyup.operators.plans import Plans
from readyup.settings import Config

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class PlanAsked:
    """What ``readyup fleet plan`` was given."""

    at: str = ""
    servers: int | None = None
    lasting: str = "1h"
    every: Every = ""
    reason: str = ""
    remove: str = ""


def event_of(asked: PlanAsked, *, now_ms: int) -> Event:
    """What is announced.

    Raises:
        Invalid: names the option and the cure.
    """
    if asked.servers is None or not asked.at:
        raise Invalid("write --at 2026-12-24T20:00 --servers 400, or --at now", field="--at")
    at = moment(asked.at, option="--at", now_ms=now_ms)
    for_s = duration_s(asked.lasting)
    if not 0 < for_s <= LASTING_S_MAX:
        raise Invalid(
            f"--for: {asked.lasting!r} is no time to keep them; write up to 30d", field="--for"
        )
    try:
        return msgspec.convert(
            {
                "at": at.astimezone(dt.UTC),
                "servers": asked.servers,
                "for_s": for_s,
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
    """Announce or take back what is asked for, and nothing else; what is announced then, by name.

    Raises:
        ReadyUpError: nothing was changed.
    """
    (spec,) = fleets_named(config, name)
    async with store_of(config) as store:
        clock = SystemClock()
        plans = Plans(store, [spec], clock)
        if asked.remove:
            await audited(
                store,
                clock,
                partial(plans.take_back, name, asked.remove),
                what="unplanFleet",
                target=f"{name}/{asked.remove}",
                reason=asked.reason,
            )
        elif asked.at or asked.servers is not None:
            event, plan = event_of(asked, now_ms=clock.wall_ms()), secrets.token_hex(4)
            await audited(
                store,
                clock,
                partial(plans.announce, name, plan, event),
                what="planFleet",
                target=f"{name}/{plan}",
                reason=asked.reason,
            )
        return {name: event_words(event) for name, event in (await plans.of(spec.name)).items()}
