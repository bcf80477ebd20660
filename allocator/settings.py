"""What an operator may choose about one fleet's allocation."""

from dataclasses import dataclass
from typing import Literal

from core.ids import FleetName

Ack = Literal["sessions", "label", "none"]
"""How a fleet's servers take a match: through the sessions API, by a label that they set with
Agones' SDK, or not at all; then it counts that the cluster took what was written for them."""

ACK_MS = 2_000
"""How long a server may take to acknowledge a match before the match is moved."""

LETTER_ACK_MS = 15_000
"""The same where the word goes through the API server, there and back."""


def ack_ms(ack: Ack) -> int:
    """How long a server may take to acknowledge a match before the match is moved."""
    return ACK_MS if ack == "sessions" else LETTER_ACK_MS


OnLost = Literal["handover", "end"]
"""What becomes of a match in play whose server is gone."""


@dataclass(frozen=True, slots=True)
class AllocatorSettings:
    """One fleet. Durations in milliseconds unless the name says otherwise."""

    fleet: FleetName

    ack: Ack = "sessions"
    """How servers take a match."""

    reserve_rooms: int = 4
    """Free rooms kept claimed, ready to be handed out in about a millisecond. 0 = only what
    the waiting line asks for."""

    surplus_patience_ms: int = 60_000
    """A server too many in the reserve is given back after this long. 0 = never."""

    take_patience_ms: int = 5_000
    """A server asked for and not Allocated by then may be asked for again."""

    silent_ms: int = 5_000
    """A server not heard for this long is silent: five missed heartbeats."""

    listen_ms: int = 10_000
    """Silence is judged only after the allocator itself has listened this long, so that its
    own restart is nobody else's fault: servers need time to come back to it."""

    suspect_rest_ms: int = 5_000
    """How long a suspect room rests, so that a server that heartbeats and never acknowledges
    is not asked at every turn."""

    suspect_give_up_ms: int = 60_000
    """A room that stayed suspect this long gets its server retired. 0 = never."""

    late_ms: float = 5.0
    """A server is late when one of a hundred ticks comes later than this, and four times later
    than is usual in its fleet: its rooms are handed out last. 0 = nobody is."""

    late_for_ms: int = 30_000
    """A server that stays late so long is given up after its last match. 0 = never."""

    moved_wait_ms: int = 20_000
    """How long a match that lost its server may wait at the front of the line for another one
    before it is abandoned, or, when nobody had joined it, lost."""

    on_lost: OnLost = "handover"
    """Whether a match in play goes on at another server when its own is gone, or ends."""

    handovers_max: int = 10
    """A match that so many servers in a row took and left before they kept a snapshot of it is
    not given to another: it may be what kills them. Nor is one that was at five times as many
    in all. Counting every server, chance alone ended matches in 200 kills."""

    snapshot_s: float = 1.0
    """How often a server may say what a match's next server would need."""

    finish_s: float = 0.0
    """How long a server that is told to go plays on before it hands its matches over."""

    rejoin_s: float = 20.0
    """How long a player who left a match in play is awaited before the seat may be given away."""

    retire_after_matches: int = 0
    """A server that hosted so many matches is retired. 0 = never."""

    session_lifetime_ms: int = 7_200_000
    """Hard limit of a session; two hours end it whatever its server says. 0 = none."""

    join_deadline_s: float = 20.0
    """A server with a match and no player after this long releases it."""

    heartbeat_s: float = 1.0
    """How often a server is asked to be heard."""

    send_s: float = 5.0
    """A server that does not take a frame for this long is dropped."""

    @property
    def ack_ms(self) -> int:
        """How long a server may take to acknowledge a match before the match is moved."""
        return ack_ms(self.ack)
