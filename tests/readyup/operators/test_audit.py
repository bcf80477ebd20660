"""The audit: pages of changes, ends found across them, and nothing changed without a word."""

import pytest

from core.clock import SystemClock
from core.errors import StoreUnreachable
from core.redis import Store
from readyup.operators.audit import Audit, Record
from readyup.operators.roles import Role
from tests.readyup.operators.house import EVERYBODY, House, served


def record(n: int, outcome: str = "unknown") -> Record:
    return Record(str(n), n, "ann", "admin", "pauseQueue", "duel", outcome=outcome)


@pytest.fixture
def audit(store: Store) -> Audit:
    return Audit(store, SystemClock())


async def test_changes_come_newest_first_and_page_by_page(audit: Audit):
    for n in range(7):
        await audit.intent(record(n))
        await audit.outcome(record(n, "done"))
    first, place = await audit.read(limit=3)
    second, place = await audit.read(limit=3, before=place)
    third, end = await audit.read(limit=3, before=place)

    assert [one.id for one in first + second + third] == list("6543210")
    assert {one.outcome for one in first + second + third} == {"done"}
    assert end == ""


async def test_a_change_whose_end_lies_on_the_page_before_is_told_once(audit: Audit):
    for n in (1, 2):
        await audit.intent(record(n))
    for n in (1, 2):
        await audit.outcome(record(n, "done"))
    first, place = await audit.read(limit=1)
    second, place = await audit.read(limit=1, before=place)
    rest = []
    while place:
        more, place = await audit.read(limit=1, before=place)
        rest += more

    assert [one.id for one in first + second] == ["2", "1"]
    assert rest == []


async def test_a_change_that_nobody_ended_is_shown_as_unknown(audit: Audit):
    await audit.intent(record(1))
    await audit.intent(record(2))
    await audit.outcome(record(2, "refused"))
    found, _ = await audit.read()

    assert [(one.id, one.outcome) for one in found] == [("2", "refused"), ("1", "unknown")]


async def test_what_cannot_be_audited_is_not_done(store: Store, monkeypatch: pytest.MonkeyPatch):
    async def away(*_: object) -> None:
        raise StoreUnreachable("gone")

    async with served(store) as running:
        monkeypatch.setattr(running.house.audit, "intent", away)
        status, _ = await running.client(Role.ADMIN).post("/queues/duel/pause")
        pause = await running.house.queue.pause.get()

    assert status == 503
    assert pause is None


async def test_a_change_that_broke_is_audited_as_failed(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: object, **__: object) -> None:
        raise StoreUnreachable("gone half-way")

    async with served(store) as running:
        monkeypatch.setattr(running.house.deeds, "resume_queue", away)
        status, _ = await running.client(Role.ADMIN).post("/queues/duel/resume")
        (found,) = await running.house.audited()

    assert status == 503
    assert (found.outcome, found.detail) == ("failed", "gone half-way")


async def test_addresses_and_sign_ins_are_told_to_admins_alone(store: Store):
    async with served(store) as running:
        await running.client(Role.OPERATOR).post("/queues/duel/pause")
        operator = running.house.door.settings.operators[0]
        await running.house.audit.outcome(
            Record("x", 1, operator.name, operator.role, "signIn", "", ip="192.0.2.1")
        )
        _, full = await running.client(Role.ADMIN).get("/audit")
        _, part = await running.client(Role.VIEWER).get("/audit")

    assert [one["what"] for one in full["records"]] == ["signIn", "pauseQueue"]
    assert {one["ip"] for one in full["records"]} == {"192.0.2.1", "127.0.0.1"}
    assert [one["what"] for one in part["records"]] == ["pauseQueue"]
    assert "ip" not in part["records"][0]


async def test_the_audit_is_in_no_key_that_a_queue_or_a_fleet_has(store: Store):
    house = House(store, EVERYBODY)
    await house.audit.intent(record(1))

    there = await store.everywhere("KEYS", "*")
    assert [key for keys in there for key in keys] == ["{operators}:audit"]
