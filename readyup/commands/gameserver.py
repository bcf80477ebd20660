"""``readyup gameserver``: a game server by name."""

from typing import Literal


def gameserver(game: Literal["arena"] = "arena") -> int:
    """Run the example game; it reads its place from the environment a fleet gives it.

    Args:
        game: Which game; arena is the one that ships.
    """
    assert game == "arena"
    from gameserver.arena.__main__ import main

    return main()
