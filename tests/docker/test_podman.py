"""The images and the compose file by a real engine: `make images`, some minutes, as root."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.plane.network import inside
from tests.docker import podman
from tests.docker.podman import Podman
from tests.docker.test_files import services

HERE = Path(__file__).parent
SERVICE, ARENA = "localhost/readyup:dev", "localhost/readyup-arena:dev"
STAND_INS = {"valkey": "localhost/valkey:dev", "prometheus": "localhost/prometheus:dev"}
COMPOSE = (
    *(".venv/bin/uvx", "--quiet", "--from", "podman-compose==1.6.0", "podman-compose"),
    *("--in-pod", "false", "--file", "docker/compose.yaml"),
)
RUN = ("run", "--rm", "--no-healthcheck", "--network", "host")
CLOSED = ("--init", "--read-only", "--tmpfs", "/tmp")  # noqa: S108 - the container's
PLAYED = ("valkey", "api", "director", "director-2", "allocator", "fleets", "console", "prometheus")

pytestmark = [pytest.mark.images, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def engine() -> Podman:
    if why := podman.missing():
        pytest.skip(why)
    made = Podman()
    made.configure()
    made.base()
    made.ours("service", SERVICE)
    made.ours("arena", ARENA)
    for name, tag in STAND_INS.items():
        made.build(HERE / f"stand-ins/{name}.Dockerfile", tag, context=HERE / "stand-ins")
    fetched = made.run(*COMPOSE, "version")
    assert fetched.returncode == 0, fetched.stderr
    return made


@pytest.fixture(autouse=True)
def _own_network() -> Iterator[None]:
    """Containers on the host's network are on this one, and its ports are free."""
    with inside():
        yield


def test_an_image_adds_little_to_its_base(engine: Podman):
    base, service, arena = (
        int(engine.says("image", "inspect", "--format", "{{.Size}}", one))
        for one in (podman.BASE, SERVICE, ARENA)
    )
    print(f"MB beyond a base of {base / 1e6:.0f}: {(service - base) / 1e6:.0f}, arena "
          f"{(arena - base) / 1e6:.0f}")  # fmt: skip

    assert arena - base < (service - base) / 2


@pytest.mark.parametrize("image", [SERVICE, ARENA])
def test_an_image_keeps_what_its_file_says(engine: Podman, image: str):
    (told,) = json.loads(engine.says("image", "inspect", image))

    assert told["Config"]["User"] == "65532:65532"
    assert told["Config"]["StopSignal"] == "SIGTERM"
    assert told["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert bool(told.get("HealthCheck") or told.get("Healthcheck")) == (image == SERVICE)


@pytest.mark.parametrize("image", [SERVICE, ARENA])
def test_a_container_is_a_stranger_who_can_do_nothing(engine: Podman, image: str):
    tell = (
        "import os; of = dict(line.split(':\t') for line in open('/proc/self/status')"
        " if ':\t' in line);"
        "print(os.getuid(), of['CapEff'].strip(), os.access('/', os.W_OK),"
        " os.access('/tmp', os.W_OK))"
    )
    said = engine.says(*RUN, *CLOSED, "--entrypoint", "python", image, "-c", tell)

    assert said == "65532 0000000000000000 False True"


def test_a_demo_plays_in_a_container(engine: Podman):
    crowd = ("--duration", "6", "--players", "20", "--servers", "2", "--json=-")
    figures = json.loads(engine.says(*RUN, *CLOSED, SERVICE, "demo", "--headless", *crowd))

    assert figures["matches"]["completed"] >= 1
    assert figures["breaches"] == 0


def test_a_game_server_without_its_environment_says_what_is_missing(engine: Podman):
    done = engine.run("podman", *RUN, *CLOSED, ARENA)

    assert done.returncode == 1
    assert "READYUP_SERVER_NAME is not set" in done.stderr


def test_compose_runs_the_whole_system(engine: Podman):
    """All but Grafana, which nobody packs; squads and duels are played, and Prometheus sees all."""
    keys = dict(line.split("=") for line in engine.says(*RUN, SERVICE, "keys").split())
    images = {f"{name.upper()}_IMAGE": tag for name, tag in STAND_INS.items()}
    with up(engine, {**keys, **images}):
        began = time.monotonic()
        for one in set(map(container, PLAYED)) - {container("prometheus")}:
            until(partial(healthy, engine, one), f"{one} is healthy")
        print(f"all healthy after {time.monotonic() - began:.0f} s")
        until(lambda: len(seen()) == 6, "Prometheus reads every role")
        duels, squads = (bots(engine, squad_share=share) for share in ("0", "1"))
        engine.run("podman", "stop", "--time", "20", *map(container, PLAYED))
        ended = {
            name: engine.says("inspect", "--format", "{{.State.ExitCode}}", container(name))
            for name in PLAYED
        }

    assert ended == dict.fromkeys(PLAYED, "0")
    assert set(services()) - set(PLAYED) == {"grafana"}
    assert duels["matches"]["completed"] >= 1
    assert squads["matches"]["completed"] >= 1


@contextmanager
def up(engine: Podman, env: dict[str, str]) -> Iterator[None]:
    """``podman-compose up``, and down with its volumes at the end."""
    env = {**env, "UV_OFFLINE": "1"}  # it was fetched outside of this network
    try:
        begun = engine.run(*COMPOSE, "up", "--detach", *PLAYED, env=env, timeout_s=300)
        assert begun.returncode == 0, begun.stderr
        yield
    finally:
        engine.run(*COMPOSE, "down", "--volumes", "--timeout", "5", env=env, timeout_s=300)


def bots(engine: Podman, *, squad_share: str) -> dict[str, Any]:
    """The report of a crowd that plays for a while; errors of theirs fail it."""
    crowd = ("--players", "30", "--duration", "20", "--squad-share", squad_share)
    report = engine.says(*RUN, *CLOSED, SERVICE, "bots", *crowd, "--json=-", "--quiet")
    print(" ".join(report.split()))
    return dict(json.loads(report))


def container(service: str) -> str:
    """As compose names it."""
    return f"readyup_{service}_1"


def healthy(engine: Podman, service: str) -> bool:
    """What the container's own check says, with the patience that a busy machine wants."""
    asked = engine.says("inspect", "--format", "{{json .Config.Healthcheck.Test}}", service)
    return engine.run("podman", "exec", service, *json.loads(asked)[1:]).returncode == 0


def seen() -> list[str]:
    """The roles that Prometheus has read."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/targets", timeout=5) as answer:
            targets = json.load(answer)["data"]["activeTargets"]
    except OSError:
        return []
    return [one["labels"]["role"] for one in targets if one["health"] == "up"]


def until(true: Callable[[], bool], what: str, patience_s: float = 180) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < patience_s, f"not in {patience_s:g} s: {what}"
        time.sleep(1)
