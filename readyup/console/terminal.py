"""The console as a screen of text: the same snapshot that the page draws, as rich draws it."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from core.words import many
from readyup.console.snapshot import FleetView, Promises, QueueView, ServerTile, Snapshot

STYLES = {
    "playing": "blue",
    "claimed": "green",
    "ready": "cyan",
    "starting": "bright_black",
    "leaving": "yellow",
    "failed": "red",
}
ROOMS = {"h": ("●", "blue"), "f": ("○", "green"), "r": ("◌", "yellow"), "s": ("✕", "red")}
CHROME_LINES = 14
"""Lines that are not servers, about; a screen that is lower shows fewer servers."""


def screen(page: Snapshot, *, lines: int | None = None) -> RenderableType:
    """The whole of it; no more servers than fit into ``lines``."""
    parts: list[RenderableType] = [Text.assemble(*_headline(page)), _promises(page.promises)]
    if page.store_lost_ms:
        lost = f"Redis does not answer; this is how it was {duration(page.store_lost_ms)} ago"
        parts.append(Text(lost, style="bold red"))
    parts.append(_queues(page.queues))
    parts += (said := [words for queue in page.queues if (words := _goodness(queue))])
    chrome = CHROME_LINES + len(page.queues) + len(said)
    room = None if lines is None else max(3, lines - chrome)
    for fleet in page.fleets:
        parts += [_pool(fleet), _servers(fleet, room)]
    return Group(*parts)


def duration(ms: float | None) -> str:
    """As the page writes it: three figures and a unit.

    >>> duration(3.14159), duration(749.0), duration(3600.0), duration(None)
    ('3.1 ms', '749 ms', '3.6 s', '-')
    """
    if ms is None:
        return "-"
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 100_000 else f"{ms / 60_000:.1f} min"


def promise_words(promises: Promises) -> str:
    """The promises as a sentence."""
    broken = promises.breaches + promises.lost + promises.leaked
    counted = f"{many(broken, 'broken promise')} in {many(promises.events, 'event')}"
    if not broken:
        return counted
    breaches, lost = many(promises.breaches, "breach", "es"), many(promises.lost, "lost ticket")
    return f"{counted}: {breaches}, {lost}, {many(promises.leaked, 'leaked room')}"


def _headline(page: Snapshot) -> Iterator[tuple[str, str]]:
    totals = page.totals
    for value, name in (
        (f"{totals.players_waiting:,}", "waiting"),
        (f"{totals.players_playing:,}", "in a match"),
        (f"{totals.tickets_per_s:.1f}", "tickets/s"),
        (f"{totals.matches_per_min:.0f}", "matches/min"),
        (f"{duration(totals.wait_ms_p50)} / {duration(totals.wait_ms_p95)}", "wait p50/p95"),
        (f"{duration(totals.place_ms_p50)} / {duration(totals.place_ms_p95)}", "place p50/p95"),
    ):
        yield (value, "bold")
        yield (f" {name}   ", "bright_black")


def _promises(promises: Promises | None) -> Text:
    if promises is None:
        return Text("promises are not judged here", style="bright_black")
    kept = not (promises.breaches or promises.lost or promises.leaked)
    mark = "✓ " if kept else "! "
    return Text(mark + promise_words(promises), style="green" if kept else "bold red")


def _queues(queues: tuple[QueueView, ...]) -> Table:
    table = _table("queue", "waiting", "oldest", "wait p50", "p95", "per min", "pass p99", "led by")
    for queue in queues:
        table.add_row(
            Text(queue.name, style="bold"),
            f"{queue.players_waiting:,}",
            duration(queue.oldest_wait_ms) if queue.waiting else "-",
            duration(queue.wait_ms_p50),
            duration(queue.wait_ms_p95),
            f"{queue.matches_per_min:.1f}",
            duration(queue.pass_ms_p99),
            _leader(queue),
        )
    return table


def _goodness(queue: QueueView) -> Text | None:
    """What a newcomer will wait and how good recent matches were, on one line."""
    found = []
    if queue.estimate_s_p50 is not None:
        rarely = queue.estimate_s_p90
        more = "" if rarely is None else f", p90 {duration(rarely * 1000)}"
        found.append(f"newcomers wait p50 {duration(queue.estimate_s_p50 * 1000)}{more}")
    if (good := queue.goodness) is not None:
        found.append(f"quality p50 {good.p50:.2f}, p10 {good.p10:.2f}")
    if not found:
        return None
    return Text.assemble((f"{queue.name}  ", "bold"), ("; ".join(found), "bright_black"))


def _leader(queue: QueueView) -> Text:
    """Without the part that makes a process one of its kind: eighty columns are few."""
    if queue.paused is not None:
        return Text(f"paused by {queue.paused.by}", style="bold yellow")
    holder = queue.holder.rpartition(".")[0] or queue.holder
    return Text(holder) if holder else Text("nobody", style="bold yellow")


def _pool(fleet: FleetView) -> Text:
    pool, parts = fleet.pool, Text(f"fleet {fleet.name}   ", style="bold")
    for step in ("playing", "claimed", "ready", "starting", "leaving"):
        many = getattr(pool, step)
        if many or step != "leaving":
            parts.append(f"{many} {step}   ", style=STYLES[step])
    if fleet.paused is not None:
        parts.append(f"paused by {fleet.paused.by}   ", style="bold yellow")
    if pool.in_line:
        parts.append(f"{pool.in_line} in line for {duration(pool.line_ms)}   ", style="bold yellow")
    if fleet.replicas is not None:
        parts.append(f"wanted: {fleet.replicas}", style="bright_black")
    return parts


def _servers(fleet: FleetView, room: int | None) -> Table:
    table = _table("server", "state", "core", "rooms", "players", "tick p50", "p99", "p99.9")
    shown = fleet.servers if room is None else fleet.servers[:room]
    for server in shown:
        tick = server.tick
        silent = server.health == "silent"
        table.add_row(
            Text(server.name),
            Text("silent" if silent else server.step, style="red" if silent else _style(server)),
            _cores(server),
            _rooms(server.rooms),
            str(server.players) if server.players else "-",
            duration(tick.p50_ms if tick else None),
            _late(server),
            duration(tick.p999_ms if tick else None),
        )
    more = fleet.more_servers + len(fleet.servers) - len(shown)
    if more:
        table.add_row(Text(f"and {more} more", style="bright_black"))
    return table


def _style(server: ServerTile) -> str:
    return STYLES.get(server.step, "")


def _cores(server: ServerTile) -> Text:
    if not server.cores:
        return Text("-", style="bright_black")
    text = Text(",".join(str(core) for core in server.cores))
    if server.shared:
        text.append(f" ×{server.shared + 1}", style="yellow")
    return text


def _rooms(letters: str) -> Text:
    text = Text()
    for letter in letters:
        text.append(*ROOMS.get(letter, ("·", "bright_black")))
    return text


def _late(server: ServerTile) -> Text:
    """Red when a whole tick is late, yellow from a quarter on; as the page's bars."""
    if server.tick is None:
        return Text("-", style="bright_black")
    p99_ms, budget_ms = server.tick.p99_ms, 1000 / (server.tick.rate_hz or 20)
    style = "green" if p99_ms < budget_ms / 4 else "yellow" if p99_ms < budget_ms else "red"
    return Text(duration(p99_ms), style=style)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style="bright_black", pad_edge=False)
    for n, name in enumerate(columns):
        text = n == 0 or name in {"state", "core", "rooms", "led by"}
        table.add_column(name, justify="left" if text else "right", no_wrap=True)
    return table
