"""Fleets, servers and findings as tables for a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleets.agones.lint.rule import Finding, Severity
from readyup.fleetctl.look import FleetLook, is_pinned

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
STALE_S = 60.0


def fleets_table(looks: Sequence[FleetLook]) -> RenderableType:
    """A line for each fleet."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("fleet")
    table.add_column("runs as")
    for column in ("wanted", "ready", "allocated", "starting", "gone", "pinned"):
        table.add_column(column, justify="right")
    for one in looks:
        numbers = (one.ready, one.allocated, one.starting, one.gone, one.pinned)
        wanted = "?" if one.wanted is None else str(one.wanted)
        table.add_row(one.name, one.runs_as, wanted, *map(str, numbers))
    return table


def status_table(one: FleetLook) -> RenderableType:
    """One fleet: its numbers, why, and its servers."""
    servers = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("server", "state", "address", "rooms", "version", "cores"):
        servers.add_column(column, overflow="fold")
    for view in one.servers:
        colour = "green" if is_pinned(view) else "yellow"
        servers.add_row(
            view.name,
            view.state,
            f"{view.address}:{view.port}" if view.address else "-",
            str(view.rooms),
            view.version or "-",
            Text(view.pinned or "not told", style=colour),
        )
    return Group(fleets_table([one]), Text(_plan(one), style="dim"), Text(), servers)


def _plan(one: FleetLook) -> str:
    if one.plan_age_s is None:
        return "no plan: is the role fleets running?"
    old = f", {one.plan_age_s:.0f} s old: is the role fleets running?"
    return f"plan: {one.why or 'no reason given'}{old if one.plan_age_s > STALE_S else ''}"


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Findings one below the other, and their count."""
    parts: list[RenderableType] = []
    for one in findings:
        head = Text.assemble(
            (one.severity, COLOURS[one.severity]), " ", (one.id, "bold"), f"  {one.fleet}"
        )
        body = Table.grid(padding=(0, 1))
        body.add_column(style="dim", justify="right")
        body.add_column(overflow="fold")
        rows = ("at", one.path), ("is", one.message), ("why", one.why), ("cure", one.cure)
        for name, text in rows:
            body.add_row(f"  {name}", Text(text))
        parts += [head, body, Text()]
    return Group(*parts, Text(counted(findings)))


def counted(findings: Sequence[Finding]) -> str:
    """How many of each, in a sentence."""
    if not findings:
        return "nothing to say against it"
    counts = [(sum(one.severity is kind for one in findings), kind) for kind in Severity]
    return ", ".join(f"{n} {kind}{'s' * (n != 1)}" for n, kind in counts if n)
