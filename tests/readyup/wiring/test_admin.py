"""The admin port: how a process is, what it counts, and where it is found."""

from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from core.errors import Conflict, StoreUnreachable
from core.health import Condition, Health
from core.redis import Store
from readyup.wiring.admin import Admin, admin_port
from readyup.wiring.vitals import Counted, ProcessMetrics


class Away:
    async def call(self, *command: object) -> None:
        raise StoreUnreachable("away")


async def asked(url: str) -> tuple[int, dict]:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return response.status, await response.json()


def at(admin: Admin, folder: Path, port: int = 0):
    return admin_port(admin, host="127.0.0.1", port=port, run_dir=folder, name="director-1")


async def test_a_process_is_ready_when_its_store_and_each_of_its_roles_are(
    store: Store, tmp_path: Path
):
    health, says = Health(), [Condition(ready=False, says="opens"), Condition(ready=True, says="")]
    health.add("api", says.pop)
    health.add("director duel", lambda: Condition(ready=True, says="leads, epoch 3"))
    async with at(Admin(store, CollectorRegistry(), health), tmp_path) as url:
        ready = await asked(f"{url}/readyz")
        not_ready = await asked(f"{url}/readyz")
        lives = await asked(f"{url}/livez")

    checks = {"store": "ok", "api": "", "director duel": "leads, epoch 3"}
    assert ready == (200, {"status": "ok", "checks": checks})
    assert not_ready == (503, {"status": "not ready", "checks": {**checks, "api": "opens"}})
    assert lives[0] == 200


async def test_without_its_store_a_process_lives_and_is_not_ready(tmp_path: Path):
    away = Admin(Away(), CollectorRegistry(), Health())  # type: ignore[arg-type] - as much as is used
    async with at(away, tmp_path) as url:
        status, said = await asked(f"{url}/readyz")
        lives = await asked(f"{url}/livez")

    assert (status, said["checks"]) == (503, {"store": "unreachable"})
    assert lives[0] == 200


async def test_the_address_is_found_in_the_run_folder_while_the_process_lives(
    store: Store, tmp_path: Path
):
    async with at(Admin(store, CollectorRegistry(), Health()), tmp_path) as url:
        found = (tmp_path / "admin" / "director-1").read_text().strip()

    assert found == url
    assert not list((tmp_path / "admin").iterdir())


async def test_a_port_that_is_taken_is_named(store: Store, tmp_path: Path):
    admin = Admin(store, CollectorRegistry(), Health())
    async with at(admin, tmp_path) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(Conflict, match=f"127.0.0.1:{port}"):
            await at(admin, tmp_path / "other", port).__aenter__()


async def test_every_family_is_shown_whoever_counts_it(store: Store, tmp_path: Path):
    counted = Counted()
    figures = ProcessMetrics(counted.registry)
    figures.lag_seconds.observe(0.0)
    assert counted.matchmaker is counted.matchmaker
    assert counted.allocator
    assert counted.fleets
    async with (
        at(Admin(store, counted.registry, Health()), tmp_path) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/metrics") as response,
    ):
        families = {one.name for one in text_string_to_metric_families(await response.text())}

    assert response.content_type == "text/plain"
    assert {
        "readyup_build_info",
        "readyup_process_loop_lag_seconds",
        "python_gc_collections",
        "process_resident_memory_bytes",
        "readyup_matchmaker_tickets_shed",
        "readyup_allocator_repairs",
        "readyup_fleets_ready_seconds",
    } <= families
