"""What the API server's refusals mean to us: each as an error of our own, with a cure."""

from typing import Any

import msgspec

from core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ReadyUpError,
    Rejected,
    Unauthorized,
)
from fleets.ports import BackendAway

RETRY_AFTER_S_MAX = 60.0
"""Nobody makes us wait for longer than this."""


class Gone(Rejected):
    """The version asked for is kept no more; whoever watches must list again."""

    status = 410


def refusal(status: int, body: object, what: str, *, retry_after: str = "") -> ReadyUpError:
    """The error that an answer stands for.

    Args:
        status: Of the HTTP answer, or ``code`` of a watch's Status object.
        body: The decoded ``Status`` object; anything else counts as no explanation.
        what: What was asked, e.g. "PATCH /apis/agones.dev/...".
        retry_after: The header of that name, in seconds.
    """
    said: dict[str, Any] = body if isinstance(body, dict) else {}
    message = str(said.get("message") or "no explanation")
    told = f"{what}: {message}"
    details = said.get("details") if isinstance(said.get("details"), dict) else {}
    if status == 429 or status >= 500:
        asked = retry_after or (details or {}).get("retryAfterSeconds") or 0
        return BackendAway(f"{told} ({status})", retry_after_s=_seconds(asked))
    match status:
        case 401:
            return Unauthorized(f"{told}; check [kubernetes] context and the kubeconfig's user")
        case 403:
            return Forbidden(f"{told}; docs/agones.md lists the rights that are needed")
        case 404:
            return NotFound(told)
        case 409:
            return Conflict(told)
        case 410:
            return Gone(told)
        case _:
            causes = (details or {}).get("causes") or [{}]
            place = str(causes[0].get("field") or "$")
            return Invalid(f"{told} ({status}); correct the fleet and apply it again", field=place)


def decoded(body: bytes) -> object:
    """JSON as values; None for anything else, such as a proxy's page."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _seconds(text: object) -> float:
    try:
        return min(RETRY_AFTER_S_MAX, max(0.0, float(str(text))))
    except ValueError:  # a date; the back-off of our own will do
        return 0.0
