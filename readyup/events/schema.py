"""The JSON schema of what is told, made of the code: ``readyup events --schema``."""

from typing import Any

import msgspec

from readyup.events.envelope import SCHEMA, TYPE
from readyup.events.told import KINDS, VERSION

_TEXT = {"type": "string", "minLength": 1}


def schema() -> dict[str, Any]:
    """A schema for one envelope: its type says which ``data`` it holds."""
    shapes, components = msgspec.json.schema_components(
        KINDS.values(), ref_template="#/$defs/{name}"
    )
    envelope = {
        "specversion": {"const": "1.0"},
        "id": _TEXT | {"description": "With source, the name of this event."},
        "source": _TEXT | {"description": "queue/NAME or fleet/NAME: each has its own order."},
        "type": {"enum": [TYPE + kind for kind in KINDS]},
        "time": _TEXT | {"format": "date-time"},
        "subject": _TEXT | {"description": "The ticket, match or player that it is about."},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": SCHEMA},
        "data": {"type": "object"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "title": f"ReadyUp events, version {VERSION}",
        "type": "object",
        "properties": envelope,
        "required": [name for name in envelope if name != "subject"],
        "oneOf": [
            {"properties": {"type": {"const": TYPE + kind}, "data": shape}}
            for kind, shape in zip(KINDS, shapes, strict=True)
        ],
        "$defs": components,
    }
