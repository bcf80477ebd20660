"""What is known of a server's cores."""

import pytest

from core.game_server import PINNED_LABEL, Pinned, ServerView, State, pinned_states
from core.ids import FleetName, ServerUid


def server(uid: str, *cores: int, said: str | None = None) -> ServerView:
    labels = {} if said is None else {PINNED_LABEL: said}
    return ServerView(
        uid, ServerUid(uid), FleetName("arena"), State.READY, "h", 1, labels=labels, cores=cores
    )


@pytest.mark.parametrize(
    ("said", "known"),
    [("true", Pinned.PROVEN), ("false", Pinned.SHARED), ("", Pinned.SHARED), (None, "unknown")],
)
def test_a_server_in_a_pod_is_believed(said: str | None, known: str):
    assert pinned_states([server("a", said=said)]) == {"a": known}


def test_a_local_server_is_proven_while_it_is_alone_on_its_cores():
    alone, one, other = server("alone", 0), server("one", 1, 2), server("other", 2)

    assert pinned_states([alone, one, other]) == {
        "alone": Pinned.PROVEN,
        "one": Pinned.SHARED,
        "other": Pinned.SHARED,
    }
    assert pinned_states([alone, one])["one"] is Pinned.PROVEN
