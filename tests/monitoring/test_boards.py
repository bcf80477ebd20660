"""The dashboards: what is committed is what the code builds, and each can be read and queried."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from deploy.monitoring.__main__ import FOLDER, written
from deploy.monitoring.boards import BOARDS
from deploy.monitoring.panels import WIDTH, Board, Panel, dashboard
from docs import generate
from tests.monitoring.test_rules import rules

UNITS = {"s", "short", "ops", "bytes", "percentunit"}
"""Each is an id of Grafana's own, as its package `@grafana/data` 13.2 lists them."""

PANELS = [(board, panel) for board in BOARDS for panel in board.panels()]
ROWS = 20

METRICS = (
    "matchmaker metrics", "allocator metrics", "fleets metrics", "agones metrics",
    "process metrics", "store metrics", "events metrics",
)  # fmt: skip


def known() -> set[str]:
    """Every series that we or the rules make, as the generated reference lists them."""
    tables = generate.tables()
    declared = re.findall(
        r"^\| `(\w+)` \| (\w+) ", "\n".join(tables[name] for name in METRICS), re.MULTILINE
    )
    series = {"process_cpu_seconds_total", "process_resident_memory_bytes", "up"}
    for name, kind in declared:
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        series |= {f"{name}{part}" for part in parts}
    return series | {rule["record"] for rule in rules() if "record" in rule}


def mentioned(expr: str) -> set[str]:
    return set(re.findall(r"(?<![\w:])(?:readyup[_:]\w[\w:]*|process_\w+|up(?={))", expr))


def test_what_is_committed_is_what_the_code_builds():
    committed = {file.name: file.read_text("utf-8") for file in FOLDER.glob("*.json")}

    assert committed == written(), "run python -m deploy.monitoring"


def test_titles_and_ids_are_unique_and_pages_short():
    assert len({board.uid for board in BOARDS}) == len({b.title for b in BOARDS}) == len(BOARDS)
    for board in BOARDS:
        titles = [panel.title for panel in board.panels()]
        assert len(titles) == len(set(titles)) <= ROWS


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=lambda one: one.title)
def test_a_panel_says_what_it_shows(board: object, panel: Panel):
    assert panel.unit in UNITS
    assert panel.about.endswith(".")
    assert all(query.legend for query in panel.queries)


def test_every_metric_that_is_asked_for_exists():
    asked = {
        name for _, panel in PANELS for query in panel.queries for name in mentioned(query.expr)
    }
    asked |= {name for rule in rules() for name in mentioned(rule["expr"])}

    assert asked - known() == set()


@pytest.mark.parametrize("board", BOARDS, ids=lambda one: one.uid)
def test_panels_fill_the_grid_and_do_not_overlap(board: Board):
    places = [one["gridPos"] for one in dashboard(board, BOARDS)["panels"]]
    cells = Counter(
        (x, y)
        for at in places
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    )

    assert set(cells.values()) == {1}
    assert {x for x, _ in cells} == set(range(WIDTH))
    assert {y for _, y in cells} == set(range(max(at["y"] + at["h"] for at in places)))


def test_the_datasource_is_the_readers_choice():
    for board in BOARDS:
        made = dashboard(board, BOARDS)
        sources = [one["datasource"]["uid"] for one in made["panels"] if one["type"] != "row"]
        assert set(sources) == {"${datasource}"}
        assert {"datasource", "namespace"} == {v["name"] for v in made["templating"]["list"]}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool")
def test_every_query_is_promql(tmp_path: Path):
    expressions = [query.expr for _, panel in PANELS for query in panel.queries]
    file = tmp_path / "queries.yaml"
    recorded = [
        {"record": f"query_{n}", "expr": expr.replace("$__rate_interval", "1m")}
        for n, expr in enumerate(expressions)
    ]
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))

    done = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
