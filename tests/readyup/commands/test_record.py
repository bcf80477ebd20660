"""``readyup record``: where it looks."""

from pathlib import Path

from core.address import Address
from readyup.commands import record


def test_the_stores_password_comes_from_the_environment(tmp_path: Path, asked: list[Address]):
    code = record.record(tmp_path / "lately.jsonl", store="redis://store:6379/0")

    assert code == 1
    assert [where.password for where in asked] == ["hunter2"]
