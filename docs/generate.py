"""Fills in the tables that are made of the code: `python -m docs.generate` from the root.

Pages mark where: ``<!-- made: NAME -->`` to ``<!-- end -->``. A test compares them.
"""

import ast
import dataclasses
import datetime as dt
import functools
import importlib
import inspect
import json
import re
import types
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from allocator.settings import AllocatorSettings
from core.telemetry import TelemetrySettings
from docs import described
from fleets.agones.lint import pages as lint
from fleets.agones.settings import KubernetesSettings
from fleets.capacity.events import Event
from fleets.capacity.settings import CapacitySettings
from fleets.health import Health
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange
from matchmaker.api.openapi import openapi as player_api
from matchmaker.api.settings import Backend, Issuer, Limits
from matchmaker.rules import flexmatch_rules
from matchmaker.rules.asked import Asked
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.settings import QueueSettings
from readyup import settings as application
from readyup.cli import made as command_line
from readyup.listen import Listen
from readyup.operators.openapi import openapi as operator_api
from readyup.operators.settings import ConsoleSettings, Operator
from readyup.settings import ApiSettings, Config, StoreSettings

DOCS = Path(__file__).parent
PAGES = (
    *("settings.md", "metrics.md", "logs.md", "fleet-lint.md"),
    *("cli.md", "player-http.md", "operator-http.md", "rules.md"),
)

_MARKED = re.compile(r"(<!-- made: ([a-z -]+) -->)\n.*?(<!-- end -->)", re.DOTALL)

Field = tuple[type[Any], str]

WORDS: Mapping[Field, str] = {
    (Config, "queues"): "One table for each queue, `[queues.NAME]`.",
    (Config, "fleets"): "One table for each fleet, `[fleets.NAME]`.",
    (Config, "store"): "Where the state is.",
    (StoreSettings, "url"): "`redis://host:port/0` or `unix:///path`; empty runs a Valkey of our "
    "own, which only a process with all roles can.",
    (Listen, "host"): "Address. The console refuses any but loopback while it has no "
    "operators, and so does the player API while `dev_keys` are on.",
    (Listen, "port"): "0 takes a free one.",
    (Rules, "teams"): "Names of the teams, each once. A match fills all of them.",
    (Rules, "window"): "How far apart the ratings of a match may lie.",
    (FleetSpec, "ports"): 'Written `"7000-7099"`, both ends included: host ports that players '
    "reach, one for each server. A wide range gives a port more rest before its next server. With "
    "`pod`: what Agones hands out on each node, 7000-8000 unless told.",
    (FleetSpec, "health"): "When a silent server counts as Unhealthy.",
}
"""What a field means where its docstring is absent, or says it for readers of the code."""

DEFAULTS: Mapping[Field, str] = {
    (Config, "api"): "port 8081",
    (Config, "sessions"): "port 8082",
    (Config, "console"): "port 8080",
    (Config, "admin"): "any free port",
    (Config, "telemetry"): "off",
    (Config, "kubernetes"): "see below",
    (Config, "clusters"): "none",
    (Listen, "port"): "see above",
    (ApiSettings, "limits"): "see below",
    (PodSpec, "node_labels"): '`{"readyup/cpu-manager" = "static"}`',
}
HIDDEN = {"name", "rules", "source"}
"""A table's name is its heading; rules are written among the queue's own keys."""

LOGGING = ("core", "gameserver", "fleets", "allocator", "matchmaker", "readyup")
LEVELS = ("debug", "info", "warning", "error", "exception")

SHOWN_BY_API = {
    "tickets_enqueued",
    "tickets_shed",
    "place_seconds",
    "ticket_wait_seconds",
    "players_connected",
}
"""What the API's process counts itself; the rest is the directors'."""


@functools.cache
def tables() -> dict[str, str]:
    """Name of a table, as the pages mark its place, to its text."""
    variables = vars(application)["ENVIRONMENT"]
    return {
        "file": _table(Config),
        "store": _table(StoreSettings),
        "listen": _table(Listen),
        "console": _table(ConsoleSettings, but={"host", "port"}),
        "operator": _table(Operator),
        "api": _table(ApiSettings, but={"host", "port"}),
        "issuer": _table(Issuer),
        "backend": _table(Backend),
        "limits": _table(Limits),
        "queue": _table(Rules, QueueSettings),
        "window": _table(RatingWindow),
        "fleet": _table(FleetSpec),
        "health": _table(Health),
        "capacity": _table(CapacitySettings),
        "events of fleets": _table(Event),
        "pod": _table(PodSpec),
        "kubernetes": _table(KubernetesSettings),
        "lint rules": lint.page(),
        "allocator": _table(AllocatorSettings, but={"fleet", "reserve_rooms"}),
        "environment": "\n".join(
            ["| variable | stands for |", "|---|---|"]
            + [f"| `{name}` | `{place}` |" for name, place in variables.items()]
        ),
        "matchmaker metrics": _metrics("matchmaker.metrics", "director"),
        "allocator metrics": _metrics("allocator.metrics", "allocator"),
        "fleets metrics": _metrics("fleets.metrics", "fleets"),
        "agones metrics": _metrics("fleets.agones.metrics", "fleets"),
        "events metrics": _metrics("readyup.events.metrics", "events"),
        "process metrics": _metrics("readyup.wiring.vitals", "every process"),
        "store metrics": _metrics("readyup.wiring.store_vitals", "every process"),
        "telemetry": _table(TelemetrySettings),
        "events": _events(),
        "rule types": _rule_types(),
        "commands": _commands(),
        "player routes": described.routes(player_api({})),
        "player shapes": described.shapes(player_api({})),
        "operator routes": described.routes(operator_api()),
        "operator shapes": described.shapes(operator_api()),
    }


def page(text: str) -> str:
    """A page with the tables that it marks filled in; the words between are written by hand."""
    made = tables()
    return _MARKED.sub(lambda found: f"{found[1]}\n{made[found[2]]}\n{found[3]}", text)


def _table(*shapes: type[Any], but: frozenset[str] | set[str] = frozenset()) -> str:
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    for shape in shapes:
        said, hints = _docstrings(shape), get_type_hints(shape, include_extras=True)
        for one in dataclasses.fields(shape):
            if one.name in (but if shape in (Backend, Operator) else HIDDEN | but):
                continue
            what = WORDS.get((shape, one.name)) or said[one.name]
            value, default = _value(hints[one.name]), _default(shape, one)
            rows.append(f"| `{one.name}` | {value} | {default} | {_line(what)} |")
    return "\n".join(rows)


def _docstrings(shape: type[Any]) -> dict[str, str]:
    """Field to the docstring that stands under it."""
    (tree,) = ast.parse(inspect.getsource(shape)).body
    assert isinstance(tree, ast.ClassDef)
    said: dict[str, str] = {}
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            said[field.target.id] = str(after.value.value)
    return said


def _value(hint: Any) -> str:  # noqa: ANN401 - any annotation
    """A type in a reader's words."""
    if limits := getattr(hint, "__metadata__", None):
        inner = _value(get_args(hint)[0])
        return inner if limits[0].le is None else f"{inner}, {_range(limits[0])}"
    origin, args = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " or ".join(f'`"{word}"`' for word in hint)
    if origin is Literal:
        return " or ".join(f'`"{word}"`' for word in args)
    if origin in (Union, types.UnionType):
        return _value(args[0])
    if origin is tuple:
        return f"list of {_value(args[0])}s" if args[0] is str else "tables"
    if hint is PortRange or hasattr(hint, "__supertype__"):
        return "text"
    if origin is not None or dataclasses.is_dataclass(hint):
        return "table"
    return _PLAIN[hint]


_PLAIN: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    dt.datetime: "date and time",
    Asked: "text",
}


def _range(limits: Any) -> str:  # noqa: ANN401 - msgspec.Meta
    low = f"above {limits.gt}" if limits.gt is not None else f"{limits.ge}"
    return f"{low} to {limits.le:,}"


def _default(shape: type[Any], one: "dataclasses.Field[Any]") -> str:
    if known := DEFAULTS.get((shape, one.name)):
        return known
    if one.default is dataclasses.MISSING:
        return "none" if one.default_factory is not dataclasses.MISSING else "needed"
    if one.default is None:
        return "absent"
    return "see below" if dataclasses.is_dataclass(one.default) else f"`{json.dumps(one.default)}`"


def _metrics(module: str, process: str) -> str:
    rows = ["| name | kind | labels | counted by | |", "|---|---|---|---|---|"]
    for kind, name, about, labels in _declared(importlib.import_module(module)):
        by = "API" if name.partition("_matchmaker_")[2] in SHOWN_BY_API else process
        shown = f"{name}_total" if kind == "Counter" else name
        named = ", ".join(f"`{label}`" for label in labels)
        rows.append(f"| `{shown}` | {kind.lower()} | {named} | {by} | {_line(about)} |")
    return "\n".join(rows)


def _declared(module: types.ModuleType) -> Iterator[tuple[str, str, str, list[str]]]:
    """Kind, name, help and labels of every metric that a module declares."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = node.func.id
            if kind in {"Counter", "Gauge", "Histogram"}:
                name, about, *labels = map(ast.literal_eval, node.args)
                yield kind, name, about, labels[0] if labels else []


def _rule_types() -> str:
    rows = ["| type | properties, beside `name` and `description` |", "|---|---|"]
    for name, (properties, _) in vars(flexmatch_rules)["_TYPES"].items():
        rows.append(f"| `{name}` | {', '.join(f'`{one}`' for one in properties)} |")
    return "\n".join(rows)


def _commands() -> str:
    """Each verb's own help, without what it says of an option that is off."""
    text = command_line(listed=False).generate_docs(heading_level=1, max_heading_level=3)
    verbs = text[text.index("\n## readyup ") :].strip()
    verbs = re.sub(r" \*\[default: (False|\"\")\]\*", "", verbs)
    # cyclopts 5.4 takes half of a "python -m MODULE" for a part of the usage.
    return re.sub(r"(?m)^(readyup [\w -]*?) -m [\w.]+", r"\1", verbs)


def _events() -> str:
    said: dict[tuple[str, str], set[str]] = {}
    for file in sorted(DOCS.parent.glob("*/**/*.py")):
        if file.relative_to(DOCS.parent).parts[0] in LOGGING:
            for event, level, facts in _logged(ast.parse(file.read_text("utf-8"))):
                said.setdefault((event, level), set()).update(facts)
    rows = ["| event | level | fields |", "|---|---|---|"]
    for (event, level), facts in sorted(said.items()):
        rows.append(f"| `{event}` | {level} | {', '.join(f'`{one}`' for one in sorted(facts))} |")
    return "\n".join(rows)


def _logged(tree: ast.Module) -> Iterator[tuple[str, str, list[str]]]:
    """Event, level and fields of every line that a module can log."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log" | "told"), attr=level),
                args=[ast.Constant(value=str(event))],
                keywords=keywords,
            ) if level in LEVELS:
                facts = [one.arg for one in keywords if one.arg and one.arg != "extra"]
                for one in keywords:
                    if one.arg == "extra" and isinstance(one.value, ast.Dict):
                        facts += [str(ast.literal_eval(key)) for key in one.value.keys if key]
                yield event, level, facts


def _line(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")


def main() -> None:
    """Write them all."""
    for name in PAGES:
        file = DOCS / name
        file.write_text(page(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
