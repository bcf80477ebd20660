"""What an SDK server's refusals are to us, and how long we wait for its answers."""

from typing import Final

import grpc
import grpc.aio

from core.errors import (
    Conflict,
    Exhausted,
    Forbidden,
    IllegalTransition,
    Invalid,
    NotFound,
    ReadyUpError,
    Rejected,
    Unauthorized,
    Unreachable,
)

CALL_S: Final = 5.0
"""Long enough for an SDK server to restart under a call that waits for it."""

REFUSALS: Final[dict[grpc.StatusCode, type[ReadyUpError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: Invalid,
    grpc.StatusCode.OUT_OF_RANGE: Invalid,
    grpc.StatusCode.UNIMPLEMENTED: Rejected,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: IllegalTransition,
    grpc.StatusCode.UNAUTHENTICATED: Unauthorized,
    grpc.StatusCode.PERMISSION_DENIED: Forbidden,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exhausted,
}


def ours(error: grpc.aio.AioRpcError) -> ReadyUpError:
    """The error of ours that this one is; Unreachable where it says nothing about the call."""
    kind = REFUSALS.get(error.code(), Unreachable)
    return kind(f"SDK server: {error.details() or error.code().name}")
