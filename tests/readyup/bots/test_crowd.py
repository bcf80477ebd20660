"""A crowd under virtual time: who comes, what they manage, and what they leave behind."""

import asyncio
import json
from pathlib import Path
from statistics import mean

import pytest

from core import dice
from core.clock import LoopClock
from core.errors import Invalid
from readyup.bots.crowd import Crowd, CrowdSettings
from readyup.bots.habits import Habits, arrivals_per_s, draw_group, draw_rating, group_size_mean
from readyup.bots.report import CrowdReport, Figures
from tests.readyup.bots.fakes import FakeService
from tests.virtual_loop import run


def a_run(
    settings: CrowdSettings, service: FakeService, *, stop_s: float | None = None
) -> tuple[CrowdReport, list[Figures]]:
    figures: list[Figures] = []

    async def main() -> CrowdReport:
        stop = asyncio.Event()
        if stop_s is not None:
            asyncio.get_running_loop().call_later(stop_s, stop.set)
        crowd = Crowd(settings, service, service, clock=LoopClock())
        return await crowd.run(stop=stop, on_tick=figures.append)

    return run(main(), seed=settings.seed), figures


def test_twenty_seconds_of_200_players_on_24_rooms_make_over_100_matches():
    service = FakeService(rooms=24)

    report, figures = a_run(CrowdSettings(players=200, duration_s=20.0, seed=7), service)

    assert report.matches["completed"] > 100
    assert report.matches["completed"] == report.matches["made"]
    assert report.wait_ms["p50"] < 2_000
    assert figures[0].matches_made >= 5  # the demo is alive after a second
    assert report.unexpected == {}


def test_a_run_leaves_nothing_behind():
    service = FakeService(rooms=6)

    report, _ = a_run(CrowdSettings(players=60, duration_s=15.0, seed=3), service)

    assert not any(line.open for line in service.lines.values())
    assert not any(ticket["status"] == "QUEUED" for ticket in service.tickets.values())
    tickets = report.tickets
    assert tickets["created"] == tickets["assigned"] + tickets["cancelled"]
    assert report.rejoins["succeeded"] <= report.rejoins["tried"]


def test_a_stopped_run_gives_running_matches_three_seconds_and_no_more():
    service = FakeService(match_s={"duel": 60.0, "squad": 60.0})
    settings = CrowdSettings(players=30, duration_s=1_000.0, seed=2)

    report, _ = a_run(settings, service, stop_s=20.0)

    assert 20.0 + settings.quick_drain_s <= report.duration_s <= 20.0 + 2 * settings.quick_drain_s
    assert report.matches["made"] > 0
    assert report.unexpected == {}  # a match that the end of the run cuts short is no error
    assert not any(line.open for line in service.lines.values())


def test_whoever_drops_comes_back_and_whoever_crashes_says_no_goodbye(tmp_path: Path):
    service = FakeService()
    settings = CrowdSettings(
        players=40,
        duration_s=60.0,
        seed=5,
        habits=Habits(drop_share=0.5, crash_share=0.2, squad_share=0.2),
        events=tmp_path / "bots.jsonl",
    )

    report, _ = a_run(settings, service)
    events = [json.loads(line) for line in (tmp_path / "bots.jsonl").read_text().splitlines()]
    kinds = [event["k"] for event in events]

    assert report.rejoins["tried"] > 10
    assert report.rejoins["succeeded"] == report.rejoins["tried"]
    assert kinds.count("bot.crashed") == sum(not line.said_goodbye for line in service.dialled) > 3
    assert kinds.count("bot.crashed") + kinds.count("bot.left") == report.players
    assert all(event["src"] == f"bot/{event['player']}" for event in events)


def test_the_same_seed_gives_the_same_run(tmp_path: Path):
    def said(path: Path) -> str:
        a_run(CrowdSettings(players=30, duration_s=20.0, seed=11, events=path), FakeService())
        return path.read_text()

    assert said(tmp_path / "one") == said(tmp_path / "two") != ""


def test_poisson_arrivals_keep_about_as_many_present_as_asked():
    settings = CrowdSettings(
        players=50, duration_s=300.0, seed=13, habits=Habits(squad_share=0.0, think_s_mean=4.0)
    )

    report, figures = a_run(settings, FakeService(rooms=100))
    present = mean(moment.present for moment in figures if moment.t_s < settings.duration_s)

    assert 40 < present < 60
    assert report.players > 300  # many came and went


def test_arrival_rates_obey_littles_law():
    habits = Habits(squad_share=0.0, think_s_mean=6.0, rounds_mean=5.0, crash_share=0.0)

    assert arrivals_per_s(habits, 100, round_s=4.0) == pytest.approx(100 / (5.0 * 10.0))


def test_groups_split_the_players_between_the_queues_as_asked():
    habits, chance = Habits(squad_share=0.4), dice.stream(1, "groups")
    groups = [draw_group(habits, chance) for _ in range(20_000)]
    players = sum(size for _, size in groups)

    assert sum(size for queue, size in groups if queue == "squad") / players == pytest.approx(
        0.4, abs=0.02
    )
    assert players / len(groups) == pytest.approx(group_size_mean(habits), rel=0.02)


def test_ratings_are_normal_within_the_scale():
    ratings = [draw_rating(dice.stream(1, "bot", n)) for n in range(5_000)]

    assert mean(ratings) == pytest.approx(1500, abs=15)
    assert sum(abs(rating - 1500) < 300 for rating in ratings) / len(ratings) == pytest.approx(
        0.683, abs=0.03
    )
    assert min(ratings) >= 0
    assert max(ratings) <= 3000


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "127.0.0.1:8080"}, "$.url"),
        ({"players": 0}, "$.players"),
        ({"duration_s": 0.0}, "$.duration_s"),
        ({"name": "b t"}, "$.name"),
        ({"key": "dev-backend"}, "$.key"),
    ],
)
def test_bad_settings_are_refused_with_their_place(wrong: dict[str, object], field: str):
    with pytest.raises(Invalid) as refused:
        CrowdSettings(**wrong)

    assert refused.value.field == field


def test_a_share_above_one_is_refused():
    with pytest.raises(Invalid, match="from 0 to 1"):
        Habits(drop_share=8.0)
