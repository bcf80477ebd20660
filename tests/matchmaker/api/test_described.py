"""The player API answers what its description says, whatever it is asked."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from core.errors import ReadyUpError
from matchmaker.api.desk import Desk
from matchmaker.api.openapi import openapi
from tests.matchmaker.api.described import PHASES, WATCHED, Examined, Finding, examined, player_api


@pytest.fixture
def url(valkey_url: str) -> Iterator[str]:
    with player_api(valkey_url) as where:
        yield where


def description(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:  # noqa: S310 - loopback
        return json.load(answer)


def operations(described: dict[str, Any]) -> set[str]:
    """Those that are asked: all but the one whose answer does not end."""
    return {
        f"{method.upper()} {path}"
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method != "parameters" and operation["operationId"] != WATCHED
    }


def told(result: Examined) -> str:
    return "\n".join(f"{f.operation}: {f.check}: {f.said}" for f in result.findings)


@pytest.mark.timeout(180)  # five seconds of work, and machines are shared
def test_every_operation_answers_as_described(url: str):
    described = description(url)

    result = examined(url, described, cases=2, phases=("coverage", "stateful"))

    assert not result.findings, told(result)
    assert {operation for operation, _ in result.answers} == operations(described)
    assert result.answers["POST /v1/tickets", 201] > 0
    assert result.answers["GET /v1/tickets/{ticket}", 200] > 0
    assert result.answers["DELETE /v1/tickets/{ticket}", 200] > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_operation_answers_as_described_whatever_it_is_asked(url: str, seed: int):
    result = examined(url, description(url), cases=150, phases=PHASES, seed=seed)

    assert not result.findings, told(result)


async def _broken(*_: object, **__: object) -> None:
    raise RuntimeError("planted")


class Gone(ReadyUpError):
    """A status that no description names."""

    status = 410


async def _gone(*_: object, **__: object) -> None:
    raise Gone("planted")


def test_a_planted_failure_is_found(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Desk, "read", _broken)

    result = examined(url, description(url), cases=1, phases=("coverage",), only="readTicket")

    assert Finding("GET /v1/tickets/{ticket}", "not_a_server_error", "") in result.findings


def test_a_planted_status_that_is_not_described_is_found(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Desk, "cancel", _gone)

    result = examined(url, description(url), cases=1, phases=("coverage",), only="cancelTicket")

    assert Finding("DELETE /v1/tickets/{ticket}", "status_code_conformance", "") in result.findings


def test_a_route_without_its_key_check_is_found(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("matchmaker.api.http.bearer", lambda _: "dev-backend")

    result = examined(url, description(url), cases=1, phases=("coverage",), only="createTickets")

    assert any(finding.check == "ignored_auth" for finding in result.findings)


def test_a_description_names_the_queues_that_are_there_and_their_largest_party():
    asked = openapi({"duel": 1, "squad": 5})["components"]["schemas"]["TicketIn"]["properties"]

    assert asked["queue"]["enum"] == ["duel", "squad"]
    assert asked["players"]["maxItems"] == 5


def test_only_post_is_for_batches(url: str):
    async def allowed() -> tuple[int, str | None]:
        async with aiohttp.ClientSession() as http, http.delete(f"{url}/v1/tickets/batch") as said:
            return said.status, said.headers.get("Allow")

    assert asyncio.run(allowed()) == (405, "POST")
