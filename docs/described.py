"""An OpenAPI document as Markdown: a table of its routes, then one for each shape."""

from collections.abc import Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]
"""Any part of the document."""

PROBLEM = "Problem"

LIMITS: Mapping[str, str] = {
    "minimum": "at least {:,}",
    "exclusiveMinimum": "above {:,}",
    "maximum": "at most {:,}",
    "minLength": "at least {:,} characters",
    "maxLength": "at most {:,} characters",
    "minItems": "at least {:,} of them",
    "maxItems": "at most {:,} of them",
    "maxProperties": "at most {:,} of them",
}
"""Keyword of JSON Schema to how we say it."""


def routes(api: Part) -> str:
    """Every operation: what it is for, what it takes, what it answers."""
    rows = ["| request | | takes | answers | problems |", "|---|---|---|---|---|"]
    for path, item in api["paths"].items():
        shared = item.get("parameters", [])
        for method, asked in item.items():
            if method == "parameters":
                continue
            summary = " ".join([asked["summary"], *_roles(asked)])
            takes = "; ".join(_taken(asked, [*shared, *asked.get("parameters", [])]))
            good, bad = _answers(asked["responses"])
            rows.append(f"| `{method.upper()} {path}` | {summary} | {takes} | {good} | {bad} |")
    return "\n".join(rows)


def shapes(api: Part) -> str:
    """Every shape that bodies and answers have, under a heading of its own."""
    return "\n\n".join(_shape(name, one) for name, one in api["components"]["schemas"].items())


def _roles(asked: Part) -> Iterator[str]:
    if role := asked.get("x-readyup-role"):
        yield f"For {role}."


def _taken(asked: Part, parameters: list[Part]) -> Iterator[str]:
    if body := asked.get("requestBody"):
        yield _of(next(iter(body["content"].values()))["schema"])
    for one in parameters:
        if one["in"] != "path":
            where = "header" if one["in"] == "header" else "query"
            yield f"{where} `{one['name']}`: {one['description'].rstrip('.')}"


def _answers(responses: Part) -> tuple[str, str]:
    good: dict[str, list[str]] = {}
    bad: list[str] = []
    for status, one in responses.items():
        (content,) = one.get("content", {"": {"schema": {}}}).values()
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        if name == PROBLEM:
            bad.append(status)
        else:
            good.setdefault(_linked(name) if name else one["description"], []).append(status)
    told = (f"{' or '.join(statuses)}: {what}" for what, statuses in good.items())
    return "; ".join(told), " ".join(bad)


def _shape(name: str, schema: Part) -> str:
    said = [f"### {name}", ""]
    if about := schema.get("description"):
        said += [about, ""]
    if "enum" in schema:
        return "\n".join([*said, f"One of {_enum(schema)}."])
    rows = ["| field | value | needed | |", "|---|---|---|---|"]
    for field, value in schema.get("properties", {}).items():
        needed = "yes" if field in schema.get("required", ()) else ""
        rows.append(f"| `{field}` | {_of(value)} | {needed} | {_words(value)} |")
    return "\n".join([*said, *rows])


def _of(value: Part) -> str:
    """What kind of value it is, in words."""
    match value:
        case {"$ref": str(name)}:
            return _linked(name.rpartition("/")[2])
        case {"enum": _}:
            return _enum(value)
        case {"anyOf": list(choices)}:
            return " or ".join(_of(one) for one in choices)
        case {"type": list(kinds)}:
            return " or ".join(_of({**value, "type": one}) for one in kinds)
        case {"type": "array", "items": dict(items)}:
            return f"list of {_of(items)}"
        case {"type": "object", "additionalProperties": dict(of)}:
            return f"object of {_of(of)}"
        case {"type": str(kind)}:
            return "text" if kind == "string" else kind
        case _:
            return "anything"


def _words(value: Part) -> str:
    """What is said about it, and its limits."""
    about = value.get("description", "")
    limits = [words.format(value[key]) for key, words in LIMITS.items() if key in value]
    told = ", ".join(limits)
    return " ".join(
        part for part in (about, f"{told[:1].upper()}{told[1:]}." if told else "") if part
    )


def _enum(value: Part) -> str:
    return ", ".join(f"`{one}`" for one in value["enum"])


def _linked(name: str) -> str:
    return f"[{name}](#{name.lower()})"
