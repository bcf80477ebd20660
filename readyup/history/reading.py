"""A log file as events; a line that is not one ends the reading with its number."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union

import msgspec

from core.errors import Invalid
from readyup.history import store_events, witness_events
from readyup.history.event import Event, kinds

_ROOMS_OF_KINDS = (store_events, witness_events)  # importing them is what registers their kinds

KINDS: dict[str, type[Event]] = dict(sorted(kinds()))
"""Every kind of event there is."""

# Scripts write numbers that came as arguments; "3" is as good as 3.
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Union[tuple(KINDS.values())],  # noqa: UP007 - the members are known at run time only
    strict=False,
)
_encode = msgspec.json.Encoder().encode


def event_of(src: str, fields: Mapping[str, Any]) -> Event:
    """One event as ``core.eventlog`` hands it over, said by ``src``.

    Raises:
        Invalid: it is of an unknown kind, or without a field it must carry.
    """
    try:
        # By way of JSON: a decoder knows its kinds beforehand, msgspec.convert looks at all
        # of them each time, and takes ten times as long.
        event: Event = _decoder.decode(_encode({**fields, "src": src}))
    except msgspec.DecodeError as wrong:
        raise Invalid(f"{src}: {_cure(str(wrong))}") from wrong
    return event


def read(lines: Iterable[bytes], name: str) -> Iterator[Event]:
    """Every line as an event, in order.

    Raises:
        Invalid: a line is garbled, of an unknown kind, without a field it must carry,
            from a source that may not say so, or out of its stream's order.
    """
    decode = _decoder.decode
    roles: dict[str, str] = {}
    newest: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            event: Event = decode(line)
        except msgspec.DecodeError as wrong:
            raise _defect(name, number, _cure(str(wrong))) from wrong
        role = roles.get(event.src)
        if role is None:
            role = roles[event.src] = event.src.partition("/")[0]
        if role not in event.roles:
            kind = type(event).__struct_config__.tag
            raise _defect(name, number, f"{event.src!r} may not write {kind}; see docs/history.md")
        if role in ("queue", "fleet"):
            place = _place(event.i)
            if place is None or place <= newest.get(event.src, (-1, 0)):
                raise _defect(
                    name,
                    number,
                    f"{event.i!r} does not follow in the stream of {event.src}; record it again",
                )
            newest[event.src] = place
        yield event


def _place(stream_id: str) -> tuple[int, int] | None:
    ms, _, sequence = stream_id.partition("-")
    return (int(ms), int(sequence)) if ms.isdecimal() and sequence.isdecimal() else None


def _cure(message: str) -> str:
    if "`$.k`" in message:
        return f"{message}: no such kind of event; see docs/history.md"
    if "$" in message:
        return f"{message}; see docs/history.md"
    return f"{message}; a line cut by a killed process is dropped when its file is merged"


def _defect(name: str, number: int, why: str) -> Invalid:
    return Invalid(f"{name}, line {number}: {why}", field=f"line {number}")
