"""The key of a command, its slot and whose that is, and what all keys of a slot begin with."""

import pytest

import core.slots
from core.address import Endpoint
from core.slots import Owners, key_of, slot_of, tag_of


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("GET", "a"), "a"),
        (("EVALSHA", "0" * 40, 2, "a", "b", "word"), "a"),
        (("EVAL", "return 1", 0), None),
        (("XINFO", "STREAM", "a"), "a"),
        (("xadd", "a", "*", "k", "v"), "a"),
        (("ping",), None),
        (("FLUSHALL",), None),
    ],
)
def test_the_key_of_a_command(command, key):
    assert key_of(command) == key


def test_keys_of_one_tag_have_one_slot():
    assert slot_of("{q:g}:players") == slot_of("{q:g}:duel:log") != slot_of("{f:arena}:log")


def test_the_tag_of_a_key():
    assert tag_of("{q:g}:duel:log") == "{q:g}"
    assert tag_of("plain") == "plain"


def test_a_command_is_for_whoever_has_its_slot_and_keeps_so_until_somebody_says_otherwise():
    first, second = Endpoint("a", 1), Endpoint("b", 1)
    owners = Owners(many=True)
    slot = slot_of("k")
    owners.become({first: [(0, slot - 1), (slot + 1, 16_383)], second: [(slot, slot)]})

    assert owners.of(("GET", "k")) == second
    assert owners.of(("PING",)) == first
    owners.moved(slot, first)
    assert owners.of(("GET", "k")) == first


def test_a_slot_that_nobody_has_is_asked_of_somebody_who_will_say_so():
    owners = Owners(many=True)
    owners.become({Endpoint("a", 1): [(0, 0)]})

    assert owners.of(("GET", "k")) == Endpoint("a", 1)


def test_one_server_has_every_slot():
    owners = Owners(many=False)
    owners.become({Endpoint("a", 1): [(0, 16_383)]})

    assert owners.of(("GET", "k")) == owners.of(("PING",)) == Endpoint("a", 1)


def test_a_server_has_a_key_of_its_own_for_as_long_as_it_has_the_slot():
    first, second = Endpoint("a", 1), Endpoint("b", 1)
    owners = Owners(many=True)
    owners.become({first: [(0, 8_000)], second: [(8_001, 16_383)]})
    key = owners.own_key(first, "{near}:kept")
    owners.moved(slot_of(key), second)

    assert owners.of_key(owners.own_key(first, "{near}:kept")) == first
    assert owners.own_key(first, "{near}:kept") != key


def test_of_a_server_with_hardly_a_slot_the_key_is_one_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(core.slots, "TRIES", 2)
    first, second = Endpoint("a", 1), Endpoint("b", 1)
    owners, slot = Owners(many=True), slot_of("{q:duel}")
    owners.become({first: [(slot, slot)], second: [(0, slot - 1), (slot + 1, 16_383)]})

    assert owners.own_key(first, "{q:duel}:kept") == "{q:duel}:kept"
