"""What the commands' tests share."""

import pytest

from core.address import PASSWORD, Address
from core.errors import StoreUnreachable
from core.redis import Store


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """The stores that a command looked for, with a password in the environment; none answers."""
    addresses: list[Address] = []

    async def connect(where: Address) -> None:
        addresses.append(where)
        raise StoreUnreachable("nobody answers")

    monkeypatch.setenv(PASSWORD, "hunter2")
    monkeypatch.setattr(Store, "connect", connect)
    return addresses
