"""What the page is told: one value a moment, and the points its charts are made of.

The words are those of the house; the page's modules read these fields by name.
"""

from dataclasses import dataclass

from core.pause import Pause
from matchmaker.shadow_figures import ShadowFigures
from readyup.console.goodness import Goodness

Dot = tuple[str, float | None, int, int]
"""A waiting ticket: the end of its id, mean MMR, players, milliseconds since 1970 it came."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue now."""

    name: str
    waiting: int
    """Tickets."""

    players_waiting: int
    placing: int
    """Matches that have no announced room yet."""

    oldest_wait_ms: int
    wait_ms_p50: float | None
    wait_ms_p95: float | None
    matches_per_min: float
    pass_ms_p50: float | None
    pass_ms_p99: float | None
    holder: str
    """Who leads the queue; empty while nobody does."""

    epoch: int
    dots: tuple[Dot, ...]
    """The tickets that are drawn: all of them, or an even sample of many."""

    mmr_low: float
    mmr_high: float
    """Ends of the rating axis."""

    paused: Pause | None = None
    """By whom, when an operator has paused its matching."""

    shadow: ShadowFigures | None = None
    """What its shadow rules would do, where it has some."""

    estimate_s_p50: float | None = None
    """Within how many seconds half of those who come now will have a match, as they are told."""

    estimate_s_p90: float | None = None
    """And nine in ten."""

    goodness: Goodness | None = None
    """Of its recent matches; None before the first."""


@dataclass(frozen=True, slots=True)
class MatchView:
    """One match on its way; a step's time is milliseconds since 1970, 0 while it is to come."""

    match: str
    queue: str
    players: int
    teams: tuple[float | None, ...]
    """Mean MMR of each team, in the order of the teams' names."""

    tickets: tuple[str, ...]
    """Ends of the ticket ids, as in ``QueueView.dots``."""

    server: str
    """Name of the server, empty before a room is held."""

    proposed_ms: int
    in_line_ms: int
    """Since when it waited for a room; 0 when it never had to."""

    held_ms: int
    announced_ms: int
    playing_ms: int
    closed: str
    """Why it was given up; empty as long as it was not."""

    ended: bool
    asks_until_ms: int = 0
    """While its players are asked to accept it: until when."""


@dataclass(frozen=True, slots=True)
class TickView:
    """How late a server's ticks are, in milliseconds."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    instability: float
    rate_hz: float


@dataclass(frozen=True, slots=True)
class ServerTile:
    """One game server."""

    uid: str
    name: str
    state: str
    """Agones' own name of the state."""

    step: str
    """starting, ready, claimed, playing, leaving or failed: what the tile's colour says."""

    address: str
    port: int
    version: str
    cores: tuple[int, ...]
    pinned: str
    shared: int
    """How many other servers are pinned to one of its cores."""

    rooms: str
    """A letter a room: f free, h held, r retiring, s suspect, or - not in the pool yet."""

    players: int
    tick: TickView | None
    health: str
    """ok, silent (no heartbeat lately), new (none yet) or unhealthy."""


@dataclass(frozen=True, slots=True)
class PoolView:
    """A fleet's rooms by how soon they can be played in."""

    playing: int
    claimed: int
    """In the reserve: handed out in about a millisecond."""

    ready: int
    starting: int
    leaving: int
    in_line: int
    """Matches that wait for a room."""

    line_ms: int
    """How long the first of them has waited."""


@dataclass(frozen=True, slots=True)
class FleetView:
    """One fleet now."""

    name: str
    servers: tuple[ServerTile, ...]
    more_servers: int
    """Servers beyond those listed."""

    pool: PoolView
    replicas: int | None
    """How many servers are wanted; None before the first plan."""

    why: str
    """The plan's reason, as stored."""

    paused: Pause | None = None
    """By whom, when an operator has it hand out no room."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers at the top."""

    players_waiting: int
    players_playing: int
    matches_playing: int
    matches_per_min: float
    tickets_per_s: float
    wait_ms_p50: float | None
    wait_ms_p95: float | None
    place_ms_p50: float | None
    place_ms_p95: float | None


@dataclass(frozen=True, slots=True)
class Promises:
    """What should be zero, and out of how many events it was counted."""

    breaches: int
    lost: int
    leaked: int
    events: int


@dataclass(frozen=True, slots=True)
class Series:
    """Chart points, one a second, as columns of equal length."""

    t_s: tuple[int, ...]
    tickets_per_s: tuple[float, ...]
    matches_per_s: tuple[float, ...]
    wait_ms_p50: tuple[float | None, ...]
    wait_ms_p95: tuple[float | None, ...]
    wait_ms_p99: tuple[float | None, ...]
    place_ms_p50: tuple[float | None, ...]
    place_ms_p99: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the page shows, but for the charts' past."""

    now_ms: int
    store_lost_ms: int
    """How long Redis has not answered; 0 while it does."""

    totals: Totals
    queues: tuple[QueueView, ...]
    fleets: tuple[FleetView, ...]
    matches: tuple[MatchView, ...]
    """The newest first."""

    promises: Promises | None
    latest: Series
    """The last few seconds of the charts; what a reader skipped comes again here."""
