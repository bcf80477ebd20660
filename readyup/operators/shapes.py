"""What the operator API takes and answers, as types that check and describe it."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from core.pause import Pause
from fleets.capacity.events import Every, Lasting, Moment, Servers
from matchmaker.shadow_figures import ShadowFigures
from readyup.console.snapshot import PoolView, ServerTile
from readyup.operators.audit import Record
from readyup.operators.roles import Role


class ChangeIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a change needs besides its address."""

    reason: Annotated[str, Meta(max_length=200)] = ""
    """For those who read the audit later."""


class PlanIn(ChangeIn, kw_only=True, forbid_unknown_fields=True):
    """A size to be announced; the reason is told to whoever asks why, too."""

    servers: Servers
    """Servers there shall be at least, those in use included."""

    at: Moment | None = None
    """When players come, with its offset: 2026-12-24T20:00:00Z. Null is now."""

    for_s: Lasting = 3600.0
    every: Every = ""
    """Whether it comes again, at the same time of UTC."""


class LoginIn(msgspec.Struct, forbid_unknown_fields=True):
    """A token, for a cookie."""

    token: Annotated[str, Meta(min_length=1, max_length=200)]


class ChangeOut(msgspec.Struct):
    """What a change found and left. ``id`` finds it in the audit."""

    id: str
    what: str
    target: str
    before: str
    after: str


class MeOut(msgspec.Struct):
    """Who you are here, and which operations are yours."""

    name: str
    role: Role
    login: bool
    """Whether operators sign in here; false where everybody on this machine is an admin."""

    may: list[str]


class QueueOut(msgspec.Struct):
    """A queue now."""

    name: str
    waiting: int
    players_waiting: int
    placing: int
    oldest_wait_ms: int
    wait_ms_p50: float | None
    wait_ms_p95: float | None
    matches_per_min: float
    holder: str
    epoch: int
    paused: Pause | None
    shadow: ShadowFigures | None = None


class FleetOut(msgspec.Struct):
    """A fleet now."""

    name: str
    servers: int
    pool: PoolView
    replicas: int | None
    why: str
    paused: Pause | None


class ServerOut(msgspec.Struct):
    """A server now."""

    fleet: str
    server: ServerTile


class OperatorOut(msgspec.Struct):
    """An operator of the settings."""

    name: str
    role: Role


class PlanOut(msgspec.Struct):
    """A size that was announced."""

    name: str
    at: dt.datetime
    servers: int
    for_s: float
    every: str
    reason: str
    fixed: bool
    """It stands in the settings, so it is not taken back here."""


class PlansOut(msgspec.Struct):
    """What is announced for a fleet, the earliest first, and then what the settings say."""

    plans: list[PlanOut]


class QueuesOut(msgspec.Struct):
    """Every queue."""

    queues: list[QueueOut]


class FleetsOut(msgspec.Struct):
    """Every fleet."""

    fleets: list[FleetOut]


class ServersOut(msgspec.Struct):
    """The servers of every fleet, at most 240 of each."""

    servers: list[ServerOut]


class OperatorsOut(msgspec.Struct):
    """Every operator."""

    operators: list[OperatorOut]


class AuditOut(msgspec.Struct):
    """Changes, the newest first. ``next`` is the ``before`` of the next page; empty at the end."""

    records: list[Record]
    next: str
