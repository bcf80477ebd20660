"""What a queue's shadow rules do beside what is done: as it is stored and shown."""

import msgspec


class Side(msgspec.Struct):
    """One of the two, over the last ten minutes."""

    matches_per_min: float
    wait_s_p50: float | None
    wait_s_p90: float | None
    quality_p50: float | None
    """By the measure of the live rules, for both sides."""


class ShadowFigures(msgspec.Struct):
    """What a shadow does beside what is done."""

    version: str
    name: str
    since_ms: int
    """When it began, with those who waited then."""

    live: Side
    shadow: Side
    waiting: int
    """Tickets that wait in the shadow: also some that are long gone in reality."""

    rejected: int
    """Tickets that its rules could never match."""

    left_out: int
    """Tickets for which it had no place."""

    pass_ms_max: float
    skipped: int
    """Passes that were due while it rested."""

    t: int


_decode = msgspec.json.Decoder(ShadowFigures).decode


def figures_of(said: str | None) -> ShadowFigures | None:
    """Figures as they are stored; None where there are none, or of another time."""
    try:
        return _decode(said) if said else None
    except msgspec.DecodeError:
        return None
