"""The store's own scripts with Sentinels, run: three pods as the StatefulSet has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.valkeys import Valkeys, until, valkeys


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Valkeys]:
    with valkeys(tmp_path, "sentinel") as store:
        store.start()
        until(store.ready)
        yield store


def named(store: Valkeys) -> str:
    """Whom the Sentinels name."""
    return store.says(store.pods[2], "named_primary").partition(".")[0]


def test_a_primary_hands_over_before_it_goes_and_one_that_died_comes_back_elsewhere(
    store: Valkeys,
):
    first = store.primaries()
    until(lambda: named(store) == store.pods[0])
    handed = store.told_to_go(store.pods[0])
    until(lambda: len(store.primaries()) == 1 and store.ready())
    (second,) = store.primaries()
    store.kill(second)
    rest = [pod for pod in store.pods if pod != second]
    until(lambda: any(store.says(pod, "role") == "master" for pod in rest))
    store.release.move(second)
    store.start(second)
    until(lambda: store.ready(second) and store.says(second, "role") != "master")

    assert first == store.pods[:1]
    assert handed == 0
    assert second != store.pods[0]
