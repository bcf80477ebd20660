"""An event as others get it: a CloudEvent (https://cloudevents.io), its ``data`` as promised."""

import datetime as dt
from typing import Any

import msgspec

from core.eventlog import Event, order_of
from readyup.events.told import KINDS, SUBJECTS, VERSION

SCHEMA = f"urn:readyup:events:{VERSION}"
TYPE = "readyup."
"""Before the kind, in ``type``."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A CloudEvent. ``source`` and ``id`` together name it, however often it is told."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    subject: str = ""
    datacontenttype: str
    dataschema: str
    data: Any


class Record(msgspec.Struct, frozen=True):
    """What a sink is given: ``value`` is the envelope as JSON."""

    source: str
    id: str
    type: str
    value: bytes


_encode = msgspec.json.Encoder().encode


def record_of(source: str, event: Event) -> Record | None:
    """An event of a stream as a record; nothing for those that are only ours.

    Raises:
        msgspec.ValidationError: it does not say what is promised of its kind.
    """
    if (shape := KINDS.get(event["k"])) is None:
        return None
    return _record(source, event["k"], event["i"], msgspec.convert(_mended(event), shape))


def notice(source: str, kind: str, first: str, last: str, data: msgspec.Struct) -> Record:
    """A word about the stream itself.

    The two ids that it is about make it one word, however often it is told.
    """
    return _record(source, kind, f"{kind}:{first}:{last}", data, at=last)


def _record(
    source: str, kind: str, name: str, data: msgspec.Struct, *, at: str | None = None
) -> Record:
    said = Envelope(
        specversion="1.0",
        id=name,
        source=source,
        type=TYPE + kind,
        time=_time(at or name),
        subject=_subject(kind, data),
        datacontenttype="application/json",
        dataschema=SCHEMA,
        data=data,
    )
    return Record(source, name, said.type, _encode(said))


def _time(place: str) -> str:
    """When the store took it: ids are times."""
    at = dt.datetime.fromtimestamp(order_of(place)[0] / 1000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _subject(kind: str, data: msgspec.Struct) -> str:
    names = ("ticket",) if kind.startswith("ticket.") else SUBJECTS
    return next((getattr(data, name) for name in names if hasattr(data, name)), "")


def _mended(event: Event) -> Event:
    """As it was meant: the scripts write an empty list as ``{}``, and seats as pairs."""
    mended = dict(event)
    if "tickets" in event:
        mended["tickets"] = event["tickets"] or []
    if "teams" in event:
        mended["teams"] = {
            team: [{"ticket": ticket, "player": player} for ticket, player in seats]
            for team, seats in event["teams"].items()
        }
    return mended
