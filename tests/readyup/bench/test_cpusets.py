"""Exclusive cpusets of both versions, on a stand-in for the kernel's folders."""

import os
from pathlib import Path

import pytest

from readyup.bench import cpusets
from readyup.bench.cpusets import PREFIX, Unavailable

V1 = "31 23 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
V2 = "36 23 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
FILES = {
    1: {"cpuset.cpus": "0-3", "cpuset.mems": "0", "cgroup.procs": ""},
    2: {"cgroup.controllers": "cpuset cpu", "cgroup.subtree_control": "cpu", "cgroup.procs": ""},
}
CHILD = {
    1: ("cpuset.cpus", "cpuset.mems", "cpuset.cpu_exclusive", "cgroup.procs"),
    2: ("cpuset.cpus", "cpuset.cpus.exclusive", "cpuset.cpus.partition", "cgroup.procs"),
}


class Kernel:
    """A machine with one version of cgroups, and this process in ``/slice`` of it."""

    def __init__(self, root: Path, version: int) -> None:
        self.root = root
        folder = "cpuset" if version == 1 else ""
        self.here = root / "sys/fs/cgroup" / folder / "slice"
        self.here.mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/mountinfo").write_text(V1 if version == 1 else V2)
        (root / "proc/self/cgroup").write_text(
            "3:cpuset:/slice\n" if version == 1 else "0::/slice\n"
        )
        for name, text in FILES[version].items():
            (self.here / name).write_text(text)
        self.written: list[tuple[str, str]] = []
        self.version = version
        self.answers: dict[str, str] = {}

    def write(self, path: Path, text: str) -> None:
        self.written.append((path.relative_to(self.here).as_posix(), text))
        path.write_text(self.answers.get(path.name, text))

    def mkdir(self, folder: Path) -> None:
        os.mkdir(folder)
        for name in CHILD[self.version]:
            (folder / name).write_text("")

    def rmdir(self, folder: Path) -> None:
        for file in folder.iterdir():
            file.unlink()
        os.rmdir(folder)

    def rules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Be what cpusets speaks to."""

        def mkdir(folder: Path) -> None:
            self.mkdir(folder)

        def rmdir(folder: Path) -> None:
            self.rmdir(folder)

        monkeypatch.setattr(cpusets, "_write", self.write)
        monkeypatch.setattr(Path, "mkdir", mkdir)
        monkeypatch.setattr(Path, "rmdir", rmdir)


@pytest.fixture(params=[1, 2])
def kernel(request, tmp_path, monkeypatch):
    made = Kernel(tmp_path, request.param)
    made.rules(monkeypatch)
    return made


def test_a_cpuset_is_made_used_and_removed(kernel):
    with cpusets.exclusive(kernel.version, (3,), (0, 1, 2), kernel.root) as made:
        cpusets.put(made.game, 77)
        inside = made.game.is_dir()

    name = f"{PREFIX}{os.getpid()}"
    assert inside
    assert not list(kernel.here.glob(f"{PREFIX}*"))
    assert kernel.written[-1 if kernel.version == 1 else -2] == ("cgroup.procs", "77")
    if kernel.version == 1:
        assert made.neighbour.name == f"{name}-neighbour"
        assert (f"{name}-neighbour/cpuset.cpus", "0-2") in kernel.written
        assert (f"{name}-game/cpuset.cpu_exclusive", "1") in kernel.written
    else:
        assert made.neighbour == kernel.here
        assert (f"{name}-game/cpuset.cpus.partition", "isolated") in kernel.written
        assert (f"{name}-game/cpuset.cpus.partition", "member") in kernel.written
        assert kernel.written[0] == ("cgroup.subtree_control", "+cpuset")
        assert kernel.written[-1] == ("cgroup.subtree_control", "-cpuset")


def test_what_a_killed_run_left_goes_and_what_lives_stays(kernel):
    gone, lives = kernel.here / f"{PREFIX}4194999-game", kernel.here / f"{PREFIX}{os.getpid()}-x"
    kernel.mkdir(gone)
    kernel.mkdir(lives)

    cpusets.sweep(kernel.here)

    assert not gone.exists()
    assert lives.exists()


def test_a_refusal_by_the_kernel_is_told_and_nothing_stays(kernel, monkeypatch):
    def refuse(path: Path, text: str) -> None:
        if path.name == "cpuset.cpus":
            raise PermissionError(13, "Permission denied", str(path))
        kernel.write(path, text)

    monkeypatch.setattr(cpusets, "_write", refuse)

    with (
        pytest.raises(Unavailable, match=r"Permission denied \(cpuset.cpus\)"),
        cpusets.exclusive(kernel.version, (3,), (0, 1, 2), kernel.root),
    ):
        pass
    assert not list(kernel.here.glob(f"{PREFIX}*"))


def test_a_partition_that_the_kernel_calls_invalid_is_no_partition(tmp_path, monkeypatch):
    kernel = Kernel(tmp_path, 2)
    kernel.answers["cpuset.cpus.partition"] = "isolated invalid (Parent is not a partition root)\n"
    kernel.rules(monkeypatch)

    with (
        pytest.raises(Unavailable, match="Parent is not a partition root"),
        cpusets.exclusive(2, (3,), (0,), kernel.root),
    ):
        pass
    assert not list(kernel.here.glob(f"{PREFIX}*"))


@pytest.mark.parametrize(
    ("mounts", "version", "reason"),
    [
        ("", 1, "no cgroup v1 cpuset hierarchy is mounted"),
        ("", 2, "no cgroup v2 hierarchy is mounted"),
        (V2, 2, "not delegated"),
        (V1 + V2.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified "), 2, "bound to v1"),
    ],
)
def test_a_version_that_is_not_there_is_named(tmp_path, mounts, version, reason):
    kernel = Kernel(tmp_path, version)
    (kernel.root / "proc/self/mountinfo").write_text(mounts)
    if version == 2:
        (kernel.here / "cgroup.controllers").write_text("memory pids")
        unified = kernel.root / "sys/fs/cgroup/unified/slice"
        unified.mkdir(parents=True)
        (unified / "cgroup.controllers").write_text("hugetlb")

    with pytest.raises(Unavailable, match=reason):
        cpusets.find(version, kernel.root)


def test_the_cpuset_is_described_from_inside(kernel):
    effective = "cpuset.effective_cpus" if kernel.version == 1 else "cpuset.cpus.effective"
    (kernel.here / effective).write_text("0-3\n")

    said = cpusets.describe_own(kernel.root)

    assert said == ("v1 0-3" if kernel.version == 1 else "v2 0-3 the root")
