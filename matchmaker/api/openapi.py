"""The player API's description, made from the very types that check it."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import msgspec

from core.web import Problem
from matchmaker.api.shapes import (
    AnswerIn,
    BackfillIn,
    BackfillOut,
    BatchIn,
    BatchOut,
    PenaltyIn,
    PenaltyOut,
    SessionOut,
    TicketIn,
    TicketOut,
)
from matchmaker.api.why import WhyOut

_SHAPES = (
    *(TicketIn, TicketOut, AnswerIn, BatchIn, BatchOut, SessionOut, WhyOut),
    *(PenaltyIn, PenaltyOut, BackfillIn, BackfillOut, Problem),
)


def openapi(party_size_max: Mapping[str, int]) -> dict[str, Any]:
    """OpenAPI 3.1, as a JSON-able dict, for queues with the largest party of each."""
    _, schemas = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
    _merge_null(schemas)
    if party_size_max:
        asked = schemas["TicketIn"]["properties"]
        asked["queue"]["enum"] = sorted(party_size_max)
        asked["players"]["maxItems"] = max(party_size_max.values())
    schemas["BatchOut"]["properties"]["results"]["items"] = {
        "anyOf": [_reference("TicketOut"), _reference("Problem")]
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ReadyUp player API",
            "version": metadata.version("readyup"),
            "description": "Players ask for a match and are told where to play.",
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _merge_null(schema: Any) -> None:  # noqa: ANN401 - any part of a JSON schema
    """Say "a text or null" as one schema of two types, which readers and tools take better."""
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            _merge_null(part)
    if not isinstance(schema, dict):
        return
    match schema.get("anyOf"):
        case [{"type": str() as kind} as one, {"type": "null"}]:
            del schema["anyOf"]
            schema |= one | {"type": [kind, "null"]}
        case _:
            pass


def _paths() -> dict[str, Any]:
    ticket = _parameter("ticket", "A ticket's id.")
    return {
        "/v1/tickets": {
            "post": _operation(
                "createTicket",
                "Ask for a match, alone or as a party.",
                body="TicketIn",
                answers={200: "TicketOut", 201: "TicketOut"},
                links=("readTicket", "cancelTicket"),
                problems=(400, 401, 403, 408, 409, 413, 429, 503),
                parameters=[
                    _header(
                        "Idempotency-Key",
                        "The same key and request again gives the same ticket.",
                        maxLength=255,
                    ),
                    _TRACEPARENT,
                ],
            )
        },
        "/v1/tickets/batch": {
            "post": _operation(
                "createTickets",
                "Many requests of one game back end, each answered for itself.",
                body="BatchIn",
                answers={200: "BatchOut"},
                problems=(400, 401, 403, 408, 413, 503),
                parameters=[_TRACEPARENT],
            )
        },
        "/v1/tickets/{ticket}": {
            "parameters": [ticket],
            "get": _operation(
                "readTicket",
                "A ticket as it is now.",
                answers={200: "TicketOut"},
                problems=(401, 404, 429, 503),
            ),
            "delete": _operation(
                "cancelTicket",
                "Take a ticket out. 409 when its match was committed first.",
                answers={200: "TicketOut"},
                problems=(401, 404, 409, 429, 503),
            ),
        },
        "/v1/tickets/{ticket}/acceptance": {
            "parameters": [ticket],
            "post": _operation(
                "answerMatch",
                "Accept the match that asks this ticket, or decline it. 409 when it asks no more.",
                body="AnswerIn",
                answers={200: "TicketOut"},
                problems=(400, 401, 403, 404, 408, 409, 413, 429, 503),
            ),
        },
        "/v1/tickets/{ticket}/why": {
            "parameters": [ticket],
            "get": _operation(
                "explainTicket",
                "What keeps a ticket waiting. 409 when it does not wait any more.",
                answers={200: "WhyOut"},
                problems=(401, 404, 409, 429, 503),
            ),
        },
        "/v1/tickets/{ticket}/events": {
            "parameters": [ticket],
            "get": {
                "operationId": "watchTicket",
                "summary": "Server-sent events: the ticket now and at each change, to its end.",
                "responses": {
                    "200": {
                        "description": "A stream of events named ticket; data is a TicketOut.",
                        "content": {"text/event-stream": {"schema": {"type": "string"}}},
                    },
                    **_problems((401, 404, 429, 503)),
                },
            },
        },
        "/v1/queues/{queue}/penalties/{player}": _penalty_operations(),
        "/v1/matches/{match}/backfill": _backfill_operations(),
        "/v1/players/{player}/session": {
            "parameters": [_parameter("player", "A player's id.")],
            "get": _operation(
                "readSession",
                "Where a player's match runs now, with a fresh token: the way back after a drop.",
                answers={200: "SessionOut"},
                problems=(401, 404, 429, 503),
            ),
        },
    }


def _penalty_operations() -> dict[str, Any]:
    return {
        "parameters": [_parameter("queue", "A queue."), _parameter("player", "A player's id.")],
        "get": _operation(
            "readPenalty",
            "What a game back end's player has to wait for. 404 when nothing is held against them.",
            answers={200: "PenaltyOut"},
            problems=(401, 403, 404, 503),
        ),
        "post": _operation(
            "addPenalty",
            "The player spoiled a match. 409 where the queue punishes nobody.",
            body="PenaltyIn",
            answers={200: "PenaltyOut"},
            problems=(400, 401, 403, 404, 408, 409, 413, 503),
        ),
        "delete": _operation(
            "liftPenalty",
            "Forget all that the player did; answers what it was.",
            answers={200: "PenaltyOut"},
            problems=(401, 403, 404, 503),
        ),
    }


def _backfill_operations() -> dict[str, Any]:
    return {
        "parameters": [_parameter("match", "A match that runs.")],
        "post": _operation(
            "askForPlayers",
            "Open seats of a running match to newcomers; a newer request takes the older's place, "
            "and what the match's server asks for waits until it is over. "
            "409 where the queue asks for nobody, or newcomers are on their way.",
            body="BackfillIn",
            answers={200: "BackfillOut"},
            problems=(400, 401, 403, 404, 408, 409, 413, 503),
        ),
        "delete": _operation(
            "askForNobody",
            "Take back whatever is asked for, by the match's server too. "
            "409 when newcomers are on their way.",
            answers={200: "BackfillOut"},
            problems=(401, 403, 404, 409, 503),
        ),
    }


def _header(name: str, description: str, **limits: int) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **limits},
    }


# One that is malformed is ignored, as W3C asks, so no limit is named.
_TRACEPARENT = _header("traceparent", "Of your own trace (W3C), to be continued.")


def _operation(
    name: str,
    summary: str,
    *,
    answers: dict[int, str],
    problems: tuple[int, ...],
    body: str = "",
    parameters: list[dict[str, Any]] | None = None,
    links: tuple[str, ...] = (),
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": {
            **{
                str(status): {"description": shape, "content": _json(shape)} | _links(links)
                for status, shape in answers.items()
            },
            **_problems(problems),
        },
    }
    if body:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    if parameters:
        operation["parameters"] = parameters
    return operation


def _json(shape: str) -> dict[str, Any]:
    return {"application/json": {"schema": _reference(shape)}}


def _links(operations: tuple[str, ...]) -> dict[str, Any]:
    """What can be asked next with the id of the ticket that was answered."""
    parameters = {"ticket": "$response.body#/id"}
    links = {name: {"operationId": name, "parameters": parameters} for name in operations}
    return {"links": links} if links else {}


def _reference(shape: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape}"}


def _problems(statuses: tuple[int, ...]) -> dict[str, Any]:
    schema = {"schema": _reference("Problem")}
    return {
        str(status): {"description": "Problem", "content": {"application/problem+json": schema}}
        for status in statuses
    }


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }
