"""Spans as OpenTelemetry makes and sends them: imported only where telemetry is on.

Spans wait in a queue of bounded size and are sent in batches by a thread of their own. A
collector that is away costs nothing but the spans: it is told of once, and once more when
it is back.
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from core.telemetry import Fact, TelemetrySettings, well_formed, within

SEND_S = 2.0
"""A collector that takes longer for a batch counts as away."""

EVERY_MS = 1_000
"""Between two batches."""

WAITING_MAX = 8_192
"""Spans; of more that wait the oldest are dropped."""

log = structlog.get_logger("readyup.telemetry")

_context = TraceContextTextMapPropagator()


class OpenTraces:
    """Tells spans to one collector."""

    on = True

    def __init__(
        self,
        settings: TelemetrySettings,
        *,
        role: str,
        name: str,
        exporter: SpanExporter | None = None,
    ) -> None:
        # It complains of each batch, with a traceback; we say it once, in our words.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        url = f"{settings.endpoint.rstrip('/')}/v1/traces"
        self._sender = _SaysOnce(exporter or OTLPSpanExporter(endpoint=url, timeout=SEND_S), url)
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
            resource=Resource.create(
                {
                    "service.name": f"{settings.service_name}-{role}",
                    "service.namespace": settings.service_name,
                    "service.instance.id": name,
                }
            ),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._sender,
                max_queue_size=WAITING_MAX,
                schedule_delay_millis=EVERY_MS,
                max_export_batch_size=512,
            )
        )
        self._tracer = self._provider.get_tracer("readyup")

    @contextlib.contextmanager
    def entering(self, name: str, traceparent: str, **facts: Fact) -> Iterator[str]:
        kind = trace.SpanKind.SERVER
        span = self._tracer.start_span(
            name, context=_parent(well_formed(traceparent)), kind=kind, attributes=_ours(facts)
        )
        carrier: dict[str, str] = {}
        _context.inject(carrier, context=trace.set_span_in_context(span))
        sampled = span.get_span_context().trace_flags.sampled
        try:
            with within(carrier["traceparent"]):
                yield carrier["traceparent"] if sampled else ""
        except BaseException as wrong:
            span.set_status(trace.StatusCode.ERROR, type(wrong).__name__)
            raise
        finally:
            span.end()

    def span(
        self, name: str, traceparent: str, *, began_us: int, ended_us: int, **facts: Fact
    ) -> None:
        if not traceparent:
            return
        span = self._tracer.start_span(
            name,
            context=_parent(traceparent),
            start_time=began_us * 1000,
            attributes=_ours(facts),
        )
        # Two clocks may have told the two times.
        span.end(max(began_us, ended_us) * 1000)

    def flush(self) -> None:
        """Send what waits, now. Blocks."""
        self._provider.force_flush()

    def close(self) -> None:
        self._sender.closing = True
        self._provider.shutdown()


def _parent(traceparent: str) -> Context:
    # A context of its own: what this thread does otherwise is no parent.
    return _context.extract({"traceparent": traceparent}, context=Context())


def _ours(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {f"readyup.{key}": value for key, value in facts.items()}


class _SaysOnce(SpanExporter):
    """Says when the collector goes away and when it is back, and nothing in between."""

    def __init__(self, sender: SpanExporter, url: str) -> None:
        self._sender = sender
        self._url = url
        self._away = False
        self.closing = False
        """From now on nothing is sent to one who was away: nobody waits for that."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.closing and self._away:
            return SpanExportResult.FAILURE
        result = self._sender.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            log.warning("telemetry.lost", url=self._url, spans=len(spans))
        elif self._away and not away:
            log.info("telemetry.back", url=self._url)
        self._away = away
        return result

    def shutdown(self) -> None:
        self._sender.shutdown()
