"""An API beside its own description: what it answers that the description does not say.

Schemathesis makes the requests, valid ones and broken ones; its findings come back as values.
"""

import asyncio
import contextlib
import copy
import itertools
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from core.ids import FleetName, QueueName
from core.redis import Store
from matchmaker.api.http import IDEMPOTENCY_KEY_MAX
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.serving import service_of

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)

PHASES = ("examples", "coverage", "fuzzing", "stateful")

WATCHED = "watchTicket"
"""Left out: its answer lasts as long as its ticket, and a client that reads it whole waits."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was answered otherwise than described."""

    operation: str
    check: str
    said: str = field(compare=False)


@dataclass(slots=True)
class Examined:
    """What came of it."""

    findings: set[Finding] = field(default_factory=set)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often an operation answered with a status."""


def examined(
    url: str,
    description: dict[str, Any],
    *,
    cases: int,
    phases: Collection[str],
    seed: int = 1,
    only: str | None = None,
) -> Examined:
    """Ask every operation but the watched one, or ``only`` one, with so many made-up cases."""
    settings = {
        "seed": seed,
        "base-url": url,
        "headers": {"Authorization": "Bearer dev-backend"},
        "request-timeout": 10,
        "workers": 1,
        "continue-on-failure": True,
        "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
        "phases": {name: {"enabled": name in phases} for name in PHASES},
        "generation": {"max-examples": cases, "no-shrink": True, "database": "none"},
    }
    schema = schemathesis.openapi.from_dict(
        copy.deepcopy(description), config=SchemathesisConfig.from_dict(settings)
    )
    schema = schema.include(operation_id=only) if only else schema.exclude(operation_id=WATCHED)
    result = Examined()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            pytest.fail(str(event))
        if isinstance(event, events.ScenarioFinished):
            _note(event, result)
    return result


@schemathesis.hook("before_call")
def _as_our_rules_say(_context: object, case: schemathesis.Case, _kwargs: object) -> None:
    """Two rules that no schema can say: a key is for one request, a player is listed once."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and len(key) <= IDEMPOTENCY_KEY_MAX:
        case.headers["Idempotency-Key"] = f"key-{next(_KEYS)}"
    players = case.body.get("players") if isinstance(case.body, dict) else None
    seen: set[str] = set()
    for n, player in enumerate(players if isinstance(players, list) else []):
        name = player.get("id") if isinstance(player, dict) else None
        if isinstance(name, str) and name in seen:
            player["id"] = f"{name[:50]}.{n}"
        seen.add(str(name))


_KEYS = itertools.count()


def _note(event: events.ScenarioFinished, result: Examined) -> None:
    labels = {key: node.value.operation.label for key, node in event.recorder.cases.items()}
    for key, interaction in event.recorder.interactions.items():
        if interaction.response is not None:
            result.answers[labels[key], interaction.response.status_code] += 1
    for key, checks in event.recorder.checks.items():
        for check in checks:
            if wrong := check.failure_info:
                answer = event.recorder.interactions[key].response
                if check.name == "negative_data_rejection" and answer.status_code == 413:
                    continue  # a text that is too long is refused with its body, unread
                said = f"{wrong.failure.title}: {wrong.failure.message}; {wrong.code_sample[:500]}"
                result.findings.add(Finding(labels[key], check.name, said))


@contextlib.contextmanager
def player_api(valkey_url: str) -> Iterator[str]:
    """The real player API before a real Valkey, on a thread of its own; yields its URL."""
    started, url = threading.Event(), list[str]()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        store = await Store.connect(valkey_url)
        await store.call("FLUSHALL")
        queue = QueueSettings(QueueName("squad"), Rules(("red", "blue"), 5), FleetName("arena"))
        service = service_of(store, {"squad": QueueStore(store, queue)})
        async with service.serving(host="127.0.0.1", port=0) as port:
            url.append(f"http://127.0.0.1:{port}")
            started.set()
            await stop.wait()
        await store.aclose()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10), "the API did not start"
    try:
        yield url[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
