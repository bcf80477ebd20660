"""``readyup replay``: the same hour under other rules, read from the log of a run."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from core.errors import Invalid
from matchmaker.replay import Comparison, Distribution, compare, recorded
from matchmaker.rules import flexmatch

SHARES = (0.5, 0.9, 0.99)


def replay(
    log: Path,
    /,
    *,
    rules: Path,
    queue: str = "duel",
    lifetime_s: float = 600.0,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Let everybody of a recorded run arrive again, under other rules, and compare.

    Args:
        log: The history of a run, as the demo keeps it.
        rules: A FlexMatch rule set.
        queue: Whose tickets.
        lifetime_s: Seconds for which a ticket waits that did not leave by itself.
        json: Print the figures as JSON.
    """
    try:
        whole = flexmatch.load(_text(rules))
        record = recorded(_events(log), queue, whole)
        found = compare(record, whole, lifetime_s=lifetime_s)
    except Invalid as wrong:
        print(f"readyup replay: {wrong}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(_told(found)).decode() if json else "\n".join(_lines(found)))
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise Invalid(f"{file}: {getattr(wrong, 'strerror', None) or wrong}") from wrong


def _events(log: Path) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for n, line in enumerate(_text(log).splitlines(), 1):
        try:
            yield decode(line)
        except msgspec.DecodeError as wrong:
            raise Invalid(f"{log} line {n}: {wrong}") from wrong


def _told(found: Comparison) -> dict[str, object]:
    def side(one: Distribution) -> dict[str, object]:
        return {
            "matches": one.matches,
            "matched": one.matched,
            "wait_s": {f"p{share * 100:g}": round(one.wait_s(share), 3) for share in SHARES},
            "quality": {"p10": round(one.quality(0.1), 4), "p50": round(one.quality(0.5), 4)},
        }

    return {
        "tickets": found.tickets,
        "rejected": found.rejected,
        "recorded": side(found.then),
        "replayed": side(found.now),
    }


def _lines(found: Comparison) -> list[str]:
    then, now = found.then, found.now
    rows: list[tuple[str, str, str]] = [
        ("", "recorded", "replayed"),
        ("matches", f"{then.matches}", f"{now.matches}"),
        ("tickets matched", f"{then.matched}", f"{now.matched}"),
        *(
            (f"wait p{share * 100:g}", f"{then.wait_s(share):.2f} s", f"{now.wait_s(share):.2f} s")
            for share in SHARES
        ),
        *(
            (f"quality p{share * 100:g}", f"{then.quality(share):.3f}", f"{now.quality(share):.3f}")
            for share in (0.1, 0.5)
        ),
    ]
    told = [f"{name:16}{left:>12}{right:>12}" for name, left, right in rows]
    rejected = f"; {found.rejected} could never be matched under these rules"
    return [f"{found.tickets} tickets{rejected if found.rejected else ''}", *told]
