"""What a crowd says of its players to a queue with rules, and what a burst of it is."""

import asyncio
from collections import Counter

import pytest

from core import dice
from core.clock import LoopClock
from core.errors import Invalid
from readyup.bots.burst import ASKED_WITHIN_S, Burst, of_burst
from readyup.bots.crowd import Crowd, CrowdSettings
from readyup.bots.habits import HOMES, ROLES, draw_latencies, draw_roles
from tests.readyup.bots.fakes import FakeService
from tests.virtual_loop import run


def a_run(settings: CrowdSettings) -> tuple[FakeService, dict[str, float]]:
    """The service afterwards, and when each player first asked."""
    service, asked_s = FakeService(rooms=40), dict[str, float]()
    hear = service.hear

    def noted(player: str, frame: dict) -> None:
        if frame["type"] == "enqueue":
            asked_s.setdefault(player, asyncio.get_running_loop().time())
        hear(player, frame)

    service.hear = noted

    async def main() -> None:
        crowd = Crowd(settings, service, service, clock=LoopClock())
        report = await crowd.run(stop=asyncio.Event())
        assert report.unexpected == {}

    run(main(), seed=settings.seed)
    return service, asked_s


def test_every_member_of_a_party_has_a_role_and_the_party_lives_in_one_place():
    service, _ = a_run(CrowdSettings(players=60, duration_s=10.0, seed=5))
    asked = [f for _, f in service.frames if f["type"] == "enqueue" and f["queue"] == "squad"]
    parties = [frame for frame in asked if frame.get("party")]

    assert parties
    for frame in parties:
        members = [frame, *frame["party"]]
        assert len(members) <= 3
        assert all(member["attributes"]["role"] in ROLES for member in members)
        assert all(member["latency_ms"] == frame["latency_ms"] for member in members)


def test_three_who_come_together_have_agreed_on_their_roles():
    chance = dice.stream(1, "roles")

    assert Counter(draw_roles(3, chance)) == Counter(ROLES)
    assert len(draw_roles(2, chance)) == 2


def test_players_are_near_one_region_and_far_from_the_others():
    chance = dice.stream(1, "homes")
    for _ in range(50):
        near, *far = sorted(draw_latencies(chance).values())
        assert near <= 50.0
        assert len(far) == len(HOMES) - 1
        assert min(far) >= near + 90.0 - 0.1


def test_a_burst_asks_at_its_moment_for_so_many_duels():
    _, asked_s = a_run(
        CrowdSettings(players=10, duration_s=12.0, seed=4, burst=Burst(matches=20, at_s=6.0))
    )
    began_s = min(asked_s.values())
    burst = [at_s - began_s for player, at_s in asked_s.items() if of_burst(player)]

    assert len(burst) == 40
    assert max(burst) - min(burst) <= ASKED_WITHIN_S + 0.01
    assert 4.0 < min(burst) < 6.6  # the first of the others asked within two seconds


@pytest.mark.parametrize("text", ["", "50", "0@20", "50@", "-3@20", "5000@20"])
def test_what_is_no_burst_is_refused(text: str):
    with pytest.raises(Invalid, match="50@20 is 50 matches at second 20"):
        Burst.of(text)
