"""A match on its way, from the pass that found it to the players who know where to go."""

from dataclasses import dataclass

from core.ids import FleetName, MatchId
from core.placement import ClaimOrder, Placement
from matchmaker.regions import Latencies
from matchmaker.tickets import Fill, Teams


@dataclass(slots=True)
class Forming:
    """A match on its way."""

    order: ClaimOrder
    teams: Teams
    formed_us: int
    """When match and free room both existed: the pass that found it, or the room's coming."""

    fleets: tuple[FleetName, ...] = ()
    """Fleets that may give it a room; only the first may be asked. As its record names them."""

    latencies: Latencies = ()
    fill: Fill | None = None
    """Where these are newcomers to a match that runs; no room is claimed then."""

    receipt: str = ""
    """Why it was made, as JSON; kept with its record."""

    placement: Placement | None = None
    asked_us: int = 0
    """When a room was asked for first."""

    claim_us: int = 0
    """How long the claim took; 0 when it waited in line."""

    def plays(self) -> MatchId:
        """The match that its players are to play in."""
        return self.fill.of if self.fill else self.order.match
