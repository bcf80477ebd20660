"""Log lines: the same fields everywhere, whose they are, and nothing that opens a door."""

import ast
import json
import logging
import re
from pathlib import Path

import pytest
import structlog

from core.telemetry import within
from docs.generate import LOGGING, _logged
from gameserver.logs import EventFormatter
from readyup.commands.process import configure_logging
from readyup.logs import hidden

ROOT = Path(__file__).parents[2]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"  # noqa: S105 - planted
SECRETS = (
    TOKEN,
    f"Bearer {TOKEN}",
    "Bearer dev-player:ann",
    "rub_0123456789abcdefghij",
    "rus_0123456789abcdefghij",
    "ruo_0123456789abcdefghij",
    "redis://:hunter2hunter2@store:6379/0",
)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]):
    """What is logged as JSON while the test runs."""
    configure_logging(as_json=True, role="director", name="director-1")
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_says_whose_it_is_and_which_trace_it_belongs_to(lines):
    log = structlog.get_logger("readyup.test")
    with within(TRACE):
        log.info("match.made", match="duel.1")
    log.info("match.made", match="duel.2")
    inside, outside = lines()

    assert inside["trace_id"] == TRACE.split("-")[1]
    assert "trace_id" not in outside
    assert (outside["role"], outside["name"]) == ("director", "director-1")
    assert (outside["event"], outside["match"], outside["level"]) == (
        "match.made",
        "duel.2",
        "info",
    )


@pytest.mark.parametrize("secret", SECRETS)
def test_a_planted_secret_is_in_no_line(secret: str, lines):
    log = structlog.get_logger("readyup.test")
    log.warning("request.failed", reason=f"it said {secret} to us")
    try:
        raise ValueError(f"Authorization: {secret}")
    except ValueError:
        log.exception("request.failed", path="/v1/tickets")
    text = json.dumps(lines())

    bare = re.sub(r"^(Bearer |redis://:)", "", secret).partition("@")[0]
    assert bare not in text
    assert text.count("[hidden]") >= 2


@pytest.mark.parametrize(
    "plain",
    [
        "duel.2a7d4e0c9b8f4a6e8d7c6b5a49382716",
        "http://127.0.0.1:4318/v1/traces",
        "unix:///tmp/readyup-x/valkey.sock",
        "match.committed",
    ],
)
def test_what_is_no_secret_stays_as_it_is(plain: str):
    assert hidden(plain) == plain


def test_a_game_servers_lines_have_the_same_fields():
    record = logging.makeLogRecord(
        {"msg": "match.refused", "levelno": 30, "levelname": "WARNING", "match": "duel.1"}
    )
    said = json.loads(EventFormatter(as_json=True, name="arena-x").format(record))
    plain = EventFormatter(as_json=False, name="arena-x").format(record)

    said.pop("timestamp")
    assert said == {
        "role": "gameserver",
        "name": "arena-x",
        "match": "duel.1",
        "event": "match.refused",
        "level": "warning",
    }
    assert plain.endswith("[warning] match.refused match=duel.1")


def test_every_event_has_a_name_of_one_form_and_no_second_word_for_a_reason():
    logged = [
        (event, facts)
        for package in LOGGING
        for file in (ROOT / package).rglob("*.py")
        for event, _, facts in _logged(ast.parse(file.read_text("utf-8")))
    ]
    odd = {event for event, _ in logged if not re.fullmatch(r"[a-z]+(\.[a-z_-]+)?", event)}
    seconds = {"error", "uid", "ticket_id", "match_id", "server_id"}

    assert len(logged) > 30
    assert odd == set()
    assert [(event, fact) for event, facts in logged for fact in facts if fact in seconds] == []
