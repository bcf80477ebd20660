"""Where spans go: nowhere unless asked, and a missing package is named with its cure."""

import sys

import pytest

from core.errors import Invalid
from core.telemetry import OFF, TelemetrySettings
from readyup.wiring.traces import open_traces

SETTINGS = TelemetrySettings(endpoint="http://127.0.0.1:1")


def test_without_the_package_the_error_names_the_cure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "core.opentelemetry", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(Invalid, match=r"pip install readyup\[telemetry\]"):
        open_traces(SETTINGS, role="api", name="api-1")


def test_without_an_endpoint_there_is_nothing_to_install():
    assert open_traces(TelemetrySettings(), role="api", name="api-1") is OFF
