"""A game server's log lines: an event and its facts, for people or, told so, as JSON.

By the standard library alone, for what a game server need not import starts it sooner. The
fields are those of the service's own lines.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

_ALWAYS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class EventFormatter(logging.Formatter):
    """One line for a record: its message is the event, its ``extra`` the facts."""

    def __init__(self, *, as_json: bool, name: str) -> None:
        super().__init__()
        self._as_json = as_json
        self._name = name

    def format(self, record: logging.LogRecord) -> str:
        facts = {key: fact for key, fact in vars(record).items() if key not in _ALWAYS}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        event, level = record.getMessage(), record.levelname.lower()
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if self._as_json:
            who = {"role": "gameserver", "name": self._name}
            line = {**who, **facts, "event": event, "level": level, "timestamp": at}
            return json.dumps(line, default=str)
        return " ".join([at, f"[{level}]", event, *(f"{key}={facts[key]}" for key in facts)])


def configure_logging(environ: Mapping[str, str]) -> None:
    """Lines to stderr; as JSON when READYUP_LOG_JSON is 1."""
    handler = logging.StreamHandler()
    as_json = environ.get("READYUP_LOG_JSON") == "1"
    name = environ.get("READYUP_SERVER_NAME", "")
    handler.setFormatter(EventFormatter(as_json=as_json, name=name))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
