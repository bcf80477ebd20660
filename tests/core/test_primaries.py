"""Whom to believe when those who know who is primary do not agree."""

import pytest

import core.primaries
from core.address import Endpoint, parse_address
from core.errors import StoreUnreachable
from core.primaries import primaries_of
from core.watch import Watch

ALL = [(0, 16_383)]
A, B, C = (Endpoint(host, 6379) for host in "abc")


class Said:
    """What is answered, in place of those who are asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[object] = []
        monkeypatch.setattr(core.primaries, "_asked", self.asked)

    async def asked(self, those, *questions):
        there = list(zip(those, self.answers, strict=False))
        return there, [(one, OSError("gone")) for one in list(those)[len(there) :]]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    return Said(monkeypatch)


def sentinel(epoch: int, host: str, flags: str = "master", heir: str = "") -> object:
    state = {"config-epoch": str(epoch), "flags": flags, "ip": host, "port": "6379"}
    return [state, (heir or host, "6379")]


def node(epoch: int, *slots: list[str], flags: str = "master") -> dict[str, object]:
    return {"flags": flags, "epoch": str(epoch), "slots": list(slots), "hostname": ""}


async def test_one_server_has_everything():
    assert await primaries_of(parse_address("redis://a")).find() == {A: ALL}


async def test_the_sentinel_that_knows_of_the_latest_failover_is_believed(said: Said):
    primaries = primaries_of(parse_address("redis+sentinel://x,y,z/main"))
    said.answers = [sentinel(1, "a"), sentinel(2, "b"), sentinel(1, "a")]

    assert await primaries.find() == {B: ALL}


async def test_old_news_is_not_believed_when_nobody_else_answers(said: Said):
    primaries = primaries_of(parse_address("redis+sentinel://x,y,z/main"))
    said.answers = [sentinel(2, "b")]
    await primaries.find()
    said.answers = [sentinel(1, "a")]

    assert await primaries.find() == {B: ALL}


async def test_no_sentinel_that_knows_the_name_is_no_store(said: Said):
    with pytest.raises(StoreUnreachable, match="'main': x:26379 did not answer: gone"):
        await primaries_of(parse_address("redis+sentinel://x/main")).find()


async def test_a_slot_is_whose_claim_is_the_latest(said: Said):
    primaries = primaries_of(parse_address("redis+cluster://a,b,c"))
    old = {
        "a:6379": node(1, ["0", "8000"]),
        "b:6379": node(2, ["8001", "16383"]),
        "c:6379": node(1, flags="slave"),
    }
    new = {**old, "c:6379": node(3, ["0", "8000"])}
    said.answers = [[old], [new], [old]]

    assert await primaries.find() == {C: [(0, 8000)], B: [(8001, 16383)]}
    said.answers = [[old]]
    assert await primaries.find() == {C: [(0, 8000)], B: [(8001, 16383)]}


async def test_a_single_slot_that_was_moved_is_nobody_elses(said: Said):
    primaries = primaries_of(parse_address("redis+cluster://a,b"))
    nodes = {"a:6379": node(1, ["0", "16383"]), "b:6379": node(2, ["7"])}
    said.answers = [[nodes]]

    assert await primaries.find() == {A: [(0, 6), (8, 16383)], B: [(7, 7)]}


async def test_a_node_that_does_not_know_its_address_is_where_it_was_asked(said: Said):
    said.answers = [[{":6379": node(1, ["0", "16383"])}]]

    assert await primaries_of(parse_address("redis+cluster://a")).find() == {A: ALL}


async def test_a_node_that_the_cluster_has_forgotten_is_asked_no_more(said: Said, monkeypatch):
    """A pod that is started anew comes back at another address, every time."""
    primaries = primaries_of(parse_address("redis+cluster://a"))
    asked: list[list[Endpoint]] = []

    async def note(those, *questions):
        asked.append(list(those))
        return await said.asked(those)

    monkeypatch.setattr(core.primaries, "_asked", note)
    for host in "bcde":
        nodes = {"a:6379": node(1, ["0", "8000"]), f"{host}:6379": node(2, ["8001", "16383"])}
        said.answers = [[nodes]]
        await primaries.find()

    assert asked[-1] == [A, Endpoint("d", 6379)]


@pytest.mark.parametrize(
    ("flags", "doubted"),
    [
        ("master,s_down,o_down", True),
        ("master,failover_in_progress", True),
        ("master,s_down", False),  # one that is cut off says so for ever
    ],
)
async def test_a_primary_that_is_being_deposed_is_doubted_until_it_has_a_successor(
    said: Said, flags: str, *, doubted: bool
):
    primaries = primaries_of(parse_address("redis+sentinel://x,y,z/main"))
    said.answers = [sentinel(1, "a"), sentinel(1, "a", flags), sentinel(1, "a")]
    await primaries.find()
    before = primaries.in_doubt
    said.answers = [sentinel(2, "a", flags, "b"), sentinel(1, "a"), sentinel(2, "b")]
    await primaries.find()

    assert before is doubted
    assert not primaries.in_doubt


async def test_a_doubt_stays_while_no_sentinel_says_anything(said: Said):
    primaries = primaries_of(parse_address("redis+sentinel://x,y,z/main"))
    said.answers = [sentinel(1, "a", "master,o_down")]
    await primaries.find()
    said.answers = []
    await primaries.find()

    assert primaries.in_doubt


async def test_whoever_was_late_at_the_first_look_is_asked_once_more(said: Said, monkeypatch):
    primaries = primaries_of(parse_address("redis+sentinel://x/main"))
    asked = []

    async def late(those, *questions):
        asked.append(questions)
        return ([], [(A, TimeoutError())]) if len(asked) == 1 else await said.asked(those)

    said.answers = [sentinel(1, "a")]
    monkeypatch.setattr(core.primaries, "_asked", late)

    assert await Watch(primaries, patience_s=5.0).first() == {A: ALL}


async def test_a_cluster_that_is_still_being_formed_is_no_store_yet(said: Said):
    primaries = primaries_of(parse_address("redis+cluster://a,b"))
    said.answers = [[{"a:6379": node(0), "b:6379": node(0)}]]

    with pytest.raises(StoreUnreachable, match="slots"):
        await primaries.find()
    said.answers = [[{"a:6379": node(1, ["0", "16383"]), "b:6379": node(0)}]]
    assert await primaries.find() == {A: ALL}
