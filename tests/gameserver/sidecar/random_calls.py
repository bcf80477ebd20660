"""Random calls of the SDK, each as gRPC and as REST have it."""

from dataclasses import dataclass

from google.protobuf.message import Message
from hypothesis import strategies as st

from core.clock import SystemClock
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from gameserver.sdk import alpha_pb2 as alpha, beta_pb2 as beta, sdk_pb2 as pb
from gameserver.sidecar.counts import Counter, Names
from gameserver.sidecar.state import Detail

VIEW = ServerView(
    "arena-1", ServerUid("u1"), FleetName("arena"), State.STARTING, address="127.0.0.1", port=7000
)
DETAIL = Detail({"rooms": Counter(1, 4)}, {"players": Names(("a", "b"), 3)})


class HandClock(SystemClock):
    """Stands still until a test moves it."""

    now_s = 0.0

    def elapsed_s(self) -> float:
        return self.now_s


@dataclass(frozen=True)
class Call:
    """One call in both dresses."""

    service: str
    rpc: str
    message: Message
    method: str
    path: str
    body: object = None


@dataclass(frozen=True)
class Wait:
    """Time passes, and the server's health and reservation are looked at."""

    seconds: float


def call(rpc: str, message: Message, method: str, path: str, body: object = None) -> Call:
    service = message.DESCRIPTOR.file.package + ".SDK"
    return Call(service, rpc, message, method, path, body)


def counter(name: str, count: int | None, capacity: int | None, diff: int) -> Call:
    """Whatever is None or 0 stays out of both."""
    asked = beta.CounterUpdateRequest(name=name, countDiff=diff)
    body = {"countDiff": str(diff)} if diff else {}
    for field, value in (("count", count), ("capacity", capacity)):
        if value is not None:
            getattr(asked, field).CopyFrom(beta.Int64Value(value=value))
            body[field] = str(value)
    message = beta.UpdateCounterRequest(counterUpdateRequest=asked)
    return call("UpdateCounter", message, "PATCH", f"/v1beta1/counters/{name}", body)


def update_list(name: str, capacity: int | None, values: list[str] | None) -> Call:
    body = {"capacity": capacity, "values": values}
    body = {field: value for field, value in body.items() if value is not None}
    message = beta.UpdateListRequest(
        list=beta.List(name=name, **body), update_mask=beta.FieldMask(paths=list(body) or [""])
    )
    return call("UpdateList", message, "PATCH", f"/v1beta1/lists/{name}", body)


def list_value(verb: str, name: str, value: str) -> Call:
    asked = beta.AddListValueRequest if verb == "add" else beta.RemoveListValueRequest
    return call(
        f"{verb.capitalize()}ListValue",
        asked(name=name, value=value),
        "POST",
        f"/v1beta1/lists/{name}:{verb}Value",
        {"value": value},
    )


def key_value(rpc: str, key: str, value: str) -> Call:
    path = f"/metadata/{rpc.removeprefix('Set').lower()}"
    body = {"key": key, "value": value}
    return call(rpc, pb.KeyValue(**body), "PUT", path, body)


COUNTS = st.none() | st.integers(-1, 6)
COUNTERS = st.sampled_from(["rooms", "rooms", "none"])
LISTS = st.sampled_from(["players", "players", "none"])
WORDS = st.sampled_from(["a", "b", "c", "d"])

STEPS = st.one_of(
    st.sampled_from(["Ready", "Allocate", "Shutdown"]).map(
        lambda rpc: call(rpc, pb.Empty(), "POST", f"/{rpc.lower()}", {})
    ),
    st.integers(-1, 20).map(
        lambda s: call("Reserve", pb.Duration(seconds=s), "POST", "/reserve", {"seconds": str(s)})
    ),
)
CALLS = st.one_of(
    STEPS,
    STEPS,
    st.builds(
        key_value,
        st.sampled_from(["SetLabel", "SetAnnotation"]),
        st.sampled_from(["map", "a/b", "", "readyup-key"]),
        st.sampled_from(["", "hills", "no label!", "ab" * 32]),
    ),
    st.builds(counter, COUNTERS, COUNTS, COUNTS, st.integers(-5, 5)),
    COUNTERS.map(
        lambda n: call(
            "GetCounter", beta.GetCounterRequest(name=n), "GET", f"/v1beta1/counters/{n}"
        )
    ),
    st.builds(
        update_list,
        LISTS,
        st.none() | st.sampled_from([-1, 0, 2, 5, 1001]),
        st.none() | st.lists(WORDS),
    ),
    st.builds(list_value, st.sampled_from(["add", "remove"]), LISTS, WORDS),
    LISTS.map(lambda n: call("GetList", beta.GetListRequest(name=n), "GET", f"/v1beta1/lists/{n}")),
    st.just(call("GetGameServer", pb.Empty(), "GET", "/gameserver")),
    st.just(call("GetPlayerCount", alpha.Empty(), "GET", "/alpha/player/count")),
)
WAITS = st.floats(0.0, 12.0).map(Wait)
EVENINGS = st.lists(CALLS | CALLS | CALLS | WAITS, min_size=1, max_size=25)
