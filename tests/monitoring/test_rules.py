"""The alerts, by `promtool` of Prometheus: each fires for what it was made for, and clears."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.scenes import REPAIRS, SCENES, F, Scene

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "chart" / "files" / "monitoring" / "rules.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = (
    "What it means",
    "What players feel",
    "How to check",
    "What to do",
    "When it clears",
)

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: apt-get install prometheus"
)


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]
ONE = [{"labels": "{}", "value": 1}]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, check=False, timeout=55
    )


@needs_promtool
def test_the_rules_are_valid():
    done = promtool("check", "rules", RULES)

    assert done.returncode == 0, done.stderr


@needs_promtool
@pytest.mark.slow
def test_each_alert_fires_and_clears(tmp_path: Path):
    files = [
        _written(tmp_path / "minutes.yaml", "15s", [one for one in SCENES if not one.hours]),
        _written(tmp_path / "hours.yaml", "1m", [one for one in SCENES if one.hours]),
    ]

    done = promtool("test", "rules", *files)

    assert done.returncode == 0, done.stdout + done.stderr
    assert {scene.alert for scene in SCENES} == {rule["alert"] for rule in ALERTS}


@needs_promtool
def test_matches_that_leave_a_drained_node_are_no_repair_unless_they_are_lost(tmp_path: Path):
    left = ("server-leaves-hand-over", "server-leaves-move", "node-drained-close")
    planned = {f'{REPAIRS}{{{F}, kind="{kind}"}}': "_x4 1x20" for kind in left}
    lost = {f'{REPAIRS}{{{F}, kind="node-drained-end"}}': "_x4 1x20"}
    tests = [
        _asked(series, [_firing("ReadyUpRepairs", "warning", "2m", samples)])
        for series, samples in ((planned, []), (planned | lost, ONE))
    ]

    done = promtool("test", "rules", _file(tmp_path / "drain.yaml", "15s", tests))

    assert done.returncode == 0, done.stdout + done.stderr


def _written(file: Path, interval: str, scenes: list[Scene]) -> Path:
    tests = [
        _asked(
            scene.series,
            [
                _firing(scene.alert, scene.severity, scene.fires, ONE),
                _firing(scene.alert, scene.severity, scene.clear, []),
            ],
        )
        for scene in scenes
    ]
    return _file(file, interval, tests)


def _file(file: Path, interval: str, tests: list[dict[str, Any]]) -> Path:
    asked = {"rule_files": [str(RULES)], "evaluation_interval": interval, "tests": tests}
    file.write_text(yaml.safe_dump(asked))
    return file


def _asked(series: dict[str, str], expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": "15s",
        "input_series": [{"series": s, "values": v} for s, v in series.items()],
        "promql_expr_test": expected,
    }


def _firing(alert: str, severity: str, at: str, samples: list[dict[str, Any]]) -> dict[str, Any]:
    which = f'alertname="{alert}", alertstate="firing", severity="{severity}"'
    return {"expr": f"count(ALERTS{{{which}}})", "eval_time": at, "exp_samples": samples}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_the_cure_and_where_to_read_on(rule: dict[str, Any]):
    told = rule["annotations"]

    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.fullmatch(r".{30,}[:;,].{10,}\.", told["summary"])
    assert told["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_a_runbook_answers_the_five_questions(rule: dict[str, Any]):
    text = (RUNBOOKS / f"{rule['alert']}.md").read_text("utf-8")

    assert text.startswith(f"# {rule['alert']}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == list(SECTIONS)


def test_there_is_no_runbook_without_an_alert():
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}

    assert pages == {rule["alert"] for rule in ALERTS}
