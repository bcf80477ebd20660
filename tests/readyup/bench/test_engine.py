"""The engine's benchmarks, small: what they measure is there, and can be drawn."""

from readyup.bench.engine import EngineSettings, bench_engine
from readyup.bench.engine_told import (
    engine_picture,
    engine_text,
    frontier_picture,
    frontier_text,
)
from readyup.bench.frontier import FrontierSettings, bench_frontier


def test_every_game_is_measured_beside_its_baseline():
    figures = bench_engine(EngineSettings(tickets_max=1_000, passes=1))

    rows = {row["game"]: row for row in figures["rows"]}
    assert set(rows) == {"duel", "squads", "royale"}
    for row in rows.values():
        assert row["matched_share"] > row["baseline"]["matched_share"]
    # The baseline finds one royale of the nearest, and nothing for the other nineteen.
    for game in ("duel", "squads"):
        assert rows[game]["quality"] > rows[game]["baseline"]["quality"]
    assert "duel" in engine_text(figures)
    assert engine_picture(figures).count("<svg") == 1


def test_the_dial_trades_waiting_for_quality():
    settings = FrontierSettings(
        seconds=60, games=("duel",), dials_s=(0.0, 60.0), batches_s=(20,), seed=3
    )

    figures = bench_frontier(settings)

    at_once, patient = (row for row in figures["rows"] if row["policy"] == "dial")
    assert patient["quality"] > at_once["quality"]
    assert patient["wait_s_mean"] > at_once["wait_s_mean"]
    assert "batch" in frontier_text(figures)
    assert frontier_picture(figures).count("</svg>") == 2
