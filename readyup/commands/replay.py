"""``readyup replay``: what a queue's directors did, once more, or under other rules."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from core.errors import Invalid
from matchmaker.comparison import Comparison, Distribution, compare
from matchmaker.recording import Recording, queues_in, recorded
from matchmaker.replay import Rerun, rerun
from matchmaker.rules import files
from readyup.commands.options import refuse_file

SHARES = (0.5, 0.9, 0.99)


def replay(
    log: Path,
    /,
    *,
    queue: str = "",
    rules: Path | None = None,
    wait_for_quality_s: float = 0.0,
    plot: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run every recorded pass again and compare: the same people make the same matches.

    With --rules, let the same people arrive again under those rules and show what they would
    have waited for, and for how good a match. Exits with 1 when a pass comes out otherwise.

    Args:
        log: What readyup record wrote, or the demo; with --rules also the history of a run.
        queue: Whose passes; without it those of the first queue that the log tells of.
        rules: Rules to compare with, FlexMatch's JSON or our YAML.
        wait_for_quality_s: The dial beside these rules; see the queue's setting.
        plot: Draw the comparison to this SVG file.
        json: Print the figures as JSON.
    """
    try:
        refuse_file("--plot", plot)
        recording = _recording(log, queue)
        if rules is None:
            return _again(recording, as_json=json)
        whole = files.load(_text(rules))
        found = compare(recording, whole, wait_s=wait_for_quality_s)
    except Invalid as wrong:
        print(f"readyup replay: {wrong}", file=sys.stderr)
        return 1
    if plot is not None:
        from readyup.replay_plot import picture

        plot.write_text(picture(f"{recording.queue} under {rules.name}", found), "utf-8")
    told = {"queue": recording.queue, **_told(found)}
    lines = (f"{recording.queue} under {rules.name}", *_lines(found))
    print(msgspec.json.encode(told).decode() if json else "\n".join(lines))
    return 0


def _recording(log: Path, queue: str) -> Recording:
    """The queue that was asked for, or the first; of others there is a word on stderr."""
    lines = list(_events(log))
    there = queues_in(lines)
    recording = recorded(lines, queue or next(iter(there), "duel"))
    others = ", ".join(name for name in there if name != recording.queue)
    if others and not queue:
        print(f"the log also tells of {others}; --queue names one", file=sys.stderr)
    return recording


def _again(recording: Recording, *, as_json: bool) -> int:
    if not recording.passes:
        raise Invalid("no passes are in it; readyup record writes them, or give --rules")
    outcome = rerun(recording)
    told = {"queue": recording.queue, **_rerun(outcome)}
    lines = f"{recording.queue}: " + "\n".join(_told_of(outcome))
    print(msgspec.json.encode(told).decode() if as_json else lines)
    return 0 if outcome.first is None else 1


def _rerun(outcome: Rerun) -> dict[str, object]:
    first = outcome.first
    return {
        "same": first is None,
        "passes": outcome.passes,
        "matches": outcome.matches,
        "unjudged": outcome.unjudged,
        "first": None
        if first is None
        else {"now_ms": first.record.now_ms, "applied": first.record.applied, "what": first.what},
    }


def _told_of(outcome: Rerun) -> Iterator[str]:
    yield f"{outcome.passes} passes made the same {outcome.matches} matches again"
    for why, many in outcome.unjudged.items():
        yield f"{many} passes were not judged: {why}"
    if outcome.first is not None:
        at = outcome.first.record
        yield f"DIFFERENT  the pass at {at.now_ms}, after {at.applied}: {outcome.first.what}"


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
            "matched": one.matched(),
            "wait_s": {_percent(share): round(one.wait_s(share), 3) for share in SHARES},
            "quality": {_percent(share): round(one.quality(share), 4) for share in SHARES},
        }

    return {
        "tickets": found.tickets,
        "rejected": found.rejected,
        "recorded": side(found.then),
        "replayed": side(found.now),
    }


def _lines(found: Comparison) -> list[str]:
    then, now = found.then, found.now
    rows: list[tuple[str, ...]] = [
        ("", "recorded", "replayed"),
        ("matches", f"{then.matches}", f"{now.matches}"),
        ("tickets matched", f"{then.matched()}", f"{now.matched()}"),
    ]
    for share in SHARES:
        waits = (f"{one.wait_s(share):.2f} s" for one in (then, now))
        rows.append((f"wait {_percent(share)}", *waits))
    for share in SHARES:
        qualities = (f"{one.quality(share):.3f}" for one in (then, now))
        rows.append((f"quality {_percent(share)}", *qualities))
    told = [f"{name:16}{left:>12}{right:>12}" for name, left, right in rows]
    rejected = f"; {found.rejected} could never be matched under these rules"
    return [
        f"{found.tickets} tickets{rejected if found.rejected else ''}",
        *told,
        "quality is by the measure of the rules compared with; p90 is what 90 % reach",
    ]


def _percent(share: float) -> str:
    return f"p{share * 100:g}"
