"""Who the players are: ratings, parties, roles, patience and mishaps, all drawn from dice."""

import math
import random
from dataclasses import dataclass

from core.errors import Invalid
from readyup.bots.behaviour import NEVER, Comes, Round

RATING_MEAN, RATING_SPREAD = 1500.0, 300.0
RATING_MIN, RATING_MAX = 0.0, 3000.0

PARTY_SIZES = (1, 2, 3)
ROLES, ROLE_WEIGHTS = ("tank", "healer", "damage"), (25, 25, 50)
HOMES = {"europe": 50, "america": 30, "asia": 20}
"""Region to how often players live there."""

FAR_MS = {("america", "europe"): 90.0, ("america", "asia"): 150.0, ("asia", "europe"): 180.0}
"""What the way between two regions adds to a round trip."""

THINK_SHAPE = 4.0
"""Of the gamma law of think times: few players requeue at once, few dawdle."""

ROUND_S_GUESS = 6.0
"""Wait and match of a round before any was measured."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How this crowd behaves.

    The defaults are computed for 200 players on 48 rooms, where a duel of 3 s holds a room
    for 3.6 s and a squad of six for 6.8 s, with gathering, rejoins and change-over: a duel
    costs 1.8 room-seconds a player, a squad 1.1. With 30% of the players in squads and 8 s to
    think between matches half of the rooms are busy.
    """

    squad_share: float = 0.3
    """Of players, not of parties: who plays in the squad queue."""

    party_weights: tuple[float, ...] = (50.0, 30.0, 20.0)
    """How often a squad's party has 1, 2, 3 players."""

    think_s_mean: float = 8.0
    """Between two matches."""

    rounds_mean: float = 5.0
    """Matches (or cancelled waits) before a player goes home; geometric."""

    cancel_share: float = 0.05
    """Of waits: patience ends within a second, should the match not come first."""

    drop_share: float = 0.08
    """Of matches: the link is lost and the player comes back."""

    crash_share: float = 0.01
    """Of rounds: the player vanishes for good, half of them waiting, half playing."""

    leave_share: float = 0.0
    """Of rounds: the player goes home in the middle of the match."""

    decline_share: float = 0.0
    """Of rounds: a match that asks is declined."""

    sleep_share: float = 0.0
    """Of rounds: a match that asks gets no answer."""

    def __post_init__(self) -> None:
        shares = ("squad_share", "cancel_share", "drop_share", "crash_share")
        for name in (*shares, "leave_share", "decline_share", "sleep_share"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise Invalid(f"{name} is {share}; give a share from 0 to 1", field=f"$.{name}")
        if not 0.0 < self.think_s_mean < math.inf:
            raise Invalid("think_s_mean must be more than 0 s", field="$.think_s_mean")
        if not 1.0 <= self.rounds_mean < math.inf:
            raise Invalid("rounds_mean must be at least 1", field="$.rounds_mean")
        if len(self.party_weights) != len(PARTY_SIZES) or not _weights(self.party_weights):
            raise Invalid("party_weights are three weights, not all 0", field="$.party_weights")


def _weights(weights: tuple[float, ...]) -> bool:
    return all(0.0 <= weight < math.inf for weight in weights) and sum(weights) > 0.0


def party_size_mean(habits: Habits) -> float:
    """Players per party in the squad queue."""
    weights = habits.party_weights
    return sum(size * w for size, w in zip(PARTY_SIZES, weights, strict=True)) / sum(weights)


def squad_group_share(habits: Habits) -> float:
    """Share of arriving groups that go to squads, so that ``squad_share`` of players do."""
    size, share = party_size_mean(habits), habits.squad_share
    return share / (share + (1.0 - share) * size)


def group_size_mean(habits: Habits) -> float:
    """Players per arriving group, over both queues."""
    share = squad_group_share(habits)
    return share * party_size_mean(habits) + (1.0 - share)


def arrivals_per_s(habits: Habits, players: int, round_s: float) -> float:
    """Groups arriving per second that keep about ``players`` present (M/G/inf, Little's law).

    A stay is a geometric number of rounds, each of ``think_s_mean`` and then ``round_s``
    of waiting and playing; a crash, or a match that is left, ends it early.
    """
    stays = (1.0 - habits.crash_share) * (1.0 - habits.leave_share)
    stays_on = (1.0 - 1.0 / habits.rounds_mean) * stays
    stay_s = (habits.think_s_mean + round_s) / (1.0 - stays_on)
    return players / stay_s / group_size_mean(habits)


def draw_group(habits: Habits, dice: random.Random) -> tuple[str, int]:
    """An arriving group: its queue and its size."""
    if dice.random() < squad_group_share(habits):
        return "squad", dice.choices(PARTY_SIZES, habits.party_weights)[0]
    return "duel", 1


def draw_rating(dice: random.Random) -> float:
    """N(1500, 300), within the ladder's scale."""
    rating = dice.gauss(RATING_MEAN, RATING_SPREAD)
    return round(min(RATING_MAX, max(RATING_MIN, rating)), 1)


def draw_roles(size: int, dice: random.Random) -> list[str]:
    """What each of a party plays; three who come together have agreed on it."""
    if size == len(ROLES):
        return list(ROLES)
    return dice.choices(ROLES, ROLE_WEIGHTS, k=size)


def draw_latencies(dice: random.Random) -> dict[str, float]:
    """Round trips to every region from where a party lives."""
    home = dice.choices(list(HOMES), list(HOMES.values()))[0]
    own_ms = dice.uniform(15.0, 50.0)
    ways_ms = {pair: far_ms for pair, far_ms in FAR_MS.items() if home in pair}
    return {home: round(own_ms, 1)} | {
        next(one for one in pair if one != home): round(own_ms + far_ms, 1)
        for pair, far_ms in ways_ms.items()
    }


def draw_rounds(habits: Habits, dice: random.Random) -> int:
    """Rounds until a party goes home: geometric, at least 1."""
    if habits.rounds_mean <= 1.0:
        return 1
    return 1 + int(math.log(1.0 - dice.random()) / math.log(1.0 - 1.0 / habits.rounds_mean))


def draw_round(habits: Habits, dice: random.Random) -> Round:
    """One round's dice. As many are thrown each time, so that shares do not shift the rest."""
    think_s = dice.gammavariate(THINK_SHAPE, habits.think_s_mean / THINK_SHAPE)
    cancels, drops, crashes, waiting = (dice.random() for _ in range(4))
    cancel_after_s, crash_after_s = dice.uniform(0.02, 1.0), dice.uniform(0.05, 1.5)
    drop_after_s, away_s = dice.uniform(0.3, 1.2), dice.uniform(0.2, 0.8)
    crashing = crashes < habits.crash_share
    return Round(
        think_s=max(0.5, think_s),
        cancel_after_s=cancel_after_s if cancels < habits.cancel_share else NEVER,
        crash_waiting_after_s=crash_after_s if crashing and waiting < 0.5 else NEVER,
        crash_playing_after_s=crash_after_s if crashing and waiting >= 0.5 else NEVER,
        drop_after_s=drop_after_s if drops < habits.drop_share else NEVER,
        away_s=away_s,
        leave_after_s=_draw_leaving(habits, dice),
        comes=_draw_comes(habits, dice),
    )


def _draw_leaving(habits: Habits, dice: random.Random) -> float:
    if not habits.leave_share:
        return NEVER  # without a throw: crowds that stay are what they were
    leaves, after_s = dice.random() < habits.leave_share, dice.uniform(0.3, 1.5)
    return after_s if leaves else NEVER


def _draw_comes(habits: Habits, dice: random.Random) -> Comes:
    if not (habits.decline_share or habits.sleep_share):
        return Comes.ACCEPT  # without a throw: crowds that always come are what they were
    thrown = dice.random()
    if thrown < habits.decline_share:
        return Comes.DECLINE
    return Comes.SLEEP if thrown < habits.decline_share + habits.sleep_share else Comes.ACCEPT


def backoff_s(failures: int, dice: random.Random) -> float:
    """Seconds before the next try: full jitter under a ceiling that doubles up to 2 s."""
    return dice.uniform(0.0, min(2.0, 0.1 * 2.0 ** min(failures, 10)))
