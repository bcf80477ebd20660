"""A queue as its operator describes it."""

from dataclasses import dataclass
from typing import Literal

from core.errors import Invalid
from core.ids import NAME, FleetName, QueueName
from matchmaker.rules.asked import Asked
from matchmaker.rules.rollout import Rollout


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """One queue: its rules, its fleet and its limits."""

    name: QueueName
    rules: Asked
    """A rating window (teams, team_size, window), or a FlexMatch rule set (rules)."""

    fleet: FleetName | tuple[FleetName, ...]
    """Where its matches are played: a fleet, or a list of fleets in order of preference. Of
    several the nearest to a match's players is asked, then any other that has room."""

    latency_max_ms: float = 0.0
    """With several fleets: one whose region is farther from any of a match's players is not
    asked while there is another. 0 is no limit. Players measure, ``latency_ms`` in a ticket."""

    group: str = ""
    """Queues of one exclusive group share players: in one of them at a time. Empty: its own."""

    ticket_lifetime_s: float = 600.0
    """How long a ticket may wait before it times out."""

    presence_s: float = 20.0
    """Grace after the last sign of life of a player's ticket. Back ends' tickets need none."""

    unmatched_s: float = 30.0
    """A ticket that has waited so long is told that there is no match for it yet, and why; again
    whenever its wait has doubled. At most half its queue's lifetime; 0 tells nobody."""

    placing_s: float = 30.0
    """How long a match may wait for a room before its tickets go back with their age."""

    acceptance_s: float = 0.0
    """Ready check: how long the players of a match have to accept it before a room is claimed. Who
    declines or sleeps leaves the queue, the others keep their place. 0 asks nobody."""

    penalty_s: float = 0.0
    """How long a player who declines a match, sleeps through it or leaves it early may not ask
    for another; twice as long each further time. 0 punishes nobody."""

    penalty_max_s: float = 900.0
    """The longest such wait."""

    penalty_forgiven_s: float = 3600.0
    """For every so many seconds without another one, one offence is forgotten."""

    backfill: Literal["off", "manual", "auto"] = "off"
    """Whether a running match may get players for open seats: never, when its game server or a back
    end asks, or also when players left and did not come back within the fleet's ``rejoin_s``."""

    rematch_cooldown_s: float = 0.0
    """For how long after a match was made its players are not matched together again. Of a match
    of more than 40 players nobody is kept apart. 0 keeps nobody apart."""

    rematch_with: Literal["opponents", "anybody"] = "opponents"
    """Whom that is about: those of other teams, or everybody in the match; never one's party."""

    rematch_mercy_s: float = 60.0
    """Who has waited for so long meets the same people again after all, if they have too."""

    line_max: int = 8
    """Matches that may wait in line for a room; beyond it tickets wait in the queue,
    where better matches can still be found for them."""

    waiting_max: int = 200_000
    """Tickets the queue holds; the next one is told to come back (503)."""

    on_duplicate: Literal["conflict", "update"] = "conflict"
    """A second ticket of the same players is a 409, or updates the first in its place."""

    trust_player_attributes: bool = False
    """Whether ratings that players send themselves count. Back ends are always trusted."""

    wait_for_quality_s: float = 0.0
    """How long a player would wait, on average, rather than play a match of quality 0. With 0 a
    match is made as soon as the rules allow it. For queues with a rule set."""

    shadow_rules: Asked | None = None
    """A second rule set, that is tried on the queue's live tickets and matches nobody: a file or
    its text, as in ``rules``. What it would do is shown beside what is done."""

    rollout_rules: Rollout | None = None
    """New rules for a share of the tickets: ``{file, percent, mercy_s}``. Its teams have the names
    of the queue's own; who has waited for ``mercy_s`` seconds goes by the queue's own rules."""

    default_rating: float = 1500.0
    """The rating of a player whose own word does not count and for whom nobody else spoke."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise Invalid(f"{self.name!r} must match {NAME.pattern}", field="$.name")
        if self.ticket_lifetime_s <= 0 or self.presence_s <= 0 or self.placing_s <= 0:
            raise Invalid(
                "ticket_lifetime_s, presence_s and placing_s are seconds above 0",
                field=f"$.{self.name}",
            )
        if not self.fleets() or len(set(self.fleets())) < len(self.fleets()):
            raise Invalid("name one fleet, or several once each", field=f"$.{self.name}.fleet")
        if not 0 <= self.wait_for_quality_s <= 3600:
            raise Invalid(
                f"wait_for_quality_s {self.wait_for_quality_s:g} is outside 0-3600",
                field=f"$.{self.name}",
            )
        if not 0 <= self.unmatched_s < float("inf"):
            raise Invalid("unmatched_s is seconds, 0 or more", field=f"$.{self.name}")
        self._refuse_penalties()
        self._refuse_rematches()
        if not 0 <= self.acceptance_s <= 600:
            raise Invalid(
                f"acceptance_s {self.acceptance_s:g} is outside 0-600", field=f"$.{self.name}"
            )
        if self.rollout_rules is not None:
            ours, theirs = self.rules.team_names(), self.rollout_rules.rules.team_names()
            if set(ours) != set(theirs):
                raise Invalid(
                    f"has teams {', '.join(theirs)}; a game server that knows {', '.join(ours)} "
                    "would not know them",
                    field=f"$.{self.name}.rollout_rules",
                )
        if self.line_max < 1 or self.waiting_max < 1:
            raise Invalid("line_max and waiting_max are at least 1", field=f"$.{self.name}")

    def _refuse_penalties(self) -> None:
        if not 0 <= self.penalty_s <= self.penalty_max_s <= 86_400 or self.penalty_forgiven_s < 1:
            raise Invalid(
                "penalty_s is at most penalty_max_s, that a day, and penalty_forgiven_s at least 1",
                field=f"$.{self.name}",
            )

    def _refuse_rematches(self) -> None:
        if not (0 <= self.rematch_cooldown_s <= 86_400 and 0 < self.rematch_mercy_s <= 86_400):
            raise Invalid(
                "rematch_cooldown_s is seconds up to a day, and rematch_mercy_s is above 0",
                field=f"$.{self.name}",
            )

    def fleets(self) -> tuple[FleetName, ...]:
        """Every fleet, the most preferred first."""
        return (FleetName(self.fleet),) if isinstance(self.fleet, str) else self.fleet

    def tag(self) -> str:
        """What its keys share with those of its group: one slot."""
        return f"{{q:{self.group or self.name}}}"

    def base(self) -> str:
        """The prefix of its keys."""
        return f"{self.tag()}:{self.name}"
