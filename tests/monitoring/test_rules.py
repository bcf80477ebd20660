"""The alerts, by `promtool` of Prometheus: each fires for what it was made for, and clears."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.scenes import SCENES, Scene

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


def _written(file: Path, interval: str, scenes: list[Scene]) -> Path:
    tests = [
        {
            "interval": "15s",
            "input_series": [{"series": s, "values": v} for s, v in scene.series.items()],
            "promql_expr_test": [
                _firing(scene.alert, scene.severity, scene.fires, [{"labels": "{}", "value": 1}]),
                _firing(scene.alert, scene.severity, scene.clear, []),
            ],
        }
        for scene in scenes
    ]
    asked = {"rule_files": [str(RULES)], "evaluation_interval": interval, "tests": tests}
    file.write_text(yaml.safe_dump(asked))
    return file


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
