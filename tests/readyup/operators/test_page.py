"""The buttons in a real browser: only those that the role may press, and asked before they act."""

import asyncio

import pytest

from core.errors import StoreUnreachable
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.ledger import Ledger
from readyup.operators.plans import Plans
from readyup.operators.roles import Role
from tests.readyup.console.chromium import Page, binary, chromium
from tests.readyup.console.test_sizes import decision
from tests.readyup.operators.house import ARENA, NOBODY, T1, T2, TOKENS, UID, M, Running, served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(binary() is None, reason="no Chromium here: install the package chromium"),
]
DEEDS = "[...document.querySelectorAll('.deed')].filter(one => one.offsetParent)"
SHOWN = f"{DEEDS}.map(one => one.textContent)"
FITS = "document.documentElement.scrollWidth <= innerWidth"


async def open_page(page: Page, running: Running, path: str, *, width: int = 1280) -> None:
    await page.open(f"{running.origin}{path}", width=width, height=860, dark=width < 600)


async def sign_in(page: Page, running: Running, role: Role) -> None:
    await open_page(page, running, "/")
    await page.until("location.pathname == '/login' && document.readyState == 'complete'")
    await page.ask(f"document.getElementById('token').value = {TOKENS[role]!r}")
    await page.ask("document.querySelector('#sign-in button').click()")
    await page.until("location.pathname == '/' && document.getElementById('who')?.textContent")


async def press(page: Page, label: str) -> None:
    """Press a button, and say yes to what it asks."""
    shown = f"{SHOWN}.includes({label!r})"
    await page.until(shown)
    await page.ask(f"{DEEDS}.find(one => one.textContent == {label!r}).click()")
    await page.until("document.querySelector('dialog.ask').open")
    await page.ask("document.getElementById('ask-reason').value = 'patch day'")
    await page.ask("document.querySelector('dialog.ask [type=submit]').click()")
    await page.until("!document.querySelector('dialog.ask').open")


async def test_an_operator_signs_in_acts_after_a_question_and_finds_it_in_the_audit(store: Store):
    async with served(store) as running, chromium() as page:
        await running.house.play()
        await running.house.feed.poll()
        await sign_in(page, running, Role.OPERATOR)
        await press(page, "Pause")
        pause = await running.house.queue.pause.get()
        await running.house.feed.poll()
        await page.until("document.querySelector('.queue-deeds .paused').textContent.length > 0")
        said = await page.ask("document.querySelector('.queue-deeds .paused').textContent")

        await open_page(page, running, f"/matches/{M}", width=400)
        await press(page, "End match")
        await open_page(page, running, "/audit", width=400)
        await page.until("document.querySelectorAll('#audit tr').length == 2")
        rows = await page.ask("document.getElementById('audit').textContent")
        fits = await page.ask(FITS)
        complaints = page.complaints

    assert pause is not None
    assert pause.by == "the-operator"
    assert said == "paused by the-operator: patch day"
    assert "ended match" in rows
    assert "patch day" in rows
    assert fits
    assert complaints == []


async def test_a_waiting_ticket_says_why_until_it_waits_no_more(store: Store):
    async with served(store, NOBODY) as running, chromium() as page:
        await running.house.enqueue(T1, T2)
        await running.house.feed.poll()
        for width in (1280, 400):
            await open_page(page, running, f"/tickets/{T1}", width=width)
            await page.until("document.getElementById('why-panel')?.hidden === false")
            assert await page.ask(FITS)
        sentence = await page.ask("document.getElementById('why-sentence').textContent")
        nearest = await page.ask("document.getElementById('why-nearest').textContent")
        way = await page.ask("document.querySelector('#why-nearest a').getAttribute('href')")
        await running.house.deeds.cancel_ticket(T1)
        await page.until("document.getElementById('why-panel').hidden")
        complaints = page.complaints

    assert sentence == "A match is being made now."
    assert nearest.endswith("1nothingnow")
    assert way == f"/tickets/{T2}"
    assert complaints == []


async def test_a_size_is_announced_on_a_fleets_page_and_taken_back(store: Store):
    async with served(store) as running, chromium() as page:
        await Ledger(store, ARENA).decided(decision(running.house.now_ms()))
        await running.house.feed.poll()
        await sign_in(page, running, Role.OPERATOR)
        for width in (1280, 400):
            await open_page(page, running, "/fleets/arena", width=width)
            await page.until(f"{SHOWN}.includes('Announce a size')")
            assert await page.ask(FITS)
        await page.ask(f"{DEEDS}.find(one => one.textContent == 'Announce a size').click()")
        await page.ask("document.getElementById('plan-servers').value = 40")
        await page.ask("document.getElementById('plan-from').value = '2027-01-15T20:00'")
        await page.ask("document.getElementById('ask-reason').value = '<b>cup</b>'")
        assert await page.ask(FITS)
        await page.ask("document.querySelector('dialog.ask [type=submit]').click()")
        await page.until("document.querySelectorAll('#announced tr').length == 2")
        rows = await page.ask("document.getElementById('announced').textContent")
        ((name, event),) = (await Announced(store, ARENA).all()).items()

        await press(page, "Take back")
        await page.until("document.querySelectorAll('#announced tr').length == 1")
        left = await page.ask("document.getElementById('announced').textContent")
        complaints = page.complaints

    assert "40" in rows
    assert "<b>cup</b>" in rows
    assert (event.servers, event.for_s, event.every, event.note) == (40, 7200.0, "", "<b>cup</b>")
    assert len(name) == 8
    assert "in the settings" in left
    assert complaints == []


async def test_nobody_is_told_that_nothing_is_announced_before_it_is_known(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: object) -> None:
        raise StoreUnreachable("away")

    async with served(store, NOBODY) as running, chromium() as page:
        await Ledger(store, ARENA).decided(decision(running.house.now_ms()))
        await running.house.feed.poll()
        monkeypatch.setattr(Plans, "of", away)
        await open_page(page, running, "/fleets/arena")
        await page.until("document.getElementById('who')?.textContent == 'audit'")
        await asyncio.sleep(1.2)  # it is drawn once a second
        told = await page.ask("Boolean(document.getElementById('announced-empty').offsetParent)")
        monkeypatch.undo()
        await page.until("document.getElementById('announced').textContent.includes('settings')")

    assert not told


async def test_a_viewer_sees_no_button_but_the_way_out(store: Store):
    async with served(store) as running, chromium() as page:
        await running.house.play()
        await running.house.feed.poll()
        await sign_in(page, running, Role.VIEWER)
        shown = {}
        for path in (
            "/",
            f"/matches/{M}",
            f"/tickets/{T1}",
            f"/servers/{UID}",
            "/fleets/arena",
            "/audit",
        ):
            await open_page(page, running, path)
            await page.until("document.getElementById('who')?.textContent.includes('viewer')")
            shown[path] = await page.ask(SHOWN)
        await page.ask("document.querySelector('#who .deed').click()")
        await page.until("location.pathname == '/login'")

    assert set(map(tuple, shown.values())) == {("Sign out",)}


async def test_a_wrong_token_is_told_so_on_the_page(store: Store):
    async with served(store) as running, chromium() as page:
        await open_page(page, running, "/login")
        await page.until("document.readyState == 'complete'")
        await page.ask("document.getElementById('token').value = 'ruo_no'")
        await page.ask("document.querySelector('#sign-in button').click()")
        await page.until("!document.getElementById('wrong').hidden")
        said = await page.ask("document.getElementById('wrong').textContent")

    assert said == "Nobody has this token."
