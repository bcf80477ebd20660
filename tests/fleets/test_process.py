"""One child process: what it gets, what it may not see, and that nothing of it is left."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import Conflict, Invalid
from core.ids import ServerUid
from fleets.local.orphans import Registry
from fleets.local.output import CappedLog, keep_newest
from fleets.local.process import Child, Launch

SEED = bytes(range(32))


def launch(tmp_path: Path, *command: str, **changes: object) -> Launch:
    given = {"env": {}, "cores": (), "seed": SEED, "log": tmp_path / "server.log"}
    return Launch(command=command, **{**given, **changes})


def sh(tmp_path: Path, script: str, **changes: object) -> Launch:
    return launch(tmp_path, "sh", "-c", script, **changes)


def printed(tmp_path: Path) -> str:
    return (tmp_path / "server.log").read_text()


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


async def until(seen: Callable[[], object], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not seen():
            await asyncio.sleep(0.005)


async def test_it_is_pinned_without_privileges_and_leads_a_group_of_its_own(tmp_path: Path):
    core = max(os.sched_getaffinity(0))
    child = Child.spawn(sh(tmp_path, "cat /proc/self/status /proc/self/limits", cores=(core,)))

    assert await child.exited == 0
    status = {line.split(":")[0]: line.split()[1:] for line in printed(tmp_path).splitlines()}
    assert status["Cpus_allowed_list"] == [str(core)]
    assert status["NoNewPrivs"] == ["1"]
    assert "Max core file size        0                    0" in printed(tmp_path)

    script = "import os; print(os.getpid() == os.getpgid(0) == os.getsid(0))"
    child = Child.spawn(launch(tmp_path, sys.executable, "-S", "-c", script))
    await child.exited
    assert printed(tmp_path).endswith("True\n")


async def test_its_environment_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REDIS_URL", "redis://:secret@db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    child = Child.spawn(launch(tmp_path, "/usr/bin/env", env={"READYUP_PORT": "7001"}))
    await child.exited

    names = {line.partition("=")[0] for line in printed(tmp_path).splitlines()}
    allowed = {"PATH", "HOME", "LANG", "PYTHONPATH", "PYTHONHOME"}
    assert names - allowed == {"READYUP_PORT", "READYUP_SERVER_KEY_FD"}


async def test_the_seed_of_its_key_is_in_the_pipe_and_nowhere_else(tmp_path: Path):
    script = (
        "import os; fd = int(os.environ['READYUP_SERVER_KEY_FD']); print(os.read(fd, 64).hex());"
        "print(os.read(fd, 64)); print([n for n in os.listdir('/proc/self/fd')])"
    )
    child = Child.spawn(launch(tmp_path, sys.executable, "-S", "-c", script))
    await child.exited

    seed, end, fds = printed(tmp_path).splitlines()
    assert (seed, end) == (SEED.hex(), "b''")
    assert len(eval(fds)) == 5  # noqa: S307 - stdin, stdout, stderr, the pipe, the listing itself


async def test_its_exit_code_is_seen(tmp_path: Path):
    ended = Child.spawn(sh(tmp_path, "exit 3"))
    killed = Child.spawn(sh(tmp_path, "kill -9 $$"))

    assert await ended.exited == 3
    assert await killed.exited == -signal.SIGKILL


async def test_it_is_asked_first_and_may_go_by_itself(tmp_path: Path):
    child = Child.spawn(
        sh(tmp_path, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done")
    )
    await until(lambda: "up" in printed(tmp_path))

    assert await child.end(5.0) == 0
    assert "bye" in printed(tmp_path)
    assert await child.end(5.0) == 0


async def test_its_whole_group_is_killed_when_it_does_not_go(tmp_path: Path):
    stubborn = "trap '' TERM; sleep 60 & echo $!; while :; do sleep 1; done"
    child = Child.spawn(sh(tmp_path, stubborn))
    await until(lambda: "\n" in printed(tmp_path))
    grandchild = int(printed(tmp_path))
    assert alive(grandchild)

    assert await child.end(0.05) == -signal.SIGKILL
    await until(lambda: not alive(grandchild))


async def test_what_it_leaves_behind_when_it_ends_is_killed(tmp_path: Path):
    child = Child.spawn(sh(tmp_path, "sleep 60 & echo $!"))

    assert await child.exited == 0
    grandchild = int(printed(tmp_path))
    await until(lambda: not alive(grandchild))


async def test_its_output_is_kept_up_to_a_cap(tmp_path: Path):
    script = "for n in range(20_000): print('line', n)"
    child = Child.spawn(launch(tmp_path, sys.executable, "-S", "-c", script, log_bytes_max=50_000))
    assert await child.exited == 0

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["server.log", "server.log.1"]
    assert (tmp_path / "server.log.1").stat().st_size == 50_000
    assert (tmp_path / "server.log").stat().st_size <= 50_000
    assert printed(tmp_path).endswith("line 19999\n")


def test_old_logs_make_room_for_new_ones(tmp_path: Path):
    for n in range(5):
        (tmp_path / f"{n}.log").touch()
        os.utime(tmp_path / f"{n}.log", (n, n))

    keep_newest(tmp_path, 3)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.log", "3.log", "4.log"]


def test_a_log_that_was_deleted_as_the_oldest_goes_on_in_a_new_file(tmp_path: Path):
    log = CappedLog(tmp_path / "quiet.log", 10)
    log.write(b"first word")
    (tmp_path / "quiet.log").unlink()

    log.write(b"last word")
    log.close()

    assert (tmp_path / "quiet.log").read_bytes() == b"last word"


async def test_a_program_that_is_not_there_is_said_before_anything_starts(tmp_path: Path):
    with pytest.raises(Invalid, match="no program 'no-such-game'"):
        Child.spawn(launch(tmp_path, "no-such-game"))


async def test_no_descriptor_is_left_over(tmp_path: Path):
    async def once() -> None:
        await Child.spawn(sh(tmp_path, "echo hello")).exited

    await once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        await once()

    assert len(os.listdir("/proc/self/fd")) == before


PARENT = """
import asyncio, sys
from pathlib import Path
from fleets.local.orphans import Registry
from fleets.local.output import keep_newest
from fleets.local.process import Child, Launch

async def main():
    folder = Path(sys.argv[1])
    registry = Registry(folder / "servers")
    child = Child.spawn(Launch(
        command=("sh", "-c", "sleep 60 & echo $!; wait"),
        env={"READYUP_SERVER_UID": "5eed" * 8}, cores=(), seed=b"", log=folder / "server.log",
    ))
    registry.add("arena-x7k2p", "5eed" * 8, child.pid)
    print(child.pid, flush=True)
    await child.exited

asyncio.run(main())
"""


def parent(tmp_path: Path) -> tuple["subprocess.Popen[str]", int]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


async def test_kill_9_of_the_parent_leaves_nothing(tmp_path: Path):
    process, child = parent(tmp_path)
    await until(lambda: (tmp_path / "server.log").exists() and "\n" in printed(tmp_path))
    grandchild = int(printed(tmp_path))
    assert alive(child)
    assert alive(grandchild)

    process.kill()
    process.communicate()
    await until(lambda: not alive(child))

    # The kernel ends the child; the next role's sweep ends what the child had started.
    registry = Registry(tmp_path / "servers")
    assert registry.sweep() == 1
    await until(lambda: not alive(grandchild))
    assert registry.sweep() == 0
    registry.close()


def test_a_run_folder_belongs_to_one_role(tmp_path: Path):
    first = Registry(tmp_path)
    with pytest.raises(Conflict, match="another fleets role uses"):
        Registry(tmp_path)
    first.close()

    Registry(tmp_path).close()


def test_a_stranger_with_a_reused_process_id_is_left_alone(tmp_path: Path):
    with subprocess.Popen(["sleep", "60"]) as stranger:
        registry = Registry(tmp_path)
        registry.add("arena-x7k2p", ServerUid("0" * 32), stranger.pid)
        file = tmp_path / "arena-x7k2p.json"
        ticks = Path(f"/proc/{stranger.pid}/stat").read_text().rpartition(")")[2].split()[19]
        assert ticks in file.read_text()
        file.write_text(file.read_text().replace(ticks, "1"))

        assert registry.sweep() == 0
        assert stranger.poll() is None
        registry.close()
        stranger.kill()


def test_a_child_of_a_dead_role_is_known_by_its_start_time(tmp_path: Path):
    with subprocess.Popen(["sleep", "60"]) as orphan:
        registry = Registry(tmp_path)
        registry.add("arena-x7k2p", ServerUid("0" * 32), orphan.pid)
        (tmp_path / "broken.json").write_text("{")

        assert registry.sweep() == 1
        assert orphan.wait(5) == -signal.SIGKILL
        assert not list(tmp_path.glob("*.json"))
        registry.close()
