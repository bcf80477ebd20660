"""Which cores servers get, and the sentence that says so."""

from hypothesis import given, strategies as st

from fleets.placement import choose_cores, pinned_sentence


def placed(count: int, cpus: int, machine: tuple[int, ...]) -> list[tuple[int, ...]]:
    taken: list[tuple[int, ...]] = []
    for _ in range(count):
        taken.append(choose_cores(cpus, machine, taken))
    return taken


@given(st.integers(1, 16), st.integers(1, 4), st.integers(1, 16))
def test_servers_have_their_own_cores_while_there_are_enough(count: int, cpus: int, size: int):
    machine = tuple(range(size))
    cores = placed(count, cpus, machine)
    each = [core for one in cores for core in one]

    if count * cpus <= size:
        assert len(set(each)) == count * cpus
    uses = [each.count(core) for core in machine]
    assert max(uses) - min(uses) <= 1


def test_twelve_servers_on_two_cores_say_that_they_share():
    cores = placed(12, 1, (0, 1))

    assert cores[0] == (1,)
    assert pinned_sentence(cores[0], cores[1:], asked=1) == "core 1, shared with 5 others"


def test_a_server_alone_on_its_cores_says_so():
    assert pinned_sentence((2, 3), [(1,)], asked=2) == "cores 2-3, no other game server there"


def test_a_machine_smaller_than_what_was_asked_is_admitted():
    sentence = pinned_sentence((0, 1), [(0, 1)], asked=4)

    assert sentence == "cores 0-1 (4 asked, the machine has 2), shared with 1 other"


def test_a_system_that_cannot_pin_says_so():
    assert choose_cores(1, (), []) == ()
    assert pinned_sentence((), [], asked=1) == "not pinned: this system cannot"


def test_a_core_that_is_freed_is_given_next():
    cores = placed(4, 1, (0, 1, 2, 3))
    freed = cores.pop(1)

    assert choose_cores(1, (0, 1, 2, 3), cores) == freed
