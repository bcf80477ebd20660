"""``readyup bench``: the benchmarks, each beside its baseline."""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from core.errors import Invalid, ReadyUpError
from readyup.commands.process import configure_logging, loop_factory, our_errors
from readyup.settings import load


def bench(
    what: Literal["idle"] = "idle",
    /,
    *,
    matches: int = 400,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Measure, on this machine, with every part the real one.

    Args:
        what: idle: enqueue to pushed assignment on an idle queue with warm servers.
        matches: How many are measured.
        json: Print the figures as JSON.
    """
    from readyup.bench.idle import IdleSettings, bench_idle

    assert what == "idle"
    configure_logging(as_json=False, level=logging.WARNING)
    try:
        if not 1 <= matches <= 5_000:
            raise Invalid(f"--matches: {matches} is outside 1 to 5000")
        with (
            tempfile.TemporaryDirectory(prefix="readyup-bench-") as folder,
            asyncio.Runner(loop_factory=loop_factory()) as runner,
        ):
            settings = IdleSettings(matches=matches)
            figures = runner.run(bench_idle(load(), settings, Path(folder)))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            print(f"readyup bench: {error}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(figures).decode() if json else _text(figures))
    return 0


def _text(figures: Mapping[str, Any]) -> str:
    ran_on, floor = figures["machine"], figures["floor_ms"]
    rows = {
        "machine": f"{ran_on['processor']}, {ran_on['cores']} cores, {ran_on['system']}, "
        f"Python {ran_on['python']}, load before {ran_on['load_before']}",
        "measured": f"{figures['matches']} duels one by one, {figures['servers']} game servers, "
        "a process for each role, clients on the same machine",
        "enqueue to assignment": _row(figures["enqueue_to_assignment_ms"]),
        "floor": f"{floor['sum']:.2f} ms: a frame there and back {floor['frame']['p50']:.2f}, "
        f"five empty scripts {5 * floor['script']['p50']:.2f}",
        "ratio to floor": f"{figures['ratio_to_floor']:.2f} (of the medians)",
        "claim, in the director": _row(figures["claim_in_director_ms"]),
        "claim alone": _row(figures["claim_alone_ms"]),
        "acknowledged": f"{figures['acknowledged_share']:.1%} of {figures['claims']} claims",
    }
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())


def _row(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.2f} ms" for name, value in values.items())
