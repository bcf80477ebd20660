"""How many game servers to start, and which to end: a pure function of what is seen.

What is in use is never ended, and neither is anything Allocated: a room of it may be
handed out at this very moment. Those are given up by the allocator, who knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.game_server import ServerView, State
from core.ids import ServerUid
from fleets.past import BEFORE_READY, GONE, Past
from fleets.ports import Wish
from fleets.spec import FleetSpec

TAKEN = frozenset({State.ALLOCATED, State.RESERVED})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and why."""

    start: int
    """Servers to start at once; the rest of the missing follow as these become Ready."""

    stop: tuple[ServerUid, ...]
    """Servers too many, the one that costs least first. Never one in use or Allocated."""

    end: tuple[ServerUid, ...]
    """Servers that are Unhealthy or have shut down: what is left of them is ended."""

    replicas: int
    """Servers that the fleet should have."""

    why: str
    past: Past
    """To be handed to the next call."""


def plan_fleet(
    spec: FleetSpec,
    observed: Sequence[ServerView],
    in_use: frozenset[ServerUid] | None,
    past: Past,
    *,
    now_ms: int,
    wish: Wish | None = None,
) -> Plan:
    """Compare what is wanted with what is there.

    Args:
        spec: What the fleet is asked to be.
        observed: Its servers, in any order.
        in_use: Servers with a session; None when nobody could tell, and then none is stopped.
        past: What the plan before this one handed on.
        now_ms: The time.
        wish: What the forecast asks for, instead of ``reserve`` and ``buffer``.
    """
    past = past.seen(observed, now_ms=now_ms)
    live = [server for server in observed if server.state not in GONE]
    wanted, because = _wanted(spec, live, in_use, past, wish)
    past = past.asked(wanted, keep_ms=round(spec.scale_down_after_s * 1000), now_ms=now_ms)
    # The forecast has a way of its own to come down.
    as_asked = spec.replicas is not None or wish is not None
    replicas = wanted if as_asked else max(wanted, past.peak())

    starting = sum(1 for server in live if server.state in BEFORE_READY)
    missing = max(0, replicas - len(live))
    held = past.held_back(now_ms=now_ms) if missing else None
    start = min(missing, max(0, spec.starting_max - starting))
    if held is not None:
        start = min(start, 1 if held.may_start and not starting else 0)
    stop = _surplus(live, in_use, len(live) - replicas)
    end = tuple(server.uid for server in observed if server.state in GONE)

    kept = f", kept from the last {spec.scale_down_after_s:g} s" if replicas > wanted else ""
    parts = [
        because if wish is not None else f"{replicas} wanted ({because}{kept})",
        f"{len(live)} there, {starting} before Ready",
        *([f"starting {start} of {missing} missing"] if missing else []),
        *([f"stopping {len(stop)} too many"] if stop else []),
        *([f"clearing away {len(end)} that failed or shut down"] if end else []),
        *([held.why] if held is not None else []),
        *(["the store does not say what is in use, so none is stopped"] if in_use is None else []),
    ]
    return Plan(start, stop, end, replicas, "; ".join(parts), past)


def _wanted(
    spec: FleetSpec,
    live: Sequence[ServerView],
    in_use: frozenset[ServerUid] | None,
    past: Past,
    wish: Wish | None,
) -> tuple[int, str]:
    if spec.replicas is not None:
        return spec.replicas, "replicas"
    low, high = spec.size_min, spec.ceiling()
    if in_use is None:
        return max(low, past.latest()), "as before"
    used = sum(1 for server in live if server.uid in in_use)
    if wish is not None:
        return max(wish.replicas, used), wish.why
    reserve = -(-spec.reserve // spec.rooms)
    asked = used + reserve + spec.buffer
    because = f"{used} in use + {reserve} for the reserve + {spec.buffer} buffer"
    if asked > high:
        because += f", at most {high}"
    if asked < low:
        because += f", at least {low}"
    return min(max(asked, low), high), because


def _surplus(
    live: Sequence[ServerView], in_use: frozenset[ServerUid] | None, too_many: int
) -> tuple[ServerUid, ...]:
    """Those that may go: not yet Ready before Ready, the youngest first."""
    if too_many <= 0 or in_use is None:
        return ()
    free = [one for one in live if one.uid not in in_use and one.state not in TAKEN]
    free.sort(key=lambda one: (one.state not in BEFORE_READY, -one.created_ms, one.uid))
    return tuple(one.uid for one in free[:too_many])
