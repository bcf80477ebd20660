"""What a game server was told: read once, and refused with the cure when wrong."""

import os
from pathlib import Path

import pytest

from core.errors import Invalid
from gameserver.environment import Environment

NEEDED = {
    "READYUP_SERVER_NAME": "arena-1",
    "READYUP_SERVER_UID": "uid-1",
    "READYUP_FLEET": "arena",
    "READYUP_PORT": "7001",
    "READYUP_SESSIONS_URL": "ws://127.0.0.1:8080/v1/servers/connect",
}


def key_fd(seed: bytes) -> str:
    reading, writing = os.pipe()
    os.write(writing, seed)
    os.close(writing)
    return str(reading)


def test_what_is_needed_is_enough():
    read = Environment.read(NEEDED)

    assert (read.name, read.port, read.rooms) == ("arena-1", 7001, 1)
    assert not read.key_known
    assert len(read.public_hex()) == 64
    assert Environment.read(NEEDED).public_hex() != read.public_hex()


def test_everything_is_read():
    read = Environment.read(
        {
            **NEEDED,
            "READYUP_ROOMS": "4",
            "READYUP_VERSION": "v7",
            "READYUP_EVENTS": "events/arena-1.jsonl",
            "READYUP_CORES": "0,2",
            "READYUP_DRAIN_S": "3",
            "READYUP_SERVER_KEY_FD": key_fd(bytes(32)),
        }
    )

    assert (read.rooms, read.version, read.cores, read.drain_s) == (4, "v7", (0, 2), 3.0)
    assert read.events == Path("events/arena-1.jsonl")
    assert read.key_known
    assert read.public_hex().startswith("3b6a27bcceb6a42d62a3a8d02a6f0d73")  # of 32 zeros


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_each_that_is_missing_is_named(name):
    with pytest.raises(Invalid) as wrong:
        Environment.read({key: value for key, value in NEEDED.items() if key != name})

    assert wrong.value.field == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("READYUP_PORT", "65536"),
        ("READYUP_PORT", "-1"),
        ("READYUP_ROOMS", "0"),
        ("READYUP_ROOMS", "many"),
        ("READYUP_CORES", "all"),
        ("READYUP_SERVER_KEY_FD", "999999"),
    ],
)
def test_each_that_is_wrong_is_named(name, value):
    with pytest.raises(Invalid) as wrong:
        Environment.read({**NEEDED, name: value})

    assert wrong.value.field == name


def test_a_key_of_another_length_is_refused():
    with pytest.raises(Invalid, match="31 bytes"):
        Environment.read({**NEEDED, "READYUP_SERVER_KEY_FD": key_fd(bytes(31))})
