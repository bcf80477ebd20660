"""What the images hold and do, shown without an engine: see engine.py for what stands in."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docker import engine as stand_in
from tests.docker.engine import Engine, Image

ROOT = Path(__file__).parents[2]
VALKEY = "import core.valkey; print(core.valkey.find_server())"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if why := stand_in.missing():
        pytest.skip(f"no image can be built here: {why}")
    made = Engine(tmp_path_factory.mktemp("engine"), ROOT)
    yield made
    made.close()


@pytest.fixture(scope="module")
def service(engine: Engine) -> Image:
    return engine.build(ROOT / "docker/service.Dockerfile")


@pytest.fixture(scope="module")
def arena(engine: Engine) -> Image:
    return engine.build(ROOT / "docker/arena.Dockerfile")


def program(image: Image, *words: str) -> Image:
    """The image with another program to begin with."""
    return replace(image, entrypoint=list(words), command=[])


def finished(container: "subprocess.Popen[str]", timeout_s: float = 60) -> tuple[int, str, str]:
    said, complained = container.communicate(timeout=timeout_s)
    return container.returncode, said, complained


async def until_healthy(engine: Engine, container: "subprocess.Popen[str]", image: Image) -> None:
    async with asyncio.timeout(20):
        while engine.enter(container, image, image.healthcheck):
            assert container.poll() is None, container.communicate()
            await asyncio.sleep(0.1)


def test_both_run_as_a_stranger_who_can_write_nowhere_but_in_tmp(
    engine: Engine, service: Image, arena: Image
):
    tell = (
        "import os, json; status = open('/proc/self/status').read();"
        "capable = status.split('CapEff:')[1].split()[0];"
        "print(json.dumps([os.getuid(), os.getgid(), os.getgroups(), int(capable, 16),"
        " os.access('.', os.W_OK), os.access('/etc', os.W_OK), os.access('/tmp', os.W_OK)]))"
    )
    for image in (service, arena):
        code, said, complained = finished(engine.start(program(image, "python", "-c", tell)))

        assert code == 0, complained
        assert json.loads(said) == [65532, 65532, [], 0, False, False, True]


def test_the_service_says_its_version(engine: Engine, service: Image):
    code, said, complained = finished(engine.start(service, "--version"))

    assert (code, said.strip()) == (0, "0.1.0"), complained


def test_a_demo_plays_in_a_container_without_a_network(engine: Engine, service: Image):
    crowd = ("--duration", "3", "--players", "20", "--servers", "2")
    demo = engine.start(service, "demo", "--headless", *crowd, "--json=-")
    code, said, complained = finished(demo)

    assert code == 0, complained
    figures = json.loads(said)
    assert figures["matches"]["completed"] >= 1
    assert figures["breaches"] == 0


async def test_the_service_is_found_healthy_and_ends_when_told_to(engine: Engine, service: Image):
    serving = engine.start(service)
    await until_healthy(engine, serving, service)
    elsewhere = replace(service, env={**service.env, "READYUP_ADMIN_PORT": "9"})
    sick = engine.enter(serving, elsewhere, service.healthcheck)
    serving.send_signal(signal.Signals[service.stop_signal])
    code, _, complained = finished(serving)

    assert sick != 0
    assert code == 0, complained


def test_the_service_refuses_to_be_published_while_its_keys_are_for_development(
    engine: Engine, service: Image
):
    container = engine.start(service, "serve", env={"READYUP_API_HOST": "0.0.0.0"})  # noqa: S104
    code, _, complained = finished(container)

    assert code == 1
    assert "development keys work on loopback only, not on '0.0.0.0'" in complained


async def test_roles_in_containers_of_their_own_play_together(engine: Engine, service: Image):
    """What compose.yaml starts, on one network, with the configuration that it mounts."""
    _, place, _ = finished(engine.start(program(service, "python", "-c", VALKEY)))
    options = ("--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction")
    store = engine.start(program(service, place.strip(), *options))
    keys = dict(line.split("=") for line in finished(engine.start(service, "keys"))[1].split())
    env = {"READYUP_STORE_URL": "redis://127.0.0.1:6379/0", **keys}
    config = service.root / "readyup.toml"
    engine.put(ROOT / "docker/readyup.toml", config)
    engine.put(ROOT / "readyup/squad.json", config.with_name("squad.json"))
    roles = {
        role: engine.start(
            service, *("serve", "--role", role, "--config", "/readyup.toml"), env=env, beside=store
        )
        for role in ("api", "director", "allocator", "fleets", "console")
    }
    for container in roles.values():
        await until_healthy(engine, container, service)
    crowd = ("--players", "10", "--duration", "3", "--squad-share", "0")
    bots = engine.start(service, "bots", *crowd, beside=store)
    played = finished(bots)
    for container in roles.values():
        container.terminate()
    ended = {role: finished(container) for role, container in roles.items()}
    store.terminate()
    store.communicate(timeout=10)

    assert played[0] == 0, (played, ended)
    assert {role: code for role, (code, _, _) in ended.items()} == dict.fromkeys(roles, 0), ended


def test_a_game_server_without_its_environment_says_what_is_missing(engine: Engine, arena: Image):
    code, _, complained = finished(engine.start(arena))

    assert code == 1
    assert "READYUP_SERVER_NAME is not set; whoever starts a game server sets it" in complained
    assert "Traceback" not in complained


def test_the_game_servers_image_leaves_out_what_only_the_service_needs(
    engine: Engine, arena: Image
):
    tell = (
        "from importlib.util import find_spec;"
        "print([name for name in ('numpy', 'uvloop', 'redis') if find_spec(name)])"
    )
    code, said, complained = finished(engine.start(program(arena, "python", "-c", tell)))

    assert (code, said.strip()) == (0, "[]"), complained
