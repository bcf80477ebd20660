"""Ids say what they belong to."""

import random

import pytest
from hypothesis import given, strategies as st

from core.ids import (
    NAME,
    PLAYER,
    MatchId,
    QueueName,
    ServerUid,
    TicketId,
    new_match_id,
    new_ticket_id,
    queue_of,
    room_id,
    server_of,
)


@given(st.from_regex(NAME, fullmatch=True), st.integers())
def test_a_ticket_and_a_match_name_their_queue(queue: str, seed: int):
    chance = random.Random(seed)
    ticket = new_ticket_id(QueueName(queue), chance)
    match = new_match_id(QueueName(queue), chance)

    assert queue_of(ticket) == queue_of(match) == queue
    assert ticket != match
    assert len(ticket.rpartition(".")[2]) == len(match.rpartition(".")[2]) == 32


def test_an_id_of_unknown_shape_belongs_to_no_queue():
    assert queue_of(TicketId("nonsense")) == queue_of(MatchId("")) == ""


@given(st.text(), st.integers(0, 999))
def test_a_room_names_its_server(server: str, n: int):
    assert server_of(room_id(ServerUid(server), n)) == server


@pytest.mark.parametrize("name", ["a", "duel", "duel-2v2", "0", "a" * 40])
def test_a_name_of_a_queue_or_fleet(name: str):
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "Duel", "-a", "a-", "a b", "a.b", "{a}", "a" * 41, "duel\n"])
def test_no_name_of_a_queue_or_fleet(name: str):
    assert not NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "{a}", "a" * 65, "ann\n", "ä"])
def test_no_name_of_a_player(name: str):
    assert not PLAYER.fullmatch(name)
