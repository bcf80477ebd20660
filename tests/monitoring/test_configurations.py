"""The examples beside the rules: each can be read, and says what it means to."""

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from core.telemetry import within
from deploy.monitoring.targets import targets
from readyup.commands.process import configure_logging
from tests.monitoring.test_rules import ALERTS, ROOT

FOLDER = ROOT / "deploy" / "monitoring"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CRI = re.compile("(?P<time>.+?) (?P<stream>stdout|stderr) (?P<_p>F|P) (?P<log>.*)")
"""How the runtime writes a line of ours, and what Fluent Bit calls its parts."""


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def test_prometheus_finds_the_rules_from_where_its_configuration_is():
    (rules,) = read("prometheus.yaml")["rule_files"]

    assert (FOLDER / rules).resolve().is_file()


def test_targets_are_the_processes_that_live(tmp_path: Path):
    admin = tmp_path / "admin"
    admin.mkdir()
    (admin / "director-1").write_text("http://127.0.0.1:4711\n")
    (admin / "api-1").write_text("")  # begins just now

    assert json.loads(targets(tmp_path)) == [
        {"targets": ["127.0.0.1:4711"], "labels": {"instance": "director-1", "role": "director"}}
    ]


def test_the_collector_guards_its_memory_first_and_batches_last():
    collector = read("otel-collector.yaml")
    (pipeline,) = collector["service"]["pipelines"].values()

    assert pipeline["processors"][0] == "memory_limiter"
    assert pipeline["processors"][-1] == "batch"
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) == set(collector[part])


def test_the_collector_decides_well_after_a_slow_ticket_has_waited():
    sampling = read("otel-collector.yaml")["processors"]["tail_sampling"]
    (slow,) = [one["latency"] for one in sampling["policies"] if one["type"] == "latency"]

    assert int(sampling["decision_wait"].removesuffix("s")) * 1000 >= 3 * slow["threshold_ms"]


def test_what_fluent_bit_takes_from_a_line_is_in_ours(capsys: pytest.CaptureFixture[str]):
    configure_logging(as_json=True, role="events", name="events-1")
    with within(TRACE):
        structlog.get_logger("readyup.test").info(
            "events.tells", stream="{q:duel}:log", match="duel.1", ticket="duel.2"
        )
    said = capsys.readouterr().err.rstrip()
    outer = CRI.fullmatch(f"2026-11-22T09:00:00.000000000Z stderr F {said}")
    assert outer is not None
    line = json.loads(outer["log"])
    text = read("fluent-bit.yaml")["config"]
    taken = set(re.findall(r"=\$(\w+)", text["outputs"])) - {"kubernetes"}
    removed = set(re.findall(r"Remove_key +(\w+)", text["filters"]))

    assert taken <= line.keys()
    assert removed == outer.groupdict().keys() - {"time", "log"}
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta()


def test_no_id_is_a_label_in_loki():
    (labels,) = [
        line.split(None, 1)[1]
        for line in read("fluent-bit.yaml")["config"]["outputs"].splitlines()
        if line.split()[:1] == ["Labels"]
    ]

    assert {pair.partition("=")[0].strip() for pair in labels.split(",")} == {
        *("job", "namespace", "role", "level")
    }


@pytest.mark.skipif(shutil.which("amtool") is None, reason="no amtool: prometheus-alertmanager")
@pytest.mark.parametrize("rule", ALERTS[:2], ids=lambda rule: rule["labels"]["severity"])
def test_critical_alerts_wake_somebody(rule: dict[str, Any]):
    severity = rule["labels"]["severity"]
    done = subprocess.run(
        [
            *("amtool", "config", "routes", "test"),
            f"--config.file={FOLDER / 'alertmanager.yaml'}",
            *(f"alertname={rule['alert']}", f"severity={severity}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.strip() == {"critical": "on-call", "warning": "by-day"}[severity]
