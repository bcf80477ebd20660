"""A match asks a bot whether it comes: the bot says so, says no, or sleeps."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from core import dice
from core.clock import LoopClock
from core.eventfile import EventFile
from readyup.bots.behaviour import Comes
from readyup.bots.diary import Diary
from readyup.bots.habits import Habits, draw_round
from readyup.bots.lifeline import Lifeline
from readyup.bots.messages import Push, decode_push
from readyup.bots.requests import Requests
from readyup.bots.tally import Tally
from tests.virtual_loop import run


class Line:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, frame: bytes) -> None:
        self.sent.append(msgspec.json.decode(frame))


def asked(*accepted: str) -> Push:
    acceptance = {"match": "duel.m1", "by_ms": 9, "accepted": accepted}
    ticket = {"id": "t1", "status": "REQUIRES_ACCEPTANCE", "ver": 2, "acceptance": acceptance}
    push: Push = decode_push(msgspec.json.encode({"type": "ticket", "ticket": ticket}))
    return push


async def answers(path: Path, push: Push, comes: Comes) -> list[bool]:
    """What the bot said, each as it noted it before."""
    line, file = Line(), EventFile(path, "bot", LoopClock())
    requests = Requests(cast("Lifeline", line), Diary("ann", "duel", Tally(), file))
    await requests.come(push, "ann", comes)
    file.close()
    noted = [msgspec.json.decode(said) for said in path.read_bytes().splitlines()]
    keys = ("ticket", "match", "accept")
    assert [[said[key] for key in keys] for said in line.sent] == [
        [said[key] for key in keys] for said in noted
    ]
    return [said["accept"] for said in line.sent]


@pytest.mark.parametrize(
    ("comes", "accepted", "said"),
    [
        (Comes.ACCEPT, (), [True]),
        (Comes.ACCEPT, ("bo",), [True]),
        (Comes.ACCEPT, ("ann",), []),
        (Comes.DECLINE, (), [False]),
        (Comes.SLEEP, (), []),
    ],
)
def test_a_bot_answers_as_it_means_to_and_once_it_is_heard_no_more(
    tmp_path: Path, comes: Comes, accepted: tuple[str, ...], said: list[bool]
):
    assert run(answers(tmp_path / "bot.jsonl", asked(*accepted), comes), seed=1) == said


def test_bots_come_unless_they_are_asked_not_to():
    chance = dice.stream(1, "bot", 1)
    habits = Habits(decline_share=0.2, sleep_share=0.3)
    drawn = [draw_round(habits, chance).comes for _ in range(2_000)]

    assert draw_round(Habits(), chance).comes is Comes.ACCEPT
    assert drawn.count(Comes.DECLINE) == pytest.approx(400, abs=60)
    assert drawn.count(Comes.SLEEP) == pytest.approx(600, abs=60)
