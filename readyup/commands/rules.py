"""``readyup rules``: a rule set checked, tried in virtual time, or brought from elsewhere."""

import json as json_text
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TextIO

from cyclopts import App, Parameter

from core.errors import Invalid
from matchmaker.arrivals import Arrival, arrival
from matchmaker.offline import Outcome, run
from matchmaker.rules import files
from matchmaker.rules.native import RulesFile
from matchmaker.rules.reading import Problem

Source = Literal["native", "playfab", "unity"]
Readable = Annotated[Path, Parameter(allow_leading_hyphen=True)]
"""A file, or - for standard input."""

rules = App(
    name="rules", help="Check a rule set, try it on tickets in virtual time, or import one."
)


@rules.command
def check(file: Readable, *, json: bool = False) -> int:
    """Say what is wrong with a rule set, and what may surprise. Exit 1 when it cannot run.

    Args:
        file: A FlexMatch rule set, JSON with or without comments, or a rules file in YAML;
            - reads standard input.
        json: Print {"ok", "problems": [{"path", "severity", "message"}]}.
    """
    try:
        whole, problems = files.checked(_text(file))
    except Invalid as wrong:
        whole, problems = None, [Problem("$", "error", str(wrong))]
    if json:
        told = [
            {"path": one.path, "severity": one.severity, "message": one.message} for one in problems
        ]
        _print({"ok": whole is not None, "problems": told})
    else:
        for one in problems:
            _say(f"{one.severity:7}  {one.path}: {one.message}")
        _say(f"{file}: {'it runs' if whole is not None else 'it cannot run'}")
    return 0 if whole is not None else 1


@rules.command
def simulate(
    file: Readable,
    *,
    tickets: Readable,
    until: float | None = None,
    seed: int = 1,
    json: bool = False,
) -> int:
    """Match tickets under a rule set, in virtual time, each match as early as it may be.

    Args:
        file: A FlexMatch rule set, or a rules file in YAML; - reads standard input.
        tickets: One ticket on each line: {"id", "at_s", "cancel_at_s"?, "players":
            [{"id", "attributes": {...}, "latency_ms": {"region": 40}}]}; - reads standard input.
        until: Seconds after which nothing more happens; without it, until nothing can.
        seed: Decides where a crowd is too large to be searched to the end.
        json: Print {"matches", "waiting", "rejected"}.
    """
    try:
        if str(file) == str(tickets) == "-":
            raise Invalid("rules and tickets are both -; write one of them to a file")
        whole = files.load(_text(file))
        outcome = run(whole, list(_arrivals(tickets)), until_s=until, seed=seed)
    except Invalid as wrong:
        _say(f"readyup rules simulate: {wrong}", sys.stderr)
        return 1
    if json:
        _print(_told(outcome))
    else:
        _say(_for_people(outcome))
    return 0


@rules.command(name="import")
def import_(file: Readable, *, from_: Annotated[Source, Parameter("--from")]) -> int:
    """Print the FlexMatch rule set that says what another matchmaker's rules say.

    What FlexMatch has no word for goes to standard error, with its place.

    Args:
        file: A rules file of ours (native), a queue of PlayFab or a pool of Unity; - reads
            standard input.
        from_: Whose rules they are.
    """
    from matchmaker.rules import importing, native

    try:
        text = _text(file)
        if from_ == "native":
            return _meant(native.read(text))
        draft = importing.imported(text, from_)
    except Invalid as wrong:
        _say(f"readyup rules import: {wrong}", sys.stderr)
        return 1
    for warning in draft.warnings:
        _say(f"warning  {warning}", sys.stderr)
    print(json_text.dumps(draft.document(), indent=2))
    return 0


def _meant(found: RulesFile) -> int:
    for one in found.problems:
        _say(f"{one.severity:7}  {one.path}: {one.message}", sys.stderr)
    if found.rules is None:
        return 1
    print(found.text)
    return 0


def _told(outcome: Outcome) -> dict[str, object]:
    return {
        "matches": [
            {"time_s": round(made.time_s, 6), "teams": made.teams, "quality": made.quality}
            for made in outcome.matches
        ],
        "waiting": outcome.waiting,
        "rejected": [
            {"ticket": ticket, "reason": reason} for ticket, reason in outcome.rejected.items()
        ],
    }


def _for_people(outcome: Outcome) -> str:
    lines = []
    for made in outcome.matches:
        teams = "  ".join(f"{team}: {', '.join(who)}" for team, who in made.teams.items())
        lines.append(f"{made.time_s:8.1f} s  quality {made.quality:.2f}  {teams}")
    lines += [f"waiting     {', '.join(outcome.waiting) or 'nobody'}"]
    lines += [f"rejected    {ticket}: {reason}" for ticket, reason in outcome.rejected.items()]
    return "\n".join(lines)


def _print(answer: object) -> None:
    # In ASCII, which every terminal and every half of a broken surrogate pair survives.
    print(json_text.dumps(answer))


def _say(text: str, to: TextIO | None = None) -> None:
    """A line for people; what the terminal cannot show stands there escaped."""
    to = to or sys.stdout
    coding = to.encoding or "utf-8"
    print(text.encode(coding, "backslashreplace").decode(coding), file=to)


def _text(file: Path) -> str:
    try:
        found = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return found.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is no UTF-8 text"
        raise Invalid(f"{file}: {reason}") from wrong


def _arrivals(file: Path) -> Iterator[Arrival]:
    name = "standard input" if str(file) == "-" else str(file)
    first: dict[str, int] = {}
    for n, line in enumerate(_text(file).split("\n"), 1):
        if line.strip():
            try:
                came = arrival(line)
                before = first.setdefault(came.id, n)
                if before != n:
                    raise Invalid(
                        f"is {came.id!r}, as on line {before}; give each ticket its own",
                        field="$.id",
                    )
                yield came
            except Invalid as wrong:
                raise Invalid(f"{name} line {n}: {wrong.field}: {wrong}") from wrong
