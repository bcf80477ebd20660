"""What the pages of one server, one match, one ticket and of the promises are told."""

from dataclasses import dataclass

from matchmaker.engine.receipt import Receipt
from readyup.console.promises import Broken
from readyup.console.snapshot import Promises, ServerTile
from readyup.console.ticks import TickSeries


@dataclass(frozen=True, slots=True)
class ServerName:
    """A server in a sentence: its name where we know it, else the start of its uid."""

    uid: str
    name: str


@dataclass(frozen=True, slots=True)
class StepView:
    """One event of a timeline."""

    t_ms: int
    since_ms: int
    """Since the timeline's zero; negative for what came before."""

    src: str
    kind: str
    words: str
    server: ServerName | None


@dataclass(frozen=True, slots=True)
class SeatView:
    """One player of a match."""

    player: str
    ticket: str
    mmr: float | None
    """Of its ticket; None when the ticket is not known any more."""

    waited_ms: int | None
    """From enqueued to announced, or to the match's last step while it is not. None of a
    newcomer."""

    newcomer: bool
    """Came when the match was running already."""


@dataclass(frozen=True, slots=True)
class TeamView:
    """One team of a match."""

    name: str
    mmr: float | None
    seats: tuple[SeatView, ...]
    open: int
    """Seats that newcomers are asked for; those who left keep theirs until then."""


@dataclass(frozen=True, slots=True)
class MatchDetail:
    """One match. Times count from when the first of its tickets was enqueued."""

    match: str
    queue: str
    state: str
    """forming, playing, ended or closed."""

    reason: str
    of: str
    """The running match that its players joined as newcomers, which ends this one; else empty."""

    zero_ms: int
    fleet: str
    room: str
    server: ServerName | None
    address: str
    epochs: tuple[int, ...]
    """Session epochs, one for each room it held."""

    teams: tuple[TeamView, ...]
    tickets: tuple[str, ...]
    receipt: Receipt | None
    """Why it was made; None where that is not known any more."""

    steps: tuple[StepView, ...]
    source: str
    """``streams``, or ``store`` for one that the streams told too long ago."""


@dataclass(frozen=True, slots=True)
class TicketDetail:
    """One ticket. Times count from when it was enqueued."""

    ticket: str
    queue: str
    status: str
    """As its players are told; empty when its record is gone."""

    reason: str
    players: tuple[str, ...]
    mmr: float | None
    zero_ms: int
    expires_ms: int
    matches: tuple[str, ...]
    """Every match that was proposed with it, the last one last."""

    steps: tuple[StepView, ...]
    source: str


@dataclass(frozen=True, slots=True)
class RoomDetail:
    """One room of a server."""

    room: str
    state: str
    match: str
    queue: str
    epoch: int
    served: int
    """Matches it has served."""


@dataclass(frozen=True, slots=True)
class ServerMatch:
    """A match that a server hosted."""

    match: str
    queue: str
    room: str
    state: str
    reason: str
    players: int
    began_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class ServerDetail:
    """One server, also for a while after it is gone."""

    now_ms: int
    fleet: str
    tile: ServerTile
    pid: int
    created_ms: int
    beat_ms: int
    gone: str
    """Why it is gone; empty while it is there."""

    gone_ms: int
    rooms: tuple[RoomDetail, ...]
    ticks: TickSeries
    matches: tuple[ServerMatch, ...]
    log: tuple[str, ...] | None
    """The last lines it printed; None when this console cannot read them."""


@dataclass(frozen=True, slots=True)
class PromisesDetail:
    """What was promised, and what of it was broken."""

    promises: Promises | None
    whole: bool
    """Whether every stream was seen from its first event on."""

    broken: tuple[Broken, ...]
    judged: dict[str, int]
    """By promise, how many things it judged."""
