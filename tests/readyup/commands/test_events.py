"""``readyup events``: where it looks."""

from pathlib import Path

import pytest

from core.address import Address
from readyup.commands import events


def test_the_stores_password_comes_from_the_environment(
    tmp_path: Path, asked: list[Address], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events, "configure_logging", lambda **_: None)
    code = events.events(to=f"file:{tmp_path / 'told'}", store="redis://store:6379/0")

    assert code == 1
    assert [where.password for where in asked] == ["hunter2"]
