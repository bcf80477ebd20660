"""A process says on which cores it may run, in the kernel's words."""

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from core.errors import Invalid
from gameserver.cores import parse_cores, render_cores
from gameserver.evidence import Evidence, Qos, describe, judge, read
from gameserver.pinning import pin, proof


@given(st.frozensets(st.integers(0, 300), min_size=1))
def test_what_is_rendered_is_parsed_again(cores):
    assert parse_cores(render_cores(tuple(cores))) == tuple(sorted(cores))


@pytest.mark.parametrize("text", ["", "a", "1-", "1,,2", "-1", "99999"])
def test_nonsense_names_the_cure(text):
    with pytest.raises(Invalid, match="0-2,8") as wrong:
        parse_cores(text)

    assert wrong.value.field == "READYUP_CORES"


@pytest.mark.parametrize(
    ("cores", "machine", "sentence"),
    [
        ((3,), 8, "core 3 of 8"),
        ((0, 1, 2, 5), 8, "cores 0-2,5 of 8"),
        ((0, 1), 2, "not pinned: all 2 cores"),
        ((0,), 1, "core 0 of 1"),
        ((), 4, "not pinned: this system does not tell which cores a process may use"),
    ],
)
def test_the_sentence_is_honest(cores, machine, sentence):
    assert describe(cores, machine) == sentence


def test_the_proof_is_the_kernels(tmp_path: Path):
    write(tmp_path, "proc/self/status", "Name:\tgame\nCpus_allowed_list:\t4-5,7\n")

    assert proof(tmp_path).cores == (4, 5, 7)
    assert proof().cores == tuple(sorted(os.sched_getaffinity(0)))


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("cgroup", "score", "qos"),
    [
        ("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/c", "2", "B"),
        ("9:cpuset:/kubepods/besteffort/pod1/c", "1000", "E"),
        ("9:cpuset:/kubepods/pod1/c", "-997", "G"),
        ("0::/", "-997", "G"),
        ("0::/", "989", "B"),
        ("0::/", "1000", "E"),
    ],
)
def test_the_pods_class_is_read_even_where_its_cgroup_is_hidden(tmp_path, cgroup, score, qos):
    known = {"G": Qos.GUARANTEED, "B": Qos.BURSTABLE, "E": Qos.BEST_EFFORT}
    write(tmp_path, "proc/self/cgroup", f"{cgroup}\n")
    write(tmp_path, "proc/self/oom_score_adj", f"{score}\n")
    write(tmp_path, "var/run/secrets/kubernetes.io/empty", "")

    assert read(tmp_path).qos is known[qos]


def test_outside_a_pod_there_is_no_class(tmp_path, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    write(tmp_path, "proc/self/oom_score_adj", "0\n")

    assert read(tmp_path).qos is Qos.UNKNOWN


@pytest.mark.parametrize(
    ("path", "kind", "is_own"),
    [
        ("/", "isolated", True),
        ("/games/a", "root", True),
        ("/games/a", "member", False),
        ("/games/a", "root invalid (Cpu list in cpuset.cpus not exclusive)", False),
    ],
)
def test_a_partition_of_cgroup_v2_is_proof(tmp_path: Path, path: str, kind: str, is_own: bool):
    write(tmp_path, "proc/self/cgroup", f"0::{path}\n")
    write(tmp_path, f"sys/fs/cgroup{path}/cpuset.cpus.partition", f"{kind}\n")

    assert read(tmp_path).partition is is_own


def test_where_the_status_does_not_tell_the_cpuset_does(tmp_path: Path):
    write(tmp_path, "sys/fs/cgroup/cpuset.cpus.effective", "2-3\n")

    assert read(tmp_path).cores == (2, 3)


def test_cpu_exclusive_of_cgroup_v1_is_none(tmp_path: Path):
    # It forbids sibling cpusets these cores; the parent's processes may run there all the same.
    write(tmp_path, "proc/self/cgroup", "3:cpuset:/pods/a\n")
    write(tmp_path, "sys/fs/cgroup/cpuset/pods/a/cpuset.cpu_exclusive", "1\n")

    assert not read(tmp_path).partition


@pytest.mark.parametrize("flag", [0, os.SCHED_RESET_ON_FORK])
def test_a_real_time_class_is_told_whether_children_inherit_it_or_not(monkeypatch, flag: int):
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_FIFO | flag)
    monkeypatch.setattr(os, "sched_getparam", lambda _: os.sched_param(10))

    assert read().scheduler == "SCHED_FIFO 10"


@pytest.mark.parametrize(
    ("evidence", "wanted", "exclusive", "why"),
    [
        (Evidence((3,), 8, Qos.GUARANTEED), 1, True, "core 3 of 8, its own: a Guaranteed pod"),
        (Evidence((2, 3), 8, Qos.GUARANTEED), 2, True, "2 whole cores"),
        (Evidence((2, 3, 4), 8, Qos.GUARANTEED), 1, False, "needs cpuManagerPolicy: static"),
        (Evidence((3,), 8, Qos.BURSTABLE), 1, False, "the pod is Burstable"),
        (Evidence(tuple(range(8)), 8, Qos.GUARANTEED), 1, False, "not pinned: all 8 cores"),
        (Evidence((), 8, Qos.GUARANTEED), 1, False, "does not tell"),
        (Evidence((3,), 8, partition=True), 0, True, "a cgroup v2 partition"),
        (Evidence((3,), 8), 0, False, "core 3 of 8"),
        (Evidence((3,), 8, scheduler="SCHED_FIFO 10"), 0, False, "core 3 of 8, SCHED_FIFO 10"),
    ],
)
def test_only_what_is_proven_is_called_exclusive(evidence, wanted, exclusive, why):
    verdict = judge(evidence, wanted=wanted)

    assert verdict.exclusive is exclusive
    assert why in verdict.sentence


def test_without_proc_nothing_is_claimed(tmp_path: Path):
    assert proof(tmp_path / "absent").cores == ()


def test_a_process_pins_itself_and_proves_it():
    before = os.sched_getaffinity(0)
    try:
        pinned = pin((min(before),))
    finally:
        os.sched_setaffinity(0, before)

    assert pinned.cores == (min(before),)


def test_a_core_that_is_not_there_is_refused():
    with pytest.raises(Invalid, match="allowed are"):
        pin((4000,))


def test_a_system_that_cannot_pin_says_so(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity")

    assert pin((0,)).sentence == "not pinned: this system cannot pin processes"
