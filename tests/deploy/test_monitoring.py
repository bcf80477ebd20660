"""What the chart gives to the Prometheus operator and to Grafana."""

import json

import pytest
import yaml

from tests.deploy import helm
from tests.monitoring.test_rules import RULES

ON = [f"monitoring.{part}.enabled=true" for part in ("podMonitor", "rules", "dashboards")]
ON += ["events.enabled=true"]


@pytest.fixture(scope="module")
def documents() -> list[helm.Document]:
    sets = [
        word
        for one in (*ON, "monitoring.rules.runbooks=https://ops.test/")
        for word in ("--set", one)
    ]
    text = helm.run("template", "readyup", str(helm.CHART), "--namespace", "readyup", *sets)
    return helm.documents(text)


def of(documents: list[helm.Document], kind: str) -> list[helm.Document]:
    return [one for one in documents if one["kind"] == kind]


def test_the_rules_are_the_plain_file_with_runbooks_where_they_are_read(
    documents: list[helm.Document],
):
    (rule,) = of(documents, "PrometheusRule")
    plain = RULES.read_text("utf-8").replace("docs/runbooks/", "https://ops.test/")

    assert rule["spec"] == yaml.safe_load(plain)


def test_every_role_is_scraped_at_its_admin_port(documents: list[helm.Document]):
    (monitor,) = of(documents, "PodMonitor")
    (by,) = monitor["spec"]["selector"]["matchExpressions"]
    roles = {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: [
            port["name"] for port in one["spec"]["template"]["spec"]["containers"][0]["ports"]
        ]
        for one in of(documents, "Deployment")
    }

    assert set(by["values"]) == set(roles)
    assert all(
        monitor["spec"]["podMetricsEndpoints"][0]["port"] in ports for ports in roles.values()
    )


def test_grafana_finds_each_board_by_its_label(documents: list[helm.Document]):
    boards = [
        one
        for one in of(documents, "ConfigMap")
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]
    uids = {json.loads(text)["uid"] for one in boards for text in one["data"].values()}

    assert uids == {file.stem for file in RULES.parent.glob("dashboards/*.json")}
