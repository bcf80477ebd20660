"""``readyup capacity``: rows of one shape, ours first, and what is wrong names its cure."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from readyup.commands.capacity import capacity

ROWS = "".join(f"{n * 60},{5 + n % 3}\n" for n in range(60))
FIELDS = [
    "name",
    "claims",
    "cold_share",
    "cold_wait_s",
    "idle_server_hours",
    "peak_servers",
    "scale_actions",
]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "hour.csv"
    path.write_text("at_s,claims\n" + ROWS)
    return path


def test_json_has_our_row_first_and_the_rivals_as_they_were_named(trace: Path, capsys):
    rivals = "buffer:10@30,buffer:20%@1,playfab,holtwinters,oracle"
    code = capacity("backtest", trace, policies=rivals, json=True)
    table = json.loads(capsys.readouterr().out)

    assert code == 0
    assert list(table) == ["trace", "policies"]
    assert table["trace"] == str(trace)
    assert [row["name"] for row in table["policies"]] == ["readyup", *rivals.split(",")]
    assert all(list(row) == FIELDS for row in table["policies"])
    assert all(list(row["cold_wait_s"]) == ["p50", "p99"] for row in table["policies"])
    assert {row["claims"] for row in table["policies"]} == {sum(5 + n % 3 for n in range(3, 60))}


def test_a_table_is_printed_for_people(trace: Path, capsys):
    capacity("backtest", trace, policies="readyup,buffer:5")
    told = capsys.readouterr().out

    assert "lead time 90 s, sessions 900 s" in told
    assert told.count("readyup") == 1
    assert "buffer:5 " in told


def test_a_sweep_shows_the_frontier_and_the_plot_has_it(trace: Path, tmp_path: Path, capsys):
    picture = tmp_path / "plot.svg"
    capacity("backtest", trace, policies="oracle", sweep=True, plot=picture, json=True)
    table = json.loads(capsys.readouterr().out)

    costs = [row["cold_cost"] for row in table["frontier"]]
    assert costs == sorted(costs)
    assert [row["name"] for row in table["policies"]] == ["readyup", "oracle"]
    assert "<polyline" in picture.read_text()


def test_a_seed_draws_the_same_claims_again(trace: Path, capsys):
    told = []
    for seed in (1, 1, 2):
        capacity("backtest", trace, policies="buffer:5@1", seed=seed, json=True)
        told.append(capsys.readouterr().out)

    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"lead_time_s": 0.0}, "--lead-time-s: 0 is no use; write 0.1 to 86400"),
        ({"session_s": float("nan")}, "--session-s: nan is no use; write"),
        ({"cold_cost": -1.0}, "--cold-cost: -1 is no use; write"),
        ({"seed": -1}, "--seed: -1 is no use; write"),
        ({"jobs": 0}, "--jobs: 0 is no use; write"),
        ({"policies": "prophet"}, "there is no policy 'prophet'; write"),
        ({"plot": Path("no-such-folder/plot.svg")}, "--plot: there is no folder"),
    ],
)
def test_an_option_that_is_no_use_is_refused_with_the_cure(trace: Path, capsys, options, told):
    code = capacity("backtest", trace, **options)
    printed = capsys.readouterr()

    assert code == 2
    assert printed.out == ""
    assert told in printed.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory); name a CSV file"),
        (b"\xff\xfe\x00", "is no text; name a CSV file in UTF-8"),
        (b"at_s,claims\n0,1\n0,2\n", "line 3: at_s 0 is not after 0; sort the rows"),
    ],
)
def test_a_trace_that_is_none_is_refused_with_the_cure(tmp_path: Path, capsys, content, told):
    path = tmp_path / "trace.csv"
    if content is not None:
        path.write_bytes(content)

    assert capacity("backtest", path) == 2
    assert told in capsys.readouterr().err


def test_it_starts_without_what_only_a_service_needs():
    code = (
        "import sys, readyup.commands.capacity, fleets.capacity.backtest\n"
        "service = ('aiohttp', 'grpc', 'redis', 'kubernetes')\n"
        "print([name for name in service if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "[]"
