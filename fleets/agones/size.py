"""How many servers a fleet of pods shall have: a pure function of what is seen.

The number follows from what is used, what waits and what is kept warm, never from Agones'
own count of Allocated servers: our reserve is Allocated too.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from core.game_server import ServerView, State
from core.ids import ServerUid
from fleets.agones.view import CLAIM_LABEL
from fleets.past import GONE, Past
from fleets.ports import Demand
from fleets.spec import FleetSpec


@dataclass(frozen=True, slots=True)
class SizePlan:
    """A number, and why."""

    replicas: int
    why: dict[str, object]
    past: Past = field(default_factory=Past)
    """To be handed to the next call."""


def plan_size(
    spec: FleetSpec,
    observed: Sequence[ServerView],
    leaving: Collection[ServerUid],
    demand: Demand | None,
    past: Past,
    *,
    size_now: int | None,
    now_ms: int,
) -> SizePlan:
    """The size that a fleet needs now.

    Args:
        spec: What the fleet is asked to be.
        observed: Its servers, in any order.
        leaving: Those that are being ended by us.
        demand: What they are wanted for; None when nobody could tell, and then it stays as it is.
        past: What the plan before this one handed on.
        size_now: What the Fleet says; None when there is none yet.
        now_ms: The time.
    """
    live = [one for one in observed if one.state not in GONE and one.uid not in leaving]
    wish = None if demand is None else demand.wish
    # A forecast keeps one room claimed, whatever the settings say.
    surge = _surge(spec, live, reserve=spec.reserve if wish is None else max(1, spec.reserve))
    renewing = f" + {surge} to renew the reserve" if surge else ""
    if spec.replicas is not None:
        sentence = f"{spec.replicas + surge} wanted (replicas{renewing})"
        return SizePlan(spec.replicas + surge, {"sentence": sentence}, past)
    low, high = spec.size_min, spec.ceiling()
    if demand is None:
        kept = max(low, past.latest() if size_now is None else size_now)
        return SizePlan(kept, {"sentence": "the store does not say what is in use: as before"})
    others = sum(one.uid not in demand.in_use and _taken_by_others(one) for one in live)
    used = sum(one.uid in demand.in_use for one in live) + others
    claimed = sum(one.uid not in demand.in_use and _claimed(one) for one in live)
    reserve, waiting = (math.ceil(n / spec.rooms) for n in (spec.reserve, demand.waiting))

    if wish is not None:
        # What the reserve still has too much it gives back by itself, as below.
        floor = used + claimed + surge
        replicas = min(max(wish.replicas + others, floor), max(high, used))
        told = {"in_use": used - others, "others": others, "claimed": claimed, "surge": surge}
        sentence = wish.why + (renewing if floor > wish.replicas + others else "")
        return SizePlan(replicas, {**told, "sentence": sentence}, past)
    asked = used + waiting + reserve + spec.buffer
    past = past.asked(asked, keep_ms=round(spec.scale_down_after_s * 1000), now_ms=now_ms)
    # What the reserve has too much it gives back by itself; until then it must not be that
    # Agones ends the buffer to make the number right.
    floor = used + claimed + spec.buffer + surge
    wanted = max(past.peak(), floor)
    replicas = min(max(wanted, low), high)
    why: dict[str, object] = {
        "in_use": used - others,
        "others": others,
        "waiting": waiting,
        "reserve": reserve,
        "claimed": claimed,
        "buffer": spec.buffer,
        "surge": surge,
        "held": past.peak(),
        "size_min": low,
        "size_max": high,
    }
    why["sentence"] = _sentence(why, asked, wanted, replicas, spec.scale_down_after_s)
    return SizePlan(replicas, why, past)


def _surge(spec: FleetSpec, live: Sequence[ServerView], *, reserve: int) -> int:
    """Servers beyond the size until the reserve, of so many rooms, is renewed.

    Agones counts what is Allocated as kept: while old servers fill the fleet, none of a new
    version would ever start.
    """
    if not spec.version or spec.pod is None:
        return 0
    old = sum(one.version != spec.version and _claimed(one) for one in live)
    share = spec.pod.surge
    most = math.ceil(old * int(share[:-1]) / 100) if share.endswith("%") else int(share)
    return min(old, most, math.ceil(reserve / spec.rooms))


def _sentence(why: dict[str, object], asked: int, wanted: int, replicas: int, keep_s: float) -> str:
    parts = [f"{why['in_use']} in use"]
    parts += [f"{why['others']} taken by others"] if why["others"] else []
    parts += [f"{why['waiting']} for the line"] if why["waiting"] else []
    parts += [f"{why['reserve']} for the reserve", f"{why['buffer']} buffer"]
    because = " + ".join(parts)
    if wanted > asked:
        kept = f", kept from the last {keep_s:g} s" if why["held"] == wanted else ""
        more = f" + {why['surge']} to renew it" if why["surge"] else ""
        because += kept or f", and the reserve still has {why['claimed']}{more}"
    if replicas != wanted:
        because += f", at {'most' if replicas < wanted else 'least'} {replicas}"
    return f"{replicas} wanted ({because})"


def _taken_by_others(view: ServerView) -> bool:
    unknown = view.state is State.ALLOCATED and CLAIM_LABEL not in view.labels
    return unknown or view.state is State.RESERVED


def _claimed(view: ServerView) -> bool:
    return view.state is State.ALLOCATED and CLAIM_LABEL in view.labels
