"""A game server's counters and lists, as Agones' SDK has them; reached as ``sdk.beta``."""

from collections.abc import Awaitable
from typing import Final, TypeVar

import grpc
import grpc.aio

from core.errors import Conflict, Invalid, NotFound, ReadyUpError, Rejected
from gameserver.sdk import beta_pb2 as pb
from gameserver.sdk.answers import CALL_S, ours
from gameserver.sdk.beta_pb2_grpc import SDKStub

Answer = TypeVar("Answer")

_WORDS: Final[dict[str, type[ReadyUpError]]] = {
    "counter not found": NotFound,
    "list not found": NotFound,
    "not found": NotFound,
    "already exists": Conflict,
    "out of range": Invalid,
    "invalid argument": Invalid,
    "countsandlists not enabled": Rejected,
}
"""How a refusal begins. Agones sends them all as UNKNOWN, whatever its documents promise."""


class Beta:
    """Calls on counters and lists by name; they exist from the server's start, in its fleet's spec.

    Every method raises Rejected when the SDK server says no (NotFound, Conflict for a value
    that is there, Invalid for what does not fit), and Unreachable when it does not answer
    within ``CALL_S``. A call that changes by a difference may have had its effect then.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = SDKStub(channel)

    async def get_counter_count(self, key: str) -> int:
        return (await self._counter(key)).count

    async def get_counter_capacity(self, key: str) -> int:
        return (await self._counter(key)).capacity

    async def increment_counter(self, key: str, amount: int) -> None:
        """Raise the count; refused as a whole where it would pass the capacity."""
        await self._update(pb.CounterUpdateRequest(name=key, countDiff=amount))

    async def decrement_counter(self, key: str, amount: int) -> None:
        """Lower the count; refused as a whole where it would fall below 0."""
        await self._update(pb.CounterUpdateRequest(name=key, countDiff=-amount))

    async def set_counter_count(self, key: str, count: int) -> None:
        await self._update(pb.CounterUpdateRequest(name=key, count=pb.Int64Value(value=count)))

    async def set_counter_capacity(self, key: str, capacity: int) -> None:
        """A count above it is cut to it."""
        boxed = pb.Int64Value(value=capacity)
        await self._update(pb.CounterUpdateRequest(name=key, capacity=boxed))

    async def get_list_capacity(self, key: str) -> int:
        return (await self._list(key)).capacity

    async def set_list_capacity(self, key: str, capacity: int) -> None:
        """The last values that do not fit are dropped; at most 1000."""
        asked = pb.UpdateListRequest(
            list=pb.List(name=key, capacity=capacity), update_mask=pb.FieldMask(paths=["capacity"])
        )
        await _answer(self._stub.UpdateList(asked, timeout=CALL_S, wait_for_ready=True))

    async def list_contains(self, key: str, value: str) -> bool:
        return value in (await self._list(key)).values

    async def get_list_length(self, key: str) -> int:
        return len((await self._list(key)).values)

    async def get_list_values(self, key: str) -> list[str]:
        return list((await self._list(key)).values)

    async def append_list_value(self, key: str, value: str) -> None:
        """Add a value at the end.

        Raises:
            Conflict: it is in the list.
            Invalid: the list is full.
        """
        asked = pb.AddListValueRequest(name=key, value=value)
        await _answer(self._stub.AddListValue(asked, timeout=CALL_S, wait_for_ready=True))

    async def delete_list_value(self, key: str, value: str) -> None:
        """Take a value out.

        Raises:
            NotFound: it is not in the list.
        """
        asked = pb.RemoveListValueRequest(name=key, value=value)
        await _answer(self._stub.RemoveListValue(asked, timeout=CALL_S, wait_for_ready=True))

    async def _counter(self, key: str) -> pb.Counter:
        asked = pb.GetCounterRequest(name=key)
        return await _answer(self._stub.GetCounter(asked, timeout=CALL_S, wait_for_ready=True))

    async def _update(self, asked: pb.CounterUpdateRequest) -> None:
        request = pb.UpdateCounterRequest(counterUpdateRequest=asked)
        await _answer(self._stub.UpdateCounter(request, timeout=CALL_S, wait_for_ready=True))

    async def _list(self, key: str) -> pb.List:
        asked = pb.GetListRequest(name=key)
        return await _answer(self._stub.GetList(asked, timeout=CALL_S, wait_for_ready=True))


async def _answer(call: Awaitable[Answer]) -> Answer:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        said = (error.details() or "").lower()
        for words, kind in _WORDS.items():
            if error.code() is grpc.StatusCode.UNKNOWN and said.startswith(words):
                raise kind(f"SDK server: {error.details()}") from error
        raise ours(error) from error
