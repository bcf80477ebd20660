"""Takes out of a log what a failover of the store took back.

What was read from a primary and never reached its successor did not happen: nobody was told
of it. Witnesses of their own, as bots and servers are, speak up in the same log if somebody
was, and the checker hears them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec


def withdraw(forgotten: Mapping[str, Sequence[str]], log: Path) -> int:
    """Remove events, by source and id; returns how many.

    An id may come twice, when the successor wrote under it too. What came later stands.
    """
    left = Counter((src, entry) for src, entries in forgotten.items() for entry in entries)
    if not left:
        return 0
    kept, removed = log.with_suffix(".kept"), 0
    with log.open("rb") as lines, kept.open("wb") as target:
        for line in lines:
            said = msgspec.json.decode(line, type=dict[str, Any])
            place = (str(said["src"]), str(said.get("i", "")))
            if left[place] > 0:
                left[place] -= 1
                removed += 1
            else:
                target.write(line)
    kept.replace(log)
    return removed
