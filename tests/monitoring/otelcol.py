"""A real OpenTelemetry Collector, built of its Go modules, and who stands behind it.

`python -m tests.monitoring.otelcol` builds it once, in minutes; it is kept beside helm.
"""

import asyncio
import contextlib
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import yaml
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.cluster.plane import binaries, toolchain
from tests.monitoring.watch import EXAMPLES, free_port, running

BUILD = binaries.Build("collector", (".",), "-s -w", ("otelcol",))
EXAMPLE = EXAMPLES / "otel-collector.yaml"
UP_S = 30.0

Config = dict[str, Any]


def program(*, build: bool = False) -> Path:
    """Where it is.

    Raises:
        RuntimeError: it is not built, or cannot be; says why.
    """
    verb = "python -m tests.monitoring.otelcol"
    if not build and not list(toolchain.cache().glob("collector-*/otelcol")):
        # A Go is not fetched to find that out.
        raise RuntimeError(f"not built yet; `{verb}` does it once, in minutes")
    return binaries.built(BUILD, build=build, verb=verb) / "otelcol"


@dataclass
class Behind(service.TraceServiceServicer):
    """Where the Collector sends traces: each trace's spans, by name."""

    traces: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    async def Export(  # noqa: N802 - gRPC's name
        self, request: ExportTraceServiceRequest, _: object
    ) -> ExportTraceServiceResponse:
        """Keep what came."""
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.traces[span.trace_id.hex()].add(span.name)
        return ExportTraceServiceResponse()


@contextlib.asynccontextmanager
async def collector(folder: Path, **sampling: object) -> AsyncIterator[tuple[str, Behind]]:
    """Our example without Kubernetes, on loopback; ``sampling`` replaces keys of that part.

    Yields where it listens, and who stands behind it.
    """
    behind, own = Behind(), free_port()
    server = grpc.aio.server()
    service.add_TraceServiceServicer_to_server(behind, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    config: Config = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{own}"
    config["exporters"]["otlp"]["endpoint"] = f"127.0.0.1:{port}"
    config["processors"]["tail_sampling"] |= sampling
    del config["processors"]["k8sattributes"]
    config["service"]["pipelines"]["traces"]["processors"].remove("k8sattributes")
    config["service"]["telemetry"] = {"metrics": {"level": "none"}}
    file = folder / "otel-collector.yaml"
    file.write_text(yaml.safe_dump(config))
    try:
        async with running(str(program()), f"--config={file}", log=folder / "otelcol.log"):
            await _until_up(f"http://127.0.0.1:{own}/v1/traces", folder / "otelcol.log")
            yield f"http://127.0.0.1:{own}", behind
    finally:
        await server.stop(1)


async def _until_up(url: str, log: Path) -> None:
    try:
        async with asyncio.timeout(UP_S), aiohttp.ClientSession() as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.post(url, json={}) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(log.read_text("utf-8")[-2000:]) from None


if __name__ == "__main__":
    try:
        print(program(build=True))
    except RuntimeError as wrong:
        sys.exit(f"no Collector here: {wrong}")
