"""What each call of Agones' SDK does to one live server, whatever carried it here.

Changes take effect before the answer; in Agones, some time after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

import grpc
import structlog

from core.errors import Conflict, IllegalTransition, Invalid, NotFound, Rejected
from gameserver.sdk import alpha_pb2 as alpha, beta_pb2 as beta, sdk_pb2 as pb
from gameserver.sidecar import state as sdk_state, wire
from gameserver.sidecar.counts import Counter, Names, OutOfRange
from gameserver.sidecar.live import LiveServer
from gameserver.sidecar.state import SdkState

EMPTY: Final = pb.Empty()
LIST_FIELDS: Final = frozenset({"name", "capacity", "values"})

PROPER: Final = {
    OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    IllegalTransition: grpc.StatusCode.FAILED_PRECONDITION,
}

log = structlog.get_logger("readyup.gameserver.sdk")


class Refused(Rejected):
    """A call's answer is no, with the code that goes over the wire."""

    def __init__(self, code: grpc.StatusCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Manners:
    """How a server is told that it asked for what it may not have."""

    strict: bool = False
    """Answer with the code that Agones' .proto files promise. Else as Agones does it: UNKNOWN
    for counters, lists and player tracking, and yes, with nothing done, to a step that its
    life does not have."""

    reborn: bool = False
    """A server whose life is over begins another with its next step: where nobody makes a new
    one in its place, as on a developer's machine."""


class Calls:
    """The calls of all three services. Each raises Refused, and then nothing has changed."""

    def __init__(self, live: LiveServer, manners: Manners) -> None:
        self.live = live
        self._manners = manners

    def ready(self, _: pb.Empty) -> pb.Empty:
        return self._step(sdk_state.asked_ready)

    def allocate(self, _: pb.Empty) -> pb.Empty:
        return self._step(sdk_state.allocated_itself)

    def shutdown(self, _: pb.Empty) -> pb.Empty:
        return self._change(sdk_state.shut_down)

    def reserve(self, request: pb.Duration) -> pb.Empty:
        seconds = request.seconds if self._manners.strict else max(0, request.seconds)
        now_s = self.live.clock.elapsed_s()
        return self._step(lambda server: sdk_state.reserved(server, seconds, now_s=now_s))

    def ping(self, _: pb.Empty) -> pb.Empty:
        """One message of Health's stream."""
        self.live.ping()
        return EMPTY

    def get_game_server(self, _: pb.Empty) -> pb.GameServer:
        return wire.game_server(self.live.state)

    def set_label(self, request: pb.KeyValue) -> pb.Empty:
        return self._change(lambda one: sdk_state.labelled(one, request.key, request.value))

    def set_annotation(self, request: pb.KeyValue) -> pb.Empty:
        return self._change(lambda one: sdk_state.annotated(one, request.key, request.value))

    def get_counter(self, request: beta.GetCounterRequest) -> beta.Counter:
        return self._count(request.name, lambda counter: counter)

    def update_counter(self, request: beta.UpdateCounterRequest) -> beta.Counter:
        asked = request.counterUpdateRequest
        return self._count(
            asked.name,
            lambda counter: counter.updated(
                capacity=asked.capacity.value if asked.HasField("capacity") else None,
                count=asked.count.value if asked.HasField("count") else None,
                diff=asked.countDiff,
            ),
        )

    def get_list(self, request: beta.GetListRequest) -> beta.List:
        return self._list(request.name, lambda names: names)

    def update_list(self, request: beta.UpdateListRequest) -> beta.List:
        asked, paths = request.list, set(request.update_mask.paths)
        if not (request.HasField("list") and request.HasField("update_mask")):
            self._refuse_beta(Invalid("invalid argument. Give both a list and an update_mask"))
        if unknown := paths - LIST_FIELDS:
            self._refuse_beta(
                Invalid(f"invalid argument. A list has no {', '.join(map(repr, sorted(unknown)))}")
            )
        if not paths:  # whatever is set, as a mask that was left out means elsewhere
            paths = {field.name for field, _ in asked.ListFields()}

        def change(names: Names) -> Names:
            # Agones looks at the capacity even where the mask leaves it out.
            sized = names.sized(asked.capacity)
            names = sized if "capacity" in paths else names
            return names.filled(asked.values) if "values" in paths else names

        return self._list(asked.name, change)

    def add_list_value(self, request: beta.AddListValueRequest) -> beta.List:
        return self._list(request.name, lambda names: names.added(request.value, name=request.name))

    def remove_list_value(self, request: beta.RemoveListValueRequest) -> beta.List:
        return self._list(
            request.name, lambda names: names.removed(request.value, name=request.name)
        )

    def player_tracking(self, _: alpha.PlayerID | alpha.Count | alpha.Empty) -> NoReturn:
        """Every call of the alpha service: what Agones answers while its gate is off."""
        strict = self._manners.strict
        code = grpc.StatusCode.UNIMPLEMENTED if strict else grpc.StatusCode.UNKNOWN
        raise Refused(code, "PlayerTracking not enabled")

    def _step(self, change: Callable[[SdkState], SdkState]) -> pb.Empty:
        """A change that leads on in life."""
        if self._manners.reborn:
            now_s = self.live.clock.elapsed_s()
            return self._change(lambda one: change(sdk_state.reborn(one, now_s=now_s)))
        return self._change(change)

    def _change(self, change: Callable[[SdkState], SdkState]) -> pb.Empty:
        try:
            self.live.become(change(self.live.state))
        except IllegalTransition as refusal:
            if self._manners.strict:
                raise Refused(PROPER[IllegalTransition], str(refusal)) from refusal
            log.warning("sdk.ignored", server=self.live.state.view.uid, reason=str(refusal))
        except Rejected as refusal:
            raise _proper(refusal) from refusal
        return EMPTY

    def _count(self, name: str, change: Callable[[Counter], Counter]) -> beta.Counter:
        try:
            self.live.become(sdk_state.counted(self.live.state, name, change))
        except Rejected as refusal:
            self._refuse_beta(refusal)
        return wire.counter(name, self.live.state.detail.counters[name])

    def _list(self, name: str, change: Callable[[Names], Names]) -> beta.List:
        try:
            self.live.become(sdk_state.listed(self.live.state, name, change))
        except Rejected as refusal:
            self._refuse_beta(refusal)
        return wire.names(name, self.live.state.detail.lists[name])

    def _refuse_beta(self, refusal: Rejected) -> NoReturn:
        if self._manners.strict:
            raise _proper(refusal) from refusal
        raise Refused(grpc.StatusCode.UNKNOWN, str(refusal)) from refusal


def _proper(refusal: Rejected) -> Refused:
    return Refused(PROPER.get(type(refusal), grpc.StatusCode.UNKNOWN), str(refusal))
