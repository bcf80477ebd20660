"""Grafana's JSON, as small as a board of ours needs it: boards of rows of panels of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 24
HEIGHT = 8
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLORS = "palette-classic"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """One expression and the name of its lines."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart. ``about`` tells a reader what good looks like."""

    title: str
    about: str
    unit: str
    queries: tuple[Query, ...]
    stat: bool = False
    """A number instead of lines."""

    limit: float | None = None
    """From here on it is drawn in red."""

    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One page."""

    uid: str
    title: str
    about: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]

    def panels(self) -> list[Panel]:
        """All of them, from the top."""
        return [panel for _, panels in self.rows for panel in panels]


def panel(
    title: str,
    about: str,
    unit: str,
    *queries: tuple[str, str],
    stat: bool = False,
    limit: float | None = None,
    stacked: bool = False,
) -> Panel:
    """A panel of (expression, legend) pairs."""
    return Panel(title, about, unit, tuple(Query(*one) for one in queries), stat, limit, stacked)


def dashboard(board: Board, others: Sequence[Board]) -> Json:
    """A board as Grafana reads it, with links to the others."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.about,
        "tags": ["readyup"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "timezone": "browser",
        "links": [_link(other) for other in others if other.uid != board.uid],
        "templating": {"list": [_datasource(), _namespace()]},
        "panels": list(_placed(board)),
    }


def _placed(board: Board) -> list[Json]:
    placed: list[Json] = []
    top = 0
    for title, panels in board.rows:
        at = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        row = {"type": "row", "title": title, "collapsed": False, "panels": []}
        placed.append({"id": len(placed) + 1, **row, "gridPos": at})
        width = WIDTH // len(panels)
        for column, one in enumerate(panels):
            where = {"x": column * width, "y": top + 1, "w": width, "h": HEIGHT}
            placed.append(_panel(one, len(placed) + 1, where))
        top += HEIGHT + 1
    return placed


def _panel(one: Panel, number: int, where: Json) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if one.limit is not None:
        steps.append({"color": "red", "value": one.limit})
    drawn: Json = {"fillOpacity": 20 if one.stacked else 8, "showPoints": "never"}
    if one.stacked:
        drawn["stacking"] = {"mode": "normal"}
    if one.limit is not None and not one.stat:
        drawn["thresholdsStyle"] = {"mode": "line"}
    return {
        "id": number,
        "type": "stat" if one.stat else "timeseries",
        "title": one.title,
        "description": one.about,
        "datasource": SOURCE,
        "gridPos": where,
        "fieldConfig": {
            "defaults": {
                "unit": one.unit,
                "min": 0,
                "color": {"mode": "thresholds" if one.stat else COLORS},
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {} if one.stat else drawn,
            },
            "overrides": [],
        },
        "options": {} if one.stat else {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {
                "refId": chr(ord("A") + n),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
            }
            for n, query in enumerate(one.queries)
        ],
    }


def _link(other: Board) -> Json:
    return {
        "type": "link",
        "title": other.title,
        "tooltip": other.about,
        "url": f"/d/{other.uid}",
        "icon": "dashboard",
        "tags": [],
        "asDropdown": False,
        "targetBlank": False,
        "keepTime": True,
        "includeVars": True,
    }


def _datasource() -> Json:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _namespace() -> Json:
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(readyup_build_info, namespace)",
        "refresh": 2,
        # One service without namespaces has no such label, which `.*` matches too.
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
