"""The page in a real browser."""

import asyncio

import pytest

from core.web import serve_app
from readyup.console.server import console_app
from tests.readyup.console.chromium import Page, binary, chromium
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
