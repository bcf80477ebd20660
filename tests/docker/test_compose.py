"""The compose file by the library that `docker compose` reads it with; part of `make images`."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster.plane import toolchain
from tests.docker.test_files import DOCKER, KEYS

MODULE = Path(__file__).parent / "compose"

pytestmark = [pytest.mark.images, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compose") / "reader"
    subprocess.run([toolchain.find(MODULE), "build", "-o", made, "."], cwd=MODULE, check=True)
    return made


def read(reader: Path, file: Path, **env: str) -> tuple[int, str]:
    done = subprocess.run(
        [reader, file],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_ours_is_taken(reader: Path):
    assert read(reader, DOCKER / "compose.yaml", **KEYS) == (0, "")


def test_without_keys_it_says_how_to_make_them(reader: Path):
    code, said = read(reader, DOCKER / "compose.yaml")

    assert code == 1
    assert "readyup:dev keys > docker/.env" in said


def test_what_the_schema_does_not_know_is_refused(reader: Path, tmp_path: Path):
    spoiled = tmp_path / "compose.yaml"
    text = (DOCKER / "compose.yaml").read_text("utf-8")
    spoiled.write_text(text.replace("stop_grace_period: 30s", "stop_grace_perod: 30s"))
    code, said = read(reader, spoiled, **KEYS)

    assert code == 1
    assert "stop_grace_perod" in said
