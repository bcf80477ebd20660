"""One game server as its SDK server knows it: a frozen value and the changes it can take.

Times are seconds of a clock that never steps back, given by the caller. What a server
asks for and may not have is Rejected, and leaves the value as it was.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from core.errors import Conflict, Invalid, NotFound
from core.game_server import ServerView, State
from gameserver.lifecycle import FINAL, RUNNING, Event, step
from gameserver.sidecar.counts import Counter, Names

SDK_PREFIX: Final = "agones.dev/sdk-"
"""What the SDK puts before the key of every label and annotation that a server sets."""

PUBLIC_KEY: Final = SDK_PREFIX + "readyup-key"
"""The annotation in which a server publishes its public key."""

ANNOTATIONS_BYTES_MAX: Final = 256 * 1024
"""Kubernetes' limit on all keys and values together."""

_WORD = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_VALUE = re.compile(rf"({_WORD})?")
_KEY_NAME = re.compile(_WORD)
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_KEY_PREFIX = re.compile(rf"{_DNS_LABEL}(\.{_DNS_LABEL})*")
_HEX_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """How long a server may be silent; the meaning and the defaults are Agones'."""

    period_s: float = 5.0
    """A check each period finds a failure if the last ping is a period old. 0: no checks."""

    failure_threshold: int = 3
    """So many failures with no ping between them make the server Unhealthy."""

    initial_delay_s: float = 5.0
    """What a server may take to start; the first period begins after it."""


@dataclass(frozen=True, slots=True)
class Detail:
    """What Agones tells of a server beyond our own view of it."""

    counters: Mapping[str, Counter] = field(default_factory=dict)
    lists: Mapping[str, Names] = field(default_factory=dict)
    ports: tuple[tuple[str, int], ...] = ()
    """Names and numbers; empty for the one port of the view, under the name ``default``."""

    namespace: str = "default"


@dataclass(frozen=True, slots=True)
class SdkState:
    """A game server at one moment, with what its SDK server must remember."""

    view: ServerView
    health: HealthPolicy
    pinged_s: float
    check_s: float
    """When its health is looked at next."""

    detail: Detail = Detail()

    failures: int = 0
    reserved_until_s: float = math.inf
    resource_version: int = 1
    """Rises with every change of the view or the detail."""


def new_server(
    view: ServerView, health: HealthPolicy, *, now_s: float, detail: Detail | None = None
) -> SdkState:
    """A server that has not spoken yet."""
    first_s = now_s + health.initial_delay_s
    check_s = first_s + health.period_s if health.period_s > 0 else math.inf
    return SdkState(view, health, first_s, check_s, detail or Detail())


def scheduled(server: SdkState, *, pid: int, cores: tuple[int, ...], pinned: str) -> SdkState:
    """Its process runs, under this pid and on these processors."""
    state = server.view.state
    if state is State.STARTING:
        state = step(state, Event.SCHEDULE)
    return seen_as(server, replace(server.view, state=state, pid=pid, cores=cores, pinned=pinned))


def asked_ready(server: SdkState) -> SdkState:
    """It can take players. Its endpoint was known from the start, so it is published at once."""
    return _moved(_moved(server, Event.ASK_READY), Event.PUBLISH)


def allocated_itself(server: SdkState) -> SdkState:
    """It took itself for a match; once more changes nothing."""
    return _moved(server, Event.ALLOCATE_SELF)


def allocated(server: SdkState, labels: dict[str, str]) -> SdkState:
    """The allocator took it, from Ready only, and these labels were merged in."""
    for key, value in labels.items():
        check_key(key, field="$.labels")
        check_label(value, field=f"$.labels.{key}")
    taken = replace(server.view, labels=server.view.labels | labels)
    return _moved(seen_as(server, taken), Event.ALLOCATE)


def reserved(server: SdkState, seconds: int, *, now_s: float) -> SdkState:
    """It keeps itself for so many seconds, 0 meaning until it says otherwise."""
    if seconds < 0:
        raise Invalid(f"cannot reserve for {seconds} s: 0 is for ever", field="$.seconds")
    until_s = now_s + seconds if seconds else math.inf
    return replace(_moved(server, Event.RESERVE), reserved_until_s=until_s)


def shut_down(server: SdkState) -> SdkState:
    """It asks to be removed; once more changes nothing."""
    return _moved(server, Event.SHUT_DOWN)


def labelled(server: SdkState, key: str, value: str) -> SdkState:
    """It set a label on itself."""
    check_key(SDK_PREFIX + key, field="$.key")
    check_label(value, field="$.value")
    labels = server.view.labels | {SDK_PREFIX + key: value}
    return seen_as(server, replace(server.view, labels=labels))


def annotated(server: SdkState, key: str, value: str) -> SdkState:
    """It set an annotation on itself; the first public key it publishes is its key for life.

    Raises:
        Conflict: it publishes a second key; whoever asks may not be who asked first.
    """
    full_key = SDK_PREFIX + key
    check_key(full_key, field="$.key")
    annotations = _within_limit(server.view.annotations | {full_key: value}, field="$.value")
    public_key = server.view.public_key
    if full_key == PUBLIC_KEY:
        if not _HEX_KEY.fullmatch(value):
            raise Invalid(f"{key} wants 64 hex digits in lower case", field="$.value")
        if public_key not in {"", value}:
            raise Conflict(f"{key} was published before, with another value", other=public_key)
        public_key = value
    return seen_as(server, replace(server.view, annotations=annotations, public_key=public_key))


def told(server: SdkState, annotations: Mapping[str, str]) -> SdkState:
    """Somebody else, such as the allocator, put annotations on it."""
    for key in annotations:
        check_key(key, field="$.annotations")
    whole = _within_limit(server.view.annotations | dict(annotations), field="$.annotations")
    return seen_as(server, replace(server.view, annotations=whole))


def _within_limit(annotations: dict[str, str], *, field: str) -> dict[str, str]:
    size_bytes = sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items())
    if size_bytes > ANNOTATIONS_BYTES_MAX:
        raise Invalid(
            f"annotations would hold {size_bytes} bytes, more than {ANNOTATIONS_BYTES_MAX}",
            field=field,
        )
    return annotations


def counted(server: SdkState, name: str, change: Callable[[Counter], Counter]) -> SdkState:
    """One of its counters was changed.

    Raises:
        NotFound: it has none of this name.
        Rejected: the counter does not take the change.
    """
    counters = server.detail.counters
    if name not in counters:
        raise NotFound(f"counter not found: {name}")
    after = {**counters, name: change(counters[name])}
    return detailed(server, replace(server.detail, counters=after))


def listed(server: SdkState, name: str, change: Callable[[Names], Names]) -> SdkState:
    """One of its lists was changed.

    Raises:
        NotFound: it has none of this name.
        Rejected: the list does not take the change.
    """
    lists = server.detail.lists
    if name not in lists:
        raise NotFound(f"list not found: {name}")
    return detailed(server, replace(server.detail, lists={**lists, name: change(lists[name])}))


def detailed(server: SdkState, detail: Detail) -> SdkState:
    """The server with this detail, and the next version if that is news."""
    if detail == server.detail:
        return server
    return replace(server, detail=detail, resource_version=server.resource_version + 1)


def reborn(server: SdkState, *, now_s: float) -> SdkState:
    """A server whose life has ended begins another, under the same name; else unchanged."""
    if server.view.state not in FINAL:
        return server
    again = replace(server.view, state=State.SCHEDULED, public_key="")
    fresh = new_server(again, server.health, now_s=now_s, detail=server.detail)
    check_s = math.inf if server.check_s == math.inf else fresh.check_s
    return replace(fresh, check_s=check_s, resource_version=server.resource_version + 1)


def pinged(server: SdkState, *, now_s: float) -> SdkState:
    """It says that it is well. Before its first period begins this changes nothing."""
    return replace(server, pinged_s=max(server.pinged_s, now_s), failures=0)


def checked(server: SdkState, *, now_s: float) -> SdkState:
    """What time did to it: its health was lost, or its reservation ended.

    A caller who comes late counts one failure at most: then it was the caller who
    slept, and the pings of that time have not been read yet.
    """
    if server.view.state is State.RESERVED and now_s >= server.reserved_until_s:
        server = _moved(_moved(server, Event.END_RESERVE), Event.PUBLISH)
    if now_s < server.check_s or server.view.state not in RUNNING:
        return server
    period_s = server.health.period_s
    next_s = server.check_s + period_s
    checked_once = replace(
        server,
        check_s=next_s if next_s > now_s else now_s + period_s,
        failures=server.failures + 1 if now_s - server.pinged_s >= period_s else 0,
    )
    if checked_once.failures < server.health.failure_threshold:
        return checked_once
    return _moved(checked_once, Event.LOSE_HEALTH)


def check_key(key: str, *, field: str) -> None:
    """Raise Invalid unless Kubernetes takes this as the key of a label or an annotation."""
    prefix, slash, name = key.rpartition("/")
    prefix_fits = _KEY_PREFIX.fullmatch(prefix) and len(prefix) <= 253 if slash else True
    if not prefix_fits or not _KEY_NAME.fullmatch(name):
        raise Invalid(
            f"{key!r} is no key: an optional DNS name with a slash, then at most 63 letters, "
            "digits, '-', '_' and '.', with a letter or digit at both ends",
            field=field,
        )


def check_label(value: str, *, field: str) -> None:
    """Raise Invalid unless Kubernetes takes this as the value of a label."""
    if not _LABEL_VALUE.fullmatch(value):
        raise Invalid(
            f"{value!r} is no label: at most 63 letters, digits, '-', '_' and '.', "
            "with a letter or digit at both ends; free text belongs in an annotation",
            field=field,
        )


def _moved(server: SdkState, event: Event) -> SdkState:
    state = step(server.view.state, event)
    return seen_as(replace(server, reserved_until_s=math.inf), replace(server.view, state=state))


def seen_as(server: SdkState, view: ServerView) -> SdkState:
    """The server with this view, and the next version if that is news."""
    if view == server.view:
        return server
    return replace(server, view=view, resource_version=server.resource_version + 1)
