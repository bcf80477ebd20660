"""Allocating one local game server, asked as Agones' allocator service is asked.

``POST /gameserverallocation`` with the JSON of an AllocationRequest. What chooses among
servers (priorities, scheduling, clusters) is passed over: there is one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

import msgspec

from core.errors import Exhausted, Invalid
from core.game_server import State
from gameserver.lifecycle import Event, step
from gameserver.sidecar.counts import Count, Counter, Names
from gameserver.sidecar.state import SdkState, check_key, check_label, detailed, seen_as

LAST_ALLOCATED: Final = "agones.dev/last-allocated"

STATES: Final = {
    None: State.READY,
    0: State.READY,
    1: State.ALLOCATED,
    "READY": State.READY,
    "ALLOCATED": State.ALLOCATED,
}


class CounterRange(msgspec.Struct, rename="camel"):
    """What a counter must have; 0 as an upper bound is none."""

    min_count: Count = 0
    max_count: Count = 0
    min_available: Count = 0
    max_available: Count = 0

    def takes(self, counter: Counter) -> bool:
        """Whether this counter is within."""
        free = counter.capacity - counter.count
        return _within(counter.count, self.min_count, self.max_count) and _within(
            free, self.min_available, self.max_available
        )


class ListRange(msgspec.Struct, rename="camel"):
    """What a list must have; 0 as an upper bound is none."""

    contains_value: str = ""
    min_available: Count = 0
    max_available: Count = 0

    def takes(self, names: Names) -> bool:
        """Whether this list is within."""
        held = not self.contains_value or self.contains_value in names.values
        free = names.capacity - len(names.values)
        return held and _within(free, self.min_available, self.max_available)


class Expression(msgspec.Struct):
    """One of Kubernetes' set-based requirements on a label."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] = []

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether it is true of these labels, as Kubernetes reads it."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


class Selector(msgspec.Struct, rename="camel"):
    """One kind of server that would do; all that it says must hold."""

    match_labels: dict[str, str] = {}
    match_expressions: list[Expression] = []
    game_server_state: Literal["READY", "ALLOCATED", 0, 1] | None = None
    counters: dict[str, CounterRange] = {}
    lists: dict[str, ListRange] = {}

    def takes(self, server: SdkState, labels: Mapping[str, str]) -> bool:
        """Whether it may be this server."""
        counters, lists = server.detail.counters, server.detail.lists
        return (
            server.view.state is STATES[self.game_server_state]
            and self.match_labels.items() <= labels.items()
            and all(one.holds(labels) for one in self.match_expressions)
            and all(n in counters and one.takes(counters[n]) for n, one in self.counters.items())
            and all(n in lists and one.takes(lists[n]) for n, one in self.lists.items())
        )


class CounterAction(msgspec.Struct):
    """What an allocation does to a counter."""

    action: Literal["Increment", "Decrement"] | None = None
    amount: Count | None = None
    capacity: Count | None = None

    def done(self, counter: Counter) -> Counter:
        """The counter afterwards; what does not fit is cut off, as Agones does it."""
        sign = -1 if self.action == "Decrement" else 1
        return counter.clamped(capacity=self.capacity, diff=sign * (self.amount or 0))


class ListAction(msgspec.Struct, rename="camel"):
    """What an allocation does to a list."""

    add_values: list[str] = []
    delete_values: list[str] = []
    capacity: Count | None = None

    def done(self, names: Names) -> Names:
        """The list afterwards; what does not fit is left out, as Agones does it."""
        if self.capacity is not None:
            names = names.sized(self.capacity)
        names = names.filled([*names.values, *self.add_values])
        return names.filled(one for one in names.values if one not in self.delete_values)


class MetaPatch(msgspec.Struct):
    """Labels and annotations that an allocation leaves on the server."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class AllocationRequest(msgspec.Struct, rename="camel"):
    """What is wanted; no selector is any Ready server."""

    game_server_selectors: list[Selector] = []
    metadata: MetaPatch = msgspec.field(default_factory=MetaPatch)
    counters: dict[str, CounterAction] = {}
    lists: dict[str, ListAction] = {}


def allocated(
    server: SdkState, labels: Mapping[str, str], asked: AllocationRequest, *, now: str
) -> SdkState:
    """The server after this request took it.

    Args:
        server: As it is.
        labels: As clients see them, the fleet's among them.
        asked: What is wanted.
        now: The time as RFC 3339, for the annotation that Agones sets.

    Raises:
        Exhausted: no selector is for this server as it is.
        Invalid: a label or an action cannot be.
    """
    _check(asked)
    selectors = asked.game_server_selectors or [Selector()]
    if not any(one.takes(server, labels) for one in selectors):
        raise Exhausted("there is no available GameServer to allocate")
    state = server.view.state
    view = replace(
        server.view,
        state=step(state, Event.ALLOCATE) if state is State.READY else state,
        labels=server.view.labels | asked.metadata.labels,
        annotations=server.view.annotations | asked.metadata.annotations | {LAST_ALLOCATED: now},
    )
    # A counter or list that the server does not have is passed over, as in Agones.
    counters, lists = server.detail.counters, server.detail.lists
    after = replace(
        server.detail,
        counters={
            name: asked.counters[name].done(one) if name in asked.counters else one
            for name, one in counters.items()
        },
        lists={
            name: asked.lists[name].done(one) if name in asked.lists else one
            for name, one in lists.items()
        },
    )
    return detailed(seen_as(server, view), after)


def _check(asked: AllocationRequest) -> None:
    for key, value in asked.metadata.labels.items():
        check_key(key, field="$.metadata.labels")
        check_label(value, field=f"$.metadata.labels.{key}")
    for key in asked.metadata.annotations:
        check_key(key, field="$.metadata.annotations")
    for name, action in asked.counters.items():
        if (action.action is None) != (action.amount is None):
            raise Invalid("give an action and an amount, or neither", field=f"$.counters.{name}")


def _within(value: int, least: int, most: int) -> bool:
    return least <= value and (most == 0 or value <= most)
