"""``readyup record``: where it looks."""

from pathlib import Path

import pytest

from core.address import PASSWORD, Address
from core.errors import StoreUnreachable
from readyup.commands import record


def test_the_stores_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Address] = []

    async def connect(where: Address) -> None:
        asked.append(where)
        raise StoreUnreachable("nobody answers")

    monkeypatch.setenv(PASSWORD, "hunter2")
    monkeypatch.setattr(record.Store, "connect", connect)
    code = record.record(tmp_path / "lately.jsonl", store="redis://store:6379/0")

    assert code == 1
    assert [where.password for where in asked] == ["hunter2"]
