"""``readyup bench engine`` and ``readyup bench frontier``: the matching engine by itself."""

import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any


async def _engine() -> dict[str, Any]:
    from readyup.bench.engine import EngineSettings, bench_engine

    return bench_engine(EngineSettings(), _progress)


async def _frontier() -> dict[str, Any]:
    from readyup.bench.frontier import FrontierSettings, bench_frontier

    return bench_frontier(FrontierSettings(), _progress)


def _progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _told(name: str) -> Callable[[Mapping[str, Any]], str]:
    def told(figures: Mapping[str, Any]) -> str:
        from readyup.bench import engine_told

        text: str = getattr(engine_told, name)(figures)
        return text

    return told


MEASURING: Mapping[str, Callable[[], Coroutine[Any, Any, dict[str, Any]]]] = {
    "engine": _engine,
    "frontier": _frontier,
}
"""How they are measured."""

TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "engine": _told("engine_text"),
    "frontier": _told("frontier_text"),
}
"""How their figures are told."""

PICTURES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "engine": _told("engine_picture"),
    "frontier": _told("frontier_picture"),
}
"""How they are drawn."""
