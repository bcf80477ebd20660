"""Where a process tells its spans: OpenTelemetry where it is asked for, else nowhere."""

from core.errors import Invalid
from core.telemetry import OFF, TelemetrySettings, Traces


def open_traces(settings: TelemetrySettings, *, role: str, name: str) -> Traces:
    """Where a process tells its spans; ``OFF`` without an endpoint.

    Raises:
        Invalid: there is an endpoint, and OpenTelemetry is not installed.
    """
    if not settings.endpoint:
        return OFF
    try:
        from core.opentelemetry import OpenTraces
    except ModuleNotFoundError as missing:
        raise Invalid(
            f"$.telemetry.endpoint: {missing.name} is not installed; "
            "pip install readyup[telemetry], or leave the endpoint empty",
            field="$.telemetry.endpoint",
        ) from missing
    return OpenTraces(settings, role=role, name=name)
