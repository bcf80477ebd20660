"""What is rendered is what was looked at: the plain chart whole, each profile by its difference.

`READYUP_SNAPSHOTS=write pytest tests/deploy/test_snapshots.py` takes them anew; read the diff.
"""

import difflib
import os
import re
from pathlib import Path

import pytest

from tests.deploy import helm

SNAPSHOTS = Path(__file__).parent / "snapshots"
PROFILES = sorted(helm.PROFILES.glob("*.yaml"))

CHANCE = (
    (re.compile(r'"-----BEGIN [^"]*"'), '"PEM"'),
    (re.compile(r"caBundle: \S+"), "caBundle: PEM"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HEX"),
    (re.compile(r"\b(ru[bo]_)?[A-Za-z0-9]{43}\b"), r"\1RANDOM"),
    (re.compile(r'made-at: "\d+"'), 'made-at: "NOW"'),
)
"""What is made by chance or by the clock, and what stands for it."""


def settled(text: str) -> str:
    for pattern, stand_in in CHANCE:
        text = pattern.sub(stand_in, text)
    return text


def same(name: str, text: str) -> None:
    path = SNAPSHOTS / name
    if os.environ.get("READYUP_SNAPSHOTS") == "write":
        path.write_text(text, "utf-8")
    kept = path.read_text("utf-8") if path.exists() else ""
    changed = difflib.unified_diff(
        kept.splitlines(), text.splitlines(), "looked at", "rendered", n=1, lineterm=""
    )

    assert not list(changed)


@pytest.fixture(scope="module")
def plain() -> str:
    return settled(helm.template())


def test_the_plain_chart_is_as_it_was(plain: str):
    same("plain.yaml", plain)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_changes_what_it_did(plain: str, profile: Path):
    whole = settled(helm.template(profile))
    lines = difflib.unified_diff(
        plain.splitlines(), whole.splitlines(), "plain", profile.stem, n=2, lineterm=""
    )
    same(f"{profile.stem}.diff", "\n".join(lines) + "\n")
