"""Moments as an operator writes them."""

import datetime as dt

from core.errors import Invalid


def moment(text: str, *, option: str, now_ms: int) -> dt.datetime:
    """``now``, or an ISO time; one without an offset is this machine's.

    Raises:
        Invalid: it is none; names the option.
    """
    try:
        said = dt.datetime.fromisoformat(text) if text != "now" else _at(now_ms)
        return said.astimezone()
    except (ValueError, OverflowError):
        raise Invalid(
            f"{option}: {text!r} is no time; write 2026-12-24T20:00, with an offset such as Z "
            "where it is not this machine's, or now",
            field=option,
        ) from None


def _at(now_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
