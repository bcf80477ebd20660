"""Traces: off they are nothing, on they are whole, and a collector that is away is told of once."""

import subprocess
import sys
from collections.abc import Sequence

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from core.errors import Invalid
from core.opentelemetry import OpenTraces
from core.telemetry import OFF, TelemetrySettings, current_ids, well_formed, within

CLIENTS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
REFUSED = CLIENTS[:-2] + "00"
SETTINGS = TelemetrySettings(endpoint="http://127.0.0.1:1")


def traces(exporter: SpanExporter, settings: TelemetrySettings = SETTINGS) -> OpenTraces:
    return OpenTraces(settings, role="api", name="api-1", exporter=exporter)


LOOK = """
import sys, readyup.wiring.embedded, gameserver.arena.__main__, allocator.role
import matchmaker.api.service, matchmaker.director
print("core.opentelemetry" in sys.modules, "opentelemetry.exporter" in sys.modules)
"""


def test_off_nothing_of_ours_imports_opentelemetry():
    """redis-py has a look at its metrics, where it is installed; nobody else has."""
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False False"


def test_off_every_traceparent_is_empty():
    with OFF.entering("ticket.enqueue", CLIENTS) as ours:
        OFF.span("queue.wait", CLIENTS, began_us=1, ended_us=2)

        assert (ours, current_ids(), OFF.on) == ("", {}, False)


def test_a_clients_trace_is_continued_and_handed_on():
    told = InMemorySpanExporter()
    ours = traces(told)
    with ours.entering("ticket.enqueue", CLIENTS, queue="duel") as kept:
        ours.span("queue.wait", kept, began_us=1_000, ended_us=3_000)
    ours.close()
    wait, enqueue = told.get_finished_spans()

    assert kept.split("-")[1] == CLIENTS.split("-")[1]
    assert f"{enqueue.context.span_id:016x}" == kept.split("-")[2]
    assert f"{enqueue.parent.span_id:016x}" == CLIENTS.split("-")[2]
    assert wait.parent.span_id == enqueue.context.span_id
    assert (wait.start_time, wait.end_time) == (1_000_000, 3_000_000)
    assert enqueue.attributes == {"readyup.queue": "duel"}
    assert enqueue.resource.attributes["service.name"] == "readyup-api"


def test_what_is_no_traceparent_starts_a_new_trace():
    told = InMemorySpanExporter()
    ours = traces(told)
    for wrong in (
        "",
        "x",
        CLIENTS.upper(),
        f"{CLIENTS}-more",
        CLIENTS.replace("00f067aa", "z" * 8),
    ):
        assert well_formed(wrong) == ""
        with ours.entering("ticket.enqueue", wrong):
            pass
    ours.close()

    assert [span.parent for span in told.get_finished_spans()] == [None] * 5


def test_a_ticket_that_is_not_sampled_is_told_by_nobody():
    told = InMemorySpanExporter()
    ours = traces(told, TelemetrySettings("http://127.0.0.1:1", sample_ratio=0.0))
    for client in ("", REFUSED):
        with ours.entering("ticket.enqueue", client) as kept:
            ours.span("queue.wait", kept, began_us=1, ended_us=2)

            assert kept == ""
    ours.close()

    assert told.get_finished_spans() == ()


def test_a_span_whose_two_clocks_disagree_does_not_end_before_it_began():
    told = InMemorySpanExporter()
    ours = traces(told)
    ours.span("server.ack", CLIENTS, began_us=9_000, ended_us=8_500)
    ours.close()
    (span,) = told.get_finished_spans()

    assert (span.start_time, span.end_time) == (9_000_000, 9_000_000)


def test_a_span_says_that_its_work_failed_and_not_with_what():
    told = InMemorySpanExporter()
    ours = traces(told)
    with pytest.raises(Invalid), ours.entering("ticket.enqueue", ""):
        raise Invalid("key rub_secret is wrong")
    ours.close()
    (span,) = told.get_finished_spans()

    assert span.status.description == "Invalid"
    assert "rub_secret" not in span.to_json()


def test_log_lines_know_the_trace_they_belong_to():
    with within(CLIENTS):
        inside = current_ids()

    assert inside == {
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
    }
    assert current_ids() == {}


class Moody(SpanExporter):
    """A collector that is away at first."""

    def __init__(self) -> None:
        self.moods = [SpanExportResult.FAILURE] * 3 + [SpanExportResult.SUCCESS] * 2
        self.asked = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked += 1
        return self.moods.pop(0)


def test_a_collector_that_is_away_is_told_of_once_and_once_more_when_it_is_back():
    moody = Moody()
    ours = traces(moody)
    with structlog.testing.capture_logs() as lines:
        for _ in range(5):
            ours.span("queue.wait", CLIENTS, began_us=1, ended_us=2)
            ours.flush()
        ours.close()

    assert [line["event"] for line in lines] == ["telemetry.lost", "telemetry.back"]


def test_at_the_end_nobody_waits_for_a_collector_that_is_away():
    moody = Moody()
    ours = traces(moody)
    with structlog.testing.capture_logs():
        ours.span("queue.wait", CLIENTS, began_us=1, ended_us=2)
        ours.flush()
        ours.span("queue.wait", CLIENTS, began_us=1, ended_us=2)
        ours.close()

    assert moody.asked == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"endpoint": "127.0.0.1:4318"}, "$.endpoint"),
        ({"sample_ratio": 1.5}, "$.sample_ratio"),
        ({"service_name": ""}, "$.service_name"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(wrong, field: str):
    with pytest.raises(Invalid) as refused:
        TelemetrySettings(**wrong)

    assert refused.value.field == field
