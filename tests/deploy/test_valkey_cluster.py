"""The store's own scripts as a Cluster, run: six pods as the StatefulSet has them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.deploy.release import real_client
from tests.deploy.valkeys import Valkeys, until, valkeys


@dataclass(frozen=True)
class Member:
    """One line of ``cluster nodes``."""

    name: str
    address: str
    role: str
    follows: str
    slots: tuple[str, ...]


def members(store: Valkeys, pod: str) -> dict[str, Member]:
    """The cluster as one of them sees it, by pod; two of one pod are an error."""
    found = {}
    # A machine with much else to do may take longer than the three seconds of one question.
    said = next(filter(None, (store.says(pod, "ask --raw cluster nodes") for _ in range(9))))
    for line in said.splitlines():
        name, address, flags, follows, *_ = words = line.split(" ")
        where, _, host = address.partition(",")
        role = "replica" if "slave" in flags else "primary"
        host = host.partition(".")[0]
        assert host not in found, f"{host} is there twice"
        found[host] = Member(name, where.partition(":")[0], role, follows, tuple(words[8:]))
    return found


def whole(store: Valkeys) -> bool:
    """Whether all are ready, and see the same six at the addresses that these have."""
    if not store.ready():
        return False
    seen = [members(store, pod) for pod in store.pods]
    addresses = {pod: store.release.addresses[pod] for pod in store.pods}
    return all(
        one == seen[0] and {pod: member.address for pod, member in one.items()} == addresses
        for one in seen
    )


def pairs(store: Valkeys) -> dict[str, str]:
    """Replica to primary."""
    seen = members(store, store.pods[0])
    pods = {member.name: pod for pod, member in seen.items()}
    return {pod: pods[one.follows] for pod, one in seen.items() if one.role == "replica"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkeys]:
    if not real_client():
        pytest.skip("there is no valkey-cli or redis-cli here: Debian has one in redis-tools")
    with valkeys(tmp_path_factory.mktemp("cluster"), "cluster") as store:
        store.start()
        yield store


def test_six_that_are_killed_while_they_meet_are_a_cluster_all_the_same(store: Valkeys):
    until(lambda: "0-5460" in store.says(store.pods[0], "ask --raw cluster nodes"))
    store.kill()
    store.start()
    until(lambda: whole(store))

    zero, one, two, three, four, five = store.pods
    seen = members(store, zero)
    assert pairs(store) == {three: zero, four: one, five: two}
    assert [seen[pod].slots for pod in (zero, one, two)] == [
        ("0-5460",),
        ("5461-10922",),
        ("10923-16383",),
    ]


def test_to_meet_again_changes_nothing(store: Valkeys):
    before = members(store, store.pods[0])
    codes = [store.valkey(pod).enter("sh", "/etc/valkey/meet.sh") for pod in store.pods]

    assert codes == [0] * 6
    assert members(store, store.pods[0]) == before


def test_a_primary_hands_over_before_it_goes(store: Valkeys):
    zero, three = store.pods[0], store.pods[3]
    handed = store.told_to_go(zero)
    until(lambda: whole(store))

    assert handed == 0
    assert pairs(store)[zero] == three


def test_pods_that_come_back_with_other_addresses_find_one_another_by_name(store: Valkeys):
    before = pairs(store)
    store.kill()
    for pod in store.pods:
        store.release.move(pod)
    store.start()
    until(lambda: whole(store))

    assert pairs(store).keys() | before.keys() <= set(store.pods)
    assert len(pairs(store)) == 3


def test_a_member_that_lost_its_disk_follows_and_what_it_was_is_forgotten(store: Valkeys):
    lost = next(iter(sorted(pairs(store).values())))
    heir = next(pod for pod, primary in pairs(store).items() if primary == lost)
    before = members(store, lost)[lost]
    store.kill(lost)
    shutil.rmtree(store.valkey(lost).data)
    store.start(lost)
    until(lambda: whole(store))

    seen = members(store, heir)
    assert seen[lost].name != before.name
    assert pairs(store)[lost] == heir
    assert seen[heir].slots == before.slots
