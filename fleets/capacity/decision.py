"""A decision with what it came from: as a sentence for a reader, and as a record that is kept."""

import math
from dataclasses import dataclass

from fleets.capacity.events import Event
from fleets.capacity.sizer import Facts, Target
from fleets.ports import Decision


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one look came to, and from what."""

    target: Target
    facts: Facts
    lead_s: float
    """From ordering a server to its being Ready, as it was measured."""

    horizon_s: float
    """For how long what is ordered now must last."""

    def sentence(self) -> str:
        """Why it is that many servers."""
        target, facts, sizing = self.target, self.facts, self.target.sizing
        parts = [f"{target.replicas} servers: {facts.in_use} in use"]
        parts += [f"{facts.waiting} matches wait"] if facts.waiting else []
        parts += [f"{target.reserve_rooms} rooms in reserve", f"{target.ready} Ready behind them"]
        why = (
            f"{sizing.still_running:.1f} of {len(facts.ages_s)} sessions will still run in "
            f"{self.horizon_s:.3g} s, {sizing.expected:.1f} claims are expected by then, and room "
            f"for {max(0.0, sizing.margin):.1f} more is enough in {sizing.chance:.2%} of cases"
        )
        if sizing.replicas > sizing.wanted:
            why += "; what is there is kept a little longer"
        if facts.event is not None:
            why += f"; {event_words(facts.event)}"
        return f"{', '.join(parts)}. {why[0].upper()}{why[1:]}"


def event_words(event: Event) -> str:
    """An announced size in a few words."""
    again = f", every {event.every}" if event.every else ""
    what = f" ({event.note})" if event.note else ""
    return (
        f"at least {event.servers} from {event.at:%Y-%m-%d %H:%M} {event.at.tzname()} "
        f"for {duration_words(event.for_s)}{again}{what}"
    )


def duration_words(seconds: float) -> str:
    """A duration as people say it.

    >>> duration_words(5400.0)
    '90 min'
    """
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def record(
    inputs: Inputs, decision: Decision, *, mode: str, there: int, now_ms: int
) -> dict[str, object]:
    """What ``{f:F}:decisions`` keeps."""
    target, facts, sizing = inputs.target, inputs.facts, inputs.target.sizing
    session_s = facts.survival.median_s()
    return {
        "t": now_ms,
        "mode": mode,
        "replicas": decision.replicas,
        "recommended": target.replicas,
        "there": there,
        "in_use": facts.in_use,
        "sessions": len(facts.ages_s),
        "waiting": facts.waiting,
        "reserve_target": target.reserve_rooms,
        "ready_target": target.ready,
        "still_running": round(sizing.still_running, 2),
        "expected": round(sizing.expected, 2),
        "margin": round(sizing.margin, 2),
        "chance": sizing.chance,
        "horizon_s": round(inputs.horizon_s, 2),
        "lead_s": round(inputs.lead_s, 2),
        "refill_s": round(facts.refill_s, 3),
        "session_s_p50": round(session_s, 1) if math.isfinite(session_s) else None,
        "event": event_words(facts.event) if facts.event else "",
        "why": inputs.sentence(),
    }
