"""The commands of the runbooks, as the operator of a demo types them: each answers."""

import re
from pathlib import Path

import aiohttp
import pytest

from tests.monitoring.live import Demo, demo
from tests.monitoring.test_rules import RUNBOOKS

ELSEWHERE = {
    "readyup fleet lint arena --live": "a cluster",
    "readyup capacity backtest arena.csv --sweep": "a recorded load of hours",
    "readyup rules simulate": "rules of yours",
    "readyup fleet plan arena --remove PLAN": "a plan that is told by its id",
}
"""Commands that ask for what a demo has not; `tests/docs` looks up their options."""


def commands() -> list[str]:
    """Every command with something after it, each once, those that take a ticket away last."""
    pages = "\n".join(page.read_text("utf-8") for page in sorted(RUNBOOKS.glob("Ready*.md")))
    said = re.findall(r"(?m)^(readyup .+)$|`(readyup [a-z-]+ [^`]+)`", pages)
    found = {(line or span).strip() for line, span in said}
    return sorted(found - ELSEWHERE.keys(), key=lambda one: ("cancel" in one, one))


def test_the_runbooks_have_commands():
    assert {one.split()[1] for one in commands()} >= {"top", "fleet", "operator", "explain"}


@pytest.mark.slow
@pytest.mark.alerts
@pytest.mark.timeout(600)
async def test_every_command_of_the_runbooks_answers_a_demo(tmp_path: Path):
    async with demo(tmp_path / "run", play_s=900) as played:
        ticket = await _waiting(played)
        for command in commands():
            typed = command.partition(" > ")[0].replace("TICKET", ticket)
            # As many as the demo's fleet may have.
            words = re.sub(r"--servers \d+", "--servers 12", typed).split()[1:]
            said = await played.readyup(*words, *_where(played, words[0]))
            print(f"$ {command}\n{said}")

            assert said.strip(), command


async def _waiting(played: Demo) -> str:
    """A ticket that nobody can play with."""
    body = {"queue": "duel", "players": [{"id": "lonely", "rating": 90_000}]}
    headers = {"Authorization": "Bearer dev-backend"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{played.api()}/v1/tickets", json=body) as answer,
    ):
        ticket: str = (await answer.json())["id"]
        return ticket


def _where(played: Demo, verb: str) -> tuple[str, ...]:
    """Where the demo is, for that verb."""
    match verb:
        case "top" | "operator":
            return ("--url", played.console())
        case "explain":
            return ("--url", played.api(), "--console", played.console())
        case "bench" | "events" | "rules":
            return ()
        case _:
            return ("--config", str(played.folder / "readyup.json"))
