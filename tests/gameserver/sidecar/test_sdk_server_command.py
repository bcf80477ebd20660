"""``readyup sdk-server`` as a developer starts it."""

import asyncio
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import structlog

from readyup.commands.sdk_server import sdk_server


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command sets up logging for its whole process, which here is that of all tests."""
    yield
    structlog.reset_defaults()


@pytest.mark.slow  # a process of its own
async def test_the_command_serves_until_it_is_told_to_stop():
    command = [sys.executable, "-m", "readyup", "sdk-server", "--grpc-port=0", "--http-port=0"]
    async with asyncio.timeout(20):
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said = await child.stdout.readline()
        (port,) = re.findall(rb"REST on 127\.0\.0\.1:(\d+)", said)
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{int(port)}/gameserver") as answer,
        ):
            told = await answer.json()
        child.send_signal(signal.SIGTERM)
        await child.communicate()

    assert told["object_meta"]["name"] == "local"
    assert told["status"]["state"] == "Ready"
    assert child.returncode == 0


def test_a_file_that_is_not_there_is_told_in_a_sentence(capsys):
    code = sdk_server(file=Path("nowhere.json"))

    assert code == 1
    assert capsys.readouterr().err == (
        "readyup sdk-server: nowhere.json: No such file or directory; "
        "give --file a GameServer as JSON or YAML\n"
    )
