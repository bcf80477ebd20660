"""The key of a command, its slot, and what all keys of a slot begin with here."""

import pytest

from core.slots import key_of, slot_of, tag_of


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
