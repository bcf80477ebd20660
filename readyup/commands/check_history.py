"""``readyup check-history``: prove the invariants on the log of a run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from core.errors import Invalid
from core.words import many
from readyup.history.check import Verdict, check


def check_history(
    file: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Judge the log of a run: prints each promise, and the first events that break one.

    Exits with 0 when everything is proved, 1 on a breach, 2 when the log cannot be judged:
    it is not there, a line is garbled, or it is no whole run.

    Args:
        file: The log, history.jsonl in the run's folder.
        json: Print the verdict as JSON.
    """
    try:
        verdict = check(file)
    except OSError as lost:
        return _cannot(f"{file}: {lost.strerror or lost}; give the log of a run", json)
    except Invalid as wrong:
        return _cannot(str(wrong), json)
    if json:
        print(msgspec.json.encode(as_dict(verdict)).decode())
    else:
        print("\n".join(_text(verdict)))
    return verdict.exit_code


def as_dict(verdict: Verdict) -> dict[str, object]:
    """The verdict as programs read it."""
    return {
        "events": verdict.events,
        "breaches": [
            {
                "invariant": breach.invariant,
                "detail": breach.detail,
                "events": verdict.lines.get(breach, []),
            }
            for breach in verdict.breaches
        ],
        "untold": verdict.untold,
        "judged": verdict.judged,
        "missing": list(verdict.missing),
        "remarks": list(verdict.remarks),
    }


def _cannot(why: str, json: bool) -> int:
    answer = {"error": why}
    print(msgspec.json.encode(answer).decode() if json else f"cannot be judged: {why}")
    return 2


def _text(verdict: Verdict) -> Iterator[str]:
    for breach in verdict.breaches:
        yield f"BREACH  {breach.invariant}"
        yield f"        {breach.detail}"
        for event in verdict.lines.get(breach, []):
            yield f"          {msgspec.json.encode(event).decode()}"
        yield ""
    for title, judged in verdict.judged.items():
        broken = sum(breach.invariant == title for breach in verdict.breaches)
        word = many(broken, "breach", "es") if broken else "holds" if judged else "not judged"
        yield f"{word:>12}  {title} ({judged:,} judged)"
    breaches = len(verdict.breaches) + verdict.untold
    yield f"{many(breaches, 'breach', 'es')} in {many(verdict.events, 'event')}"
    yield from verdict.remarks
    for reason in verdict.missing:
        yield f"this log is no whole run: {reason}"
