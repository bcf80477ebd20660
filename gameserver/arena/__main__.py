"""The example game as a process: ``python -m gameserver.arena``, started by its fleet.

ARENA_SECONDS says how long a match lasts by queue, e.g. ``{"duel": 3, "squad": 8}``, and
ARENA_DSCP how datagrams are marked, 0 to 63; docs/practices.md says for whom.
"""

import json
import os
from typing import Final

from core import dice
from core.errors import Invalid
from core.ids import QueueName
from gameserver.arena.server import ArenaServer
from gameserver.environment import Environment
from gameserver.process import run_server

SECONDS_DEFAULT: Final = 10.0
_NAME: Final = "ARENA_SECONDS"
_DSCP: Final = "ARENA_DSCP"


def read_seconds(text: str) -> dict[QueueName, float]:
    """How long a match of each queue lasts.

    Raises:
        Invalid: not a JSON object of positive numbers.
    """
    try:
        seconds = {QueueName(name): float(value) for name, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as wrong:
        raise Invalid(f'{_NAME} is {text!r}; write it like {{"duel": 3}}', field=_NAME) from wrong
    if not all(0 < value < float("inf") for value in seconds.values()):
        raise Invalid(f"{_NAME} is {text!r}; a match lasts longer than 0 s", field=_NAME)
    return seconds


def read_dscp(text: str) -> int:
    """A differentiated services code point.

    Raises:
        Invalid: no number from 0 to 63.
    """
    if not (text.isascii() and text.isdigit() and int(text) < 64):
        raise Invalid(f"{_DSCP} is {text!r}; write 0 to 63, e.g. 46", field=_DSCP)
    return int(text)


def _make(environment: Environment) -> ArenaServer:
    return ArenaServer(
        environment.bind_address,
        environment.port,
        seconds=read_seconds(os.environ.get(_NAME) or "{}"),
        seconds_default=SECONDS_DEFAULT,
        chance=dice.unguessable(),
        dscp=read_dscp(os.environ.get(_DSCP) or "0"),
    )


def main() -> int:
    """Serve until told to stop; returns the exit code."""
    return run_server(_make)


if __name__ == "__main__":
    raise SystemExit(main())
