"""An OpenTelemetry collector in this process: it keeps the spans that real exporters send."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from core.web import serve_app


@dataclass(frozen=True, slots=True)
class Told:
    """One span as it came."""

    name: str
    trace: str
    id: str
    parent: str
    service: str
    began_ns: int
    ended_ns: int
    facts: dict[str, str]


@dataclass
class Collector:
    """What came so far."""

    url: str = ""
    spans: list[Told] = field(default_factory=list)

    def traces(self) -> dict[str, list[Told]]:
        """The spans by trace."""
        found: dict[str, list[Told]] = defaultdict(list)
        for span in self.spans:
            found[span.trace].append(span)
        return found

    def orphans(self, *, known: str = "") -> list[Told]:
        """Spans whose parent never came and is not ``known`` to somebody else."""
        ids = {span.id for span in self.spans} | {"", known}
        return [span for span in self.spans if span.parent not in ids]

    async def take(self, request: web.Request) -> web.Response:
        """``POST /v1/traces``."""
        said = ExportTraceServiceRequest.FromString(await request.read())
        for resource in said.resource_spans:
            facts = {one.key: one.value.string_value for one in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.spans.append(
                    Told(
                        name=span.name,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        service=facts["service.name"],
                        began_ns=span.start_time_unix_nano,
                        ended_ns=span.end_time_unix_nano,
                        facts={one.key: one.value.string_value for one in span.attributes},
                    )
                )
        return web.Response()


@contextlib.asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """One that listens while the block lasts."""
    kept = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", kept.take)
    async with serve_app(app) as port:
        kept.url = f"http://127.0.0.1:{port}"
        yield kept
