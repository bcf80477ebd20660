"""Chance in streams: each its own, each the same again."""

from hypothesis import given, strategies as st

from core.dice import stream, unguessable


@given(st.integers(), st.lists(st.text() | st.integers()))
def test_the_same_seed_and_path_give_the_same_numbers(seed: int, path: list[str | int]):
    assert stream(seed, *path).random() == stream(seed, *path).random()


def test_drawing_from_one_stream_never_shifts_another():
    undisturbed = stream(1, "bot", 2).random()
    greedy, other = stream(1, "bot", 1), stream(1, "bot", 2)
    for _ in range(1000):
        greedy.random()

    assert other.random() == undisturbed


def test_streams_of_other_paths_and_seeds_differ():
    paths = [(), ("bot",), ("bot", 1), ("bot", "1"), ("bot1",), ("1", "bot"), ("b", "ot")]
    first = {stream(seed, *path).random() for seed in (1, 2) for path in paths}

    assert len(first) == 2 * len(paths)


def test_the_unguessable_cannot_be_replayed():
    assert unguessable().getrandbits(128) != unguessable().getrandbits(128)
