"""The bill of materials of an image names what its lock pins, with versions and hashes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {
    "service": ROOT / "requirements-runtime.lock",
    "arena": ROOT / "docker/arena.lock",
    "build": ROOT / "docker/build.lock",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def made() -> None:
    done = subprocess.run(
        ["make", "sbom"], cwd=ROOT, capture_output=True, text=True, timeout=140, check=False
    )
    if done.returncode and "Failed to fetch" in done.stderr:
        pytest.skip("cyclonedx-bom cannot be had from a package index here")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("image", LOCKS)
def test_every_pinned_package_is_named_with_its_version_and_hashes(image: str):
    pinned = dict(re.findall(r"(?m)^([A-Za-z0-9_.-]+)==([^\s;]+)", LOCKS[image].read_text("utf-8")))
    told = json.loads((ROOT / f"dist/sbom-{image}.cdx.json").read_text("utf-8"))
    named = {one["name"].lower(): one for one in told["components"]}

    assert told["bomFormat"] == "CycloneDX"
    assert {name: one["version"] for name, one in named.items()} == {
        name.lower(): version for name, version in pinned.items()
    }
    for one in named.values():
        assert one["purl"].startswith("pkg:pypi/")
        assert any(link.get("hashes") for link in one["externalReferences"])
