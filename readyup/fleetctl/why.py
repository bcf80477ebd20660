"""Why a fleet has the size that it has: its newest decision, what was measured, and the line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.clock import SystemClock
from core.game_server import State
from core.ids import FleetName
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.decision import event_words
from fleets.capacity.ledger import Ledger
from fleets.capacity.line import Coming, expected_waits_s
from fleets.capacity.survival import survival
from fleets.past import BEFORE_READY
from fleets.spec import FleetSpec
from matchmaker.settings import QueueSettings
from readyup.fleetctl.lately import MINUTE_S, Lately, lately, sentence
from readyup.fleetctl.look import FleetLook, fleet_look

LINE_MAX = 200


@dataclass(frozen=True, slots=True)
class InLine:
    """A match that waits for a room."""

    match: str
    position: int
    waited_s: float
    expected_s: float


@dataclass(frozen=True, slots=True)
class Why:
    """What ``readyup fleet why`` tells."""

    fleet: FleetName
    wanted: int | None
    why: str
    plan_age_s: float | None
    decision: dict[str, Any] | None
    """The newest, with its inputs; None where nothing is decided by forecast."""

    decision_age_s: float | None
    claims_per_s: float
    """Over the last minute."""

    waited_share: float | None
    """Of the claims of the last minute, those that found no room free; None without claims."""

    lately: Lately
    line: list[InLine] = field(default_factory=list)
    announced: dict[str, str] = field(default_factory=dict)


async def why(store: Store, spec: FleetSpec, queues: Sequence[QueueSettings] = ()) -> Why:
    """Everything that is known of a fleet's size, and of what its queues have asked for.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    now_ms = SystemClock().wall_ms()
    look, ledger = await fleet_look(store, spec), Ledger(store, spec.name)
    newest = await ledger.decisions(since_ms=0, limit=1)
    decision: dict[str, Any] | None = newest[0] if newest else None
    came = await lately(store, spec.name, queues, until_s=now_ms // 1000)
    claims = came.claims_last_minute
    announced = await Announced(store, spec.name).all()
    return Why(
        fleet=spec.name,
        wanted=look.wanted,
        why=look.why,
        plan_age_s=look.plan_age_s,
        decision=decision,
        decision_age_s=(now_ms - decision["t"]) / 1000 if decision else None,
        claims_per_s=claims / MINUTE_S,
        waited_share=came.waited_last_minute / claims if claims else None,
        lately=came,
        line=await _line(store, spec, look, ledger, decision, now_ms=now_ms),
        announced={name: event_words(event) for name, event in announced.items()},
    )


async def _line(
    store: Store,
    spec: FleetSpec,
    look: FleetLook,
    ledger: Ledger,
    decision: dict[str, Any] | None,
    *,
    now_ms: int,
) -> list[InLine]:
    key = f"{{f:{spec.name}}}:waiting"
    reply = await store.call("ZRANGE", key, 0, LINE_MAX - 1, "WITHSCORES")
    since_ms = list(map(float, reply[1::2]))
    ages_s = np.maximum(now_ms - await ledger.sessions(), 0.0) / 1000
    ended = await ledger.took("session", now_ms=now_ms)
    waits_s = expected_waits_s(
        len(since_ms),
        Coming(
            ready=sum(one.state is State.READY for one in look.servers),
            starting_s=[
                (now_ms - one.created_ms) / 1000
                for one in look.servers
                if one.state in BEFORE_READY
            ],
            ages_s=ages_s.tolist(),
            curve=survival(ended, ages_s.tolist()),
            lead_s=decision["lead_s"] if decision else 10.0,
            refill_s=decision["refill_s"] if decision else 1.0,
            rooms=spec.rooms,
            starting_max=10_000 if spec.pod else spec.starting_max,
        ),
    )
    return [
        InLine(match, n, max(0.0, (now_ms - since) / 1000), wait_s)
        for n, (match, since, wait_s) in enumerate(
            zip(reply[::2], since_ms, waits_s, strict=True), 1
        )
    ]


def sentences(told: Why) -> str:
    """The same for a reader."""
    if told.plan_age_s is None:
        return f"{told.fleet}: no plan; is the role fleets running?"
    lines = [f"{told.fleet}: {told.why}"]
    if told.plan_age_s > 60:
        lines.append(f"  the plan is {told.plan_age_s:.0f} s old; is the role fleets running?")
    if (made := told.decision) is None:
        lines.append("  its size follows from the settings; [fleets.NAME.capacity] adds a forecast")
    else:
        if made["mode"] != "act":
            lines.append(f"  the forecast would have {made['recommended']}: {made['why']}")
        session = made["session_s_p50"]
        lasts = f"half of all sessions last {session:g} s" if session else "no session ended yet"
        lines.append(
            f"  measured: Ready {made['lead_s']:g} s after creation (nine of ten), "
            f"in the reserve {made['refill_s']:g} s after that, {lasts}"
        )
        lines.append(f"  decided {told.decision_age_s:.0f} s ago; {made['there']} servers there")
    share = "" if told.waited_share is None else f", {told.waited_share:.1%} of them waited"
    lines.append(f"  {told.claims_per_s:.2f} claims a second over the last minute{share}")
    lines.append(f"  {sentence(told.fleet, told.lately)}")
    if told.line:
        first, last = told.line[0], told.line[-1]
        lines.append(
            f"  {len(told.line)} in line: the first has waited {first.waited_s:.1f} s and can "
            f"expect a room in {first.expected_s:.1f} s, the last in {last.expected_s:.1f} s"
        )
    lines += [f"  announced {name}: {words}" for name, words in told.announced.items()]
    return "\n".join(lines)
