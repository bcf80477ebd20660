"""A role's process: started again when it dies, ended when it is told, killed when it will not."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from readyup.demo import roles
from readyup.demo.roles import RoleProcess

Start = Callable[[str], contextlib.AbstractAsyncContextManager[RoleProcess]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Run a shell script in the role's place while a block lasts; then stop it."""
    monkeypatch.setattr(roles, "AGAIN_S", 0.001)

    @contextlib.asynccontextmanager
    async def starting(script: str) -> AsyncIterator[RoleProcess]:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(roles.sys, "executable", str(program))
        role = RoleProcess(
            "api-1", ["serve", "--role", "api"], env={"WORD": "hello"}, output=tmp_path / "l" / "o"
        )
        stop = asyncio.Event()
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(role.run(stop), name="role")
            try:
                yield role
            finally:
                stop.set()

    return starting


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def said(tmp_path: Path) -> str:
    output = tmp_path / "l" / "o"
    return output.read_text() if output.exists() else ""


async def test_a_process_has_its_arguments_its_environment_and_its_log(
    start: Start, tmp_path: Path
):
    async with start('echo "$WORD $@"; echo trouble >&2; exec sleep 60') as role:
        await until(lambda: "trouble" in said(tmp_path))
        pid = role.pid

        assert os.getsid(pid) == pid
    assert said(tmp_path) == "hello -m readyup serve --role api\ntrouble\n"
    assert (role.pid, role.restarts) == (0, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_is_killed_is_started_again(start: Start):
    async with start("exec sleep 60") as role:
        await until(lambda: role.pid)
        first = role.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: role.pid not in (0, first))

        assert role.restarts == 1


async def test_while_there_is_no_process_there_is_no_pid(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(roles, "AGAIN_S", 60.0)
    async with start("exit 3") as role:
        await until(lambda: role.restarts)
        await asyncio.sleep(0)

        assert role.pid == 0


async def test_a_process_that_keeps_dying_is_started_again_and_again(start: Start, tmp_path: Path):
    async with start("echo once; exit 3") as role:
        await until(lambda: role.restarts >= 4)
    assert said(tmp_path).count("once") >= 4


async def test_the_last_words_of_a_process_that_died_are_told(start: Start, tmp_path: Path):
    with capture_logs() as logs:
        async with start("echo starting; echo 'no key opens the API' >&2; exit 1") as role:
            await until(lambda: role.restarts)

    assert logs[0]["event"] == "role.died"
    assert (logs[0]["said"], logs[0]["code"]) == ("no key opens the API", 1)
    assert logs[0]["log"] == str(tmp_path / "l" / "o")


async def test_stopping_does_not_wait_for_the_next_start(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(roles, "AGAIN_S", 60.0)
    async with start("exit 3") as role:
        await until(lambda: role.restarts)
    assert role.restarts == 1


async def test_a_process_is_asked_to_end_and_waited_for(start: Start, tmp_path: Path):
    script = 'trap "echo goodbye; exit 0" TERM; echo up; while :; do sleep 0.01; done'
    async with start(script) as role:
        await until(lambda: "up" in said(tmp_path))
    assert said(tmp_path) == "up\ngoodbye\n"
    assert role.restarts == 0


async def test_a_process_that_was_frozen_hears_that_it_shall_end(start: Start, tmp_path: Path):
    script = 'trap "echo goodbye; exit 0" TERM; echo up; while :; do sleep 0.01; done'
    async with start(script) as role:
        await until(lambda: "up" in said(tmp_path))
        os.kill(role.pid, signal.SIGSTOP)
    assert "goodbye" in said(tmp_path)


async def test_a_process_that_will_not_end_is_killed(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(roles, "STOP_S", 0.05)
    async with start('trap "" TERM; echo up; while :; do sleep 0.01; done') as role:
        await until(lambda: "up" in said(tmp_path))
        pid = role.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
