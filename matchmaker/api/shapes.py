"""What travels over the player API, as types: msgspec checks it and OpenAPI is made of it."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from matchmaker.waits import Estimate

PlayerIn = Annotated[
    str,
    Meta(
        # In Python $ also matches before a last newline.
        pattern=r"^[A-Za-z0-9_.-]{1,64}(?!\n)$",
        description="A player's id: 1 to 64 letters, digits, dots, dashes or underscores.",
    ),
]
Rating = Annotated[float, Meta(ge=-1e6, le=1e6, description="Skill; 1500 is a new player.")]
Sigma = Annotated[
    float, Meta(ge=0, le=1e6, description="How uncertain the rating is: its standard deviation.")
]
Key = Annotated[str, Meta(min_length=1, max_length=4096)]
Word = Annotated[str, Meta(max_length=100)]
Amount = Annotated[float, Meta(ge=-1e15, le=1e15)]
Attributes = Annotated[
    dict[
        Annotated[str, Meta(max_length=64)],
        Amount
        | Word
        | Annotated[list[Word], Meta(max_length=100)]
        | Annotated[dict[Word, Amount], Meta(max_length=10)],
    ],
    Meta(max_length=10, description="What the queue's rule set declares of a player."),
]
Latencies = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[float, Meta(ge=0, le=60_000)]],
    Meta(max_length=64, description="Round trip to each region, in milliseconds."),
]


class Member(Struct, forbid_unknown_fields=True):
    """One player of a ticket."""

    id: PlayerIn
    rating: Rating | None = None
    rating_sigma: Sigma | None = None
    key: Key | None = None
    """The player's own key; others' players can only be enlisted with theirs."""

    attributes: Attributes | None = None
    latency_ms: Latencies | None = None


class TicketIn(Struct, forbid_unknown_fields=True):
    """A request for a match."""

    queue: Annotated[str, Meta(max_length=40)]
    players: Annotated[list[Member], Meta(min_length=1, max_length=100)]
    wait_s: Annotated[float, Meta(gt=0, le=86400)] | None = None
    """How long the ticket may wait, in seconds; at most the queue's own lifetime."""

    avoid: Annotated[list[PlayerIn], Meta(max_length=100)] = []
    """Players with whom it is in no match. Counts as far as the caller is trusted."""


class BatchIn(Struct, forbid_unknown_fields=True):
    """Many requests of one game back end; each is answered for itself."""

    tickets: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=500)]


class Assignment(Struct):
    """Where one player goes, and the token that lets them in."""

    match: str
    ticket: str
    """The ticket that led here."""

    address: str
    port: int
    token: str
    server: str
    team: str
    seat: int
    epoch: int
    """Rises when the match is moved; the highest one counts."""


class AnswerIn(Struct, forbid_unknown_fields=True):
    """Whether players come to the match that their ticket is asked about."""

    match: Annotated[str, Meta(max_length=100)]
    """As the ticket's ``acceptance`` names it: an answer counts for no other."""

    accept: bool
    players: Annotated[list[PlayerIn], Meta(min_length=1, max_length=100)] | None = None
    """For whom a back end speaks; without it, for all of the ticket. A player speaks for itself."""


class AcceptanceOut(Struct):
    """A match that asks the ticket's players whether they come."""

    match: str
    by_ms: int
    """Who has not answered by then has not come."""

    accepted: list[str]
    """Those of this ticket who have accepted."""


class TicketOut(Struct, omit_defaults=True):
    """A ticket as it is now."""

    id: str
    queue: str
    status: str
    ver: int
    """Rises with every change; a lower one is old news."""

    players: list[str]
    enqueued_ms: int
    reason: str = ""
    why: str = ""
    """What kept it waiting, in a sentence, when it had waited long; GET .../why looks now."""

    estimated_wait_s: Estimate | UnsetType | None = UNSET
    """How many more seconds it will wait, while it is QUEUED; null when too little is known."""

    acceptance: AcceptanceOut | UnsetType = UNSET
    """While the status is REQUIRES_ACCEPTANCE."""

    assignment: Assignment | UnsetType = UNSET
    """Your own, when you are a player."""

    assignments: dict[str, Assignment] | UnsetType = UNSET
    """Each player's, when you are the back end that asked."""


class BatchOut(Struct):
    """One answer for each request, in order: a ticket or a problem."""

    results: list[Any]


class PenaltyIn(Struct, forbid_unknown_fields=True):
    """A player spoiled a match, as a game back end saw."""

    reason: Annotated[str, Meta(pattern=r"^[a-z][a-z-]{0,39}(?!\n)$")] = "left"


class PenaltyOut(Struct):
    """What keeps a player from asking for another match."""

    player: str
    count: int
    """Offences that are not forgotten."""

    until_ms: int
    """When they may ask again; in the past when they may already."""

    reason: str


# A float, for to JSON 2.0 is as whole as 2.
Seats = Annotated[float, Meta(ge=1, le=1_000, multiple_of=1)]


class BackfillIn(Struct, forbid_unknown_fields=True):
    """Players, please, for a match that runs."""

    open: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Seats],
        Meta(min_length=1, max_length=100, description="Team to seats."),
    ]
    gone: Annotated[
        list[PlayerIn],
        Meta(max_length=1_000, description="Whose seats may be given away."),
    ] = []
    wait_s: (
        Annotated[
            float,
            Meta(gt=0, le=86_400, description="After so many seconds nobody is wanted any more."),
        ]
        | None
    ) = None


class BackfillOut(Struct):
    """What became of a request for players."""

    match: str
    state: str
    """open or withdrawn."""


class SessionOut(Struct):
    """The running match of a player."""

    player: str
    match: str
    queue: str
    state: str
    assignment: Assignment


class Enqueue(Struct, tag="enqueue", tag_field="type", forbid_unknown_fields=True):
    """Frame of a player's socket: let me play."""

    queue: Annotated[str, Meta(max_length=40)]
    rating: Rating | None = None
    rating_sigma: Sigma | None = None
    attributes: Attributes | None = None
    latency_ms: Latencies | None = None
    party: Annotated[list[Member], Meta(max_length=99)] = []
    """The others of the party; each with a key of their own."""

    wait_s: Annotated[float, Meta(gt=0, le=86400)] | None = None
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    traceparent: Annotated[str, Meta(max_length=255)] = ""
    """Of your own trace (W3C), to be continued; over HTTP it is a header."""


class Heartbeat(Struct, tag="heartbeat", tag_field="type", forbid_unknown_fields=True):
    """Frame of a player's socket: I am here. It is answered with the same."""


class Cancel(Struct, tag="cancel", tag_field="type", forbid_unknown_fields=True):
    """Frame of a player's socket: I do not want to play any more."""


class Answer(Struct, tag="acceptance", tag_field="type", forbid_unknown_fields=True):
    """Frame of a player's socket: I come to that match, or I do not."""

    ticket: Annotated[str, Meta(max_length=100)]
    match: Annotated[str, Meta(max_length=100)]
    accept: bool


Frame = Enqueue | Heartbeat | Cancel | Answer
