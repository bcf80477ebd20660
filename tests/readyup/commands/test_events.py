"""``readyup events``: where it looks."""

from pathlib import Path

import pytest

from core.address import PASSWORD, Address
from core.errors import StoreUnreachable
from readyup.commands import events


def test_the_stores_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Address] = []

    async def connect(where: Address) -> None:
        asked.append(where)
        raise StoreUnreachable("nobody answers")

    monkeypatch.setenv(PASSWORD, "hunter2")
    monkeypatch.setattr(events.Store, "connect", connect)
    monkeypatch.setattr(events, "configure_logging", lambda **_: None)
    code = events.events(to=f"file:{tmp_path / 'told'}", store="redis://store:6379/0")

    assert code == 1
    assert [where.password for where in asked] == ["hunter2"]
