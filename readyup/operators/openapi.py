"""The operator API's description, made of its table of routes and the types that check it."""

import re
from functools import cache
from importlib import metadata
from typing import Any

import msgspec

from core.web import Problem
from readyup.operators.door import COOKIE
from readyup.operators.routes import ROUTES, Route

PATH = "/v1/operator/openapi.json"


@cache
def openapi() -> dict[str, Any]:
    """OpenAPI 3.1, as a JSON-able dict."""
    shapes = [shape for route in ROUTES for shape in (route.answer, route.body) if shape]
    _, schemas = msgspec.json.schema_components(
        [*dict.fromkeys(shapes), Problem], ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ReadyUp operator API",
            "version": metadata.version("readyup"),
            "description": "Operators look at queues, fleets, servers, tickets and matches, "
            "and change them; every change is audited.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
        "security": [{"token": []}, {"cookie": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    problems = [401, 429, 503]
    parameters = [_parameter(name) for name in re.findall(r"{(\w+)}", route.path)]
    if parameters:
        problems.append(404)
    if route.body:
        problems += [400, 403, 408, 413]
    if route.is_change() or route.role is None:
        problems.append(409)
    if route.name == "readAudit":
        problems.append(400)
        parameters += [_query("limit", "integer", "1 to 500"), _query("before", "string", "a next")]
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "x-readyup-role": str(route.role) if route.role else "everybody",
        "responses": {
            "200": {
                "description": route.answer.__name__,
                "content": _json(route.answer.__name__),
            },
            **{str(status): _problem() for status in sorted({*problems, *_forbidden(route)})},
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = {"required": True, "content": _json(route.body.__name__)}
    if route.role is None:
        operation["security"] = []
    return operation


def _forbidden(route: Route) -> tuple[int, ...]:
    return (403,) if route.role is not None else ()


def _json(shape: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}


def _problem() -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": "Problem", "content": {"application/problem+json": schema}}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, kind: str, what: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": what, "schema": {"type": kind}}
