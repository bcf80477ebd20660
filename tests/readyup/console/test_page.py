"""The page in a real browser."""

import asyncio
from pathlib import Path

import pytest

from core.redis import Store
from core.web import serve_app
from readyup.console.server import console_app
from tests.readyup.console.chromium import Page, binary, chromium
from tests.readyup.console.test_lookup import EVIL, T1, UID, Evening, M
from tests.readyup.console.world import Nobody, Show, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(binary() is None, reason="no Chromium here: install the package chromium"),
]
NOW_MS = 1_700_000_000_000
FITS = "document.documentElement.scrollWidth <= innerWidth"


async def text(page: Page, selector: str) -> str:
    return str(await page.ask(f"document.querySelector({selector!r}).textContent"))


async def count(page: Page, selector: str) -> int:
    return int(await page.ask(f"document.querySelectorAll({selector!r}).length"))


async def test_the_page_shows_the_world_at_each_size_and_says_when_it_is_gone():
    world = World(NOW_MS)
    for _ in range(300):
        world.step()
    show = Show(world)
    async with chromium() as page:
        async with (
            serve_app(console_app(show, Nobody()), drain_s=0.1) as port,
            asyncio.TaskGroup() as group,
        ):
            playing = group.create_task(show.play(), name="show")
            address = f"http://127.0.0.1:{port}/"
            for width, height, dark in ((1280, 800, False), (400, 860, True)):
                await page.open(address, width=width, height=height, dark=dark)
                await page.until("document.querySelectorAll('.tile').length > 0")
                await page.until("document.querySelectorAll('.plot canvas').length == 2")

                assert await count(page, ".tile") == 12
                assert await count(page, ".tile[data-step='ready']") == 2
                assert await count(page, "canvas.field") == 2
                assert await count(page, "#matches tr") > 5
                assert await count(page, ".quality i[data-any='true']") > 4
                told = await text(page, ".goodness")
                assert "newcomers wait p50 2.5 s, p90 9.0 s" in told
                assert "relaxed: near.maxLatency 120 in" in told
                assert await text(page, "#status") == "live"
                await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
                await page.ask("document.querySelector('.tile').focus()")
                assert "arena-1: Allocated" in await text(page, "#servers-detail")
                assert await page.ask(FITS)
            playing.cancel()
        await page.until("!document.getElementById('banner').hidden")
        complaints = [c for c in page.complaints if "ERR_" not in c]

        assert "Connection lost" in await text(page, "#banner")
        assert await text(page, "#status") == "lost"
        assert complaints == []


async def test_a_world_without_servers_says_so():
    show = Show(World(NOW_MS, servers=0))
    async with serve_app(console_app(show, Nobody()), drain_s=0.1) as port, chromium() as page:
        await page.open(f"http://127.0.0.1:{port}/", width=1280, height=800, dark=False)
        await page.until("document.getElementById('status')?.dataset.state == 'live'")

        assert "No servers yet" in await text(page, "#servers-empty")
        assert "No match yet" in await text(page, "#matches-empty")
        assert page.complaints == []


QUEUES = """[...document.querySelectorAll('.queue')].map((queue) => [
  queue.querySelector('h3').textContent,
  queue.querySelector('.queue-waiting').textContent,
  queue.querySelector('.oldest').hidden,
])"""


async def test_a_queue_in_which_nobody_waits_has_no_oldest_ticket():
    world = World(NOW_MS)
    for _ in range(100):
        world.step()
    world._waiting["duel"].clear()  # and their dots linger
    empty, full = world.page().queues
    show = Show(world)
    async with serve_app(console_app(show, Nobody()), drain_s=0.1) as port, chromium() as page:
        await page.open(f"http://127.0.0.1:{port}/", width=1280, height=800, dark=False)
        await page.until("document.querySelectorAll('.queue').length == 2")
        told = await page.ask(QUEUES)

    assert empty.dots
    assert told == [
        ["duel", "nobody waits", True],
        ["trio", f"{full.players_waiting} waiting", False],
    ]


async def test_the_pages_of_one_thing_lead_to_each_other(store: Store, tmp_path: Path):
    evening = Evening(store, tmp_path)
    await evening.play()
    await evening.refill()
    evening.print_log("server.ready", EVIL)
    async with serve_app(evening.app, drain_s=0.1) as port, chromium() as page:
        address, shown = (
            f"http://127.0.0.1:{port}",
            "document.getElementById('page')?.hidden === false",
        )
        await page.open(f"{address}/servers/{UID}", width=400, height=800, dark=False)
        await page.until(shown)
        await page.until("document.querySelectorAll('#ticks canvas').length == 1")

        assert await text(page, "#title") == "arena-1"
        assert "core" not in await text(page, "#chip")
        assert await text(page, "#log") == f"server.ready\n{EVIL}"
        assert await page.ask(FITS)
        await page.ask("document.querySelector('#rooms a').click()")
        await page.until(f"location.pathname == '/matches/{M}'")
        await page.until(shown)
        assert await count(page, "#timeline li") == 8
        assert EVIL in await text(page, "#teams")
        assert await text(page, "#teams .seat-wait") == "newcomer"
        assert "1 open" in await text(page, "#teams")
        assert await count(page, "#page img") == 0
        assert await page.ask(FITS)
        seat = "[...document.querySelectorAll('#teams a')].find((a) => a.href.endsWith('%s'))"
        await page.ask(f"{seat % T1}.click()")
        await page.until(f"location.pathname == '/tickets/{T1}'")
        await page.until(shown)
        assert "enqueued: 1 player, MMR 1500" in await text(page, "#timeline li")
        assert EVIL in await text(page, "#facts")
        assert await page.ask(FITS)
        assert page.complaints == []


async def test_broken_promises_are_listed_and_what_is_not_there_is_said(
    store: Store, tmp_path: Path
):
    evening = Evening(store, tmp_path)
    await evening.play()
    other = {"match": "duel." + "4d" * 16, "room": f"{UID}/0", "server": UID}
    await evening.say("{f:arena}", "room.claimed", 60, session_epoch=1, **other)
    await evening.feed.poll()
    async with serve_app(evening.app, drain_s=0.1) as port, chromium() as page:
        address = f"http://127.0.0.1:{port}"
        await page.open(f"{address}/promises", width=1280, height=800, dark=True)
        await page.until("document.querySelectorAll('#broken li').length == 1")
        chip, listed = await text(page, "#chip"), await text(page, "#broken")
        await page.open(f"{address}/", width=1280, height=800, dark=True)
        await page.until("document.getElementById('promises')?.textContent")
        pill = await text(page, "#promises")
        complaints = list(page.complaints)
        await page.open(f"{address}/tickets/duel.nosuch", width=1280, height=800, dark=True)
        await page.until("document.getElementById('banner')?.textContent")

        assert chip == "broken"
        assert f"takes room {UID}/0 while {M} holds it" in listed
        assert pill == "1 broken promise in 10 events"
        assert complaints == []
        assert "32 hex digits" in await text(page, "#banner")
        assert await page.ask("document.getElementById('page').hidden")
