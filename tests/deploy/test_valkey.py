"""The store's own scripts, run: three Valkeys and their Sentinels as the StatefulSet has them."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.plane import network
from tests.deploy.container import Container
from tests.deploy.helm import documents, template
from tests.deploy.release import Release

PODS = [f"readyup-valkey-{n}" for n in range(3)]
LOOK_S = 0.2


class Store:
    """Three pods."""

    def __init__(self, release: Release) -> None:
        self.release = release
        (made,) = release.found["statefulsets"].values()
        for pod in PODS:
            release.start(pod, made["spec"]["template"])

    def valkey(self, pod: str) -> Container:
        return self.release.containers[f"{pod}.valkey"]

    def ready(self, pod: str) -> bool:
        valkey = self.valkey(pod)
        return valkey.enter(*valkey.spec["readinessProbe"]["exec"]["command"]) == 0

    def told_to_go(self, pod: str) -> int:
        """Its preStop hook; the exit code."""
        valkey = self.valkey(pod)
        return valkey.enter(*valkey.spec["lifecycle"]["preStop"]["exec"]["command"])

    def is_primary(self, pod: str) -> bool:
        asks = '. /etc/valkey/lib.sh; [ "$(role)" = master ]'
        return self.valkey(pod).enter("sh", "-c", asks) == 0

    def primaries(self) -> list[str]:
        return [pod for pod in PODS if self.is_primary(pod)]

    def named(self) -> str:
        """Whom the Sentinels name, by the scripts' own way to ask."""
        asks = ". /etc/valkey/lib.sh; named_primary > /tmp/named"
        self.valkey(PODS[2]).enter("sh", "-c", asks)
        told = (self.valkey(PODS[2]).tmp / "named").read_text("utf-8")
        return told.strip().partition(".")[0]


def until(holds: Callable[[], bool], *, patience_s: float = 60.0) -> None:
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(LOOK_S)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    if reason := network.why_not():
        pytest.skip(reason)
    if not shutil.which("nsenter"):
        pytest.skip("there is no nsenter here")
    rendered = documents(template(valkey__persistence__enabled="false"))
    with network.inside():
        release = Release.rendered(rendered, tmp_path / "release")
        try:
            started = Store(release)
            until(lambda: all(started.ready(pod) for pod in PODS))
            yield started
        finally:
            release.stop()
            for name, container in release.containers.items():
                print(f"{name}: {container.last_words()}")  # shown where this fails


def test_a_primary_hands_over_before_it_goes_and_finds_its_place_when_it_is_back(store: Store):
    first = store.primaries()
    until(lambda: store.named() == PODS[0])
    handed = store.told_to_go(PODS[0])
    until(lambda: len(store.primaries()) == 1 and all(store.ready(pod) for pod in PODS))
    (second,) = store.primaries()
    store.valkey(second).kill()
    rest = [pod for pod in PODS if pod != second]
    until(lambda: any(store.is_primary(pod) for pod in rest))
    store.valkey(second).start()
    until(lambda: store.ready(second) and not store.is_primary(second))

    assert first == [PODS[0]]
    assert handed == 0
    assert second != PODS[0]
