"""A small configuration that is right, to be changed."""

from collections.abc import Callable
from typing import Any

Table = dict[str, Any]


def table() -> Table:
    """A small configuration that is right."""
    return {
        "queues": {"duel": {"teams": ["red", "blue"], "team_size": 1, "fleet": "arena"}},
        "fleets": {"arena": {"command": ["{python}", "-m", "game"], "ports": "7000-7009"}},
    }


def issuer(**change: object) -> Table:
    """An issuer that is right, but for what is changed."""
    right = {"issuer": "https://id.test", "audience": "game", "jwks_url": "https://id.test/keys"}
    return {**right, **change}


def changed(change: Callable[[Table], object]) -> Table:
    made = table()
    change(made)
    return made
