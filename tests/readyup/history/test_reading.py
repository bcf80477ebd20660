"""Lines: what is an event, and what ends the reading with a line number."""

import re
from pathlib import Path

import msgspec
import pytest

from core.errors import Invalid
from readyup.history.reading import KINDS, read


def _read(*lines: str) -> list[object]:
    return list(read((line.encode() for line in lines), "run.jsonl"))


GOOD = '{"t":1,"src":"bot/ann","k":"bot.left","player":"ann"}'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"t":1,"src":"bot/ann","k":"bot.le', "line 2: Input data was truncated"),
        ("", "line 2: Input data was truncated"),
        ("[]", "line 2: Expected `object`"),
        ('{"t":1,"src":"bot/ann","k":"bot.sings","player":"ann"}', "no such kind of event"),
        ('{"t":1,"src":"bot/ann","k":"bot.left"}', "missing required field `player`"),
        ('{"t":1,"src":"nobody","k":"bot.left","player":"ann"}', "may not write bot.left"),
        ('{"t":1,"src":"bot/ann","k":"ticket.expired","i":"1-0","ticket":"t"}', "may not write"),
        ('{"t":1,"src":"queue/duel","k":"ticket.expired","ticket":"t"}', "does not follow"),
        (
            '{"t":1,"src":"fleet/a","k":"server.deleted","i":"1-0","server":"u","reason":"whim"}',
            "Invalid enum value 'whim'",
        ),
    ],
)
def test_a_line_that_is_no_event_is_named_by_its_number(line: str, why: str):
    with pytest.raises(Invalid, match=r"run\.jsonl, line 2") as caught:
        _read(GOOD, line)

    assert why in str(caught.value)
    assert caught.value.field == "line 2"


def test_store_events_must_stand_in_the_order_of_their_stream():
    def expired(place: str, queue: str = "duel") -> str:
        fields = f'"k":"ticket.expired","ticket":"t","i":"{place}"'
        return f'{{"t":1,"src":"queue/{queue}",{fields}}}'

    assert len(_read(expired("9-0"), expired("9-1"), expired("1-0", "trio"), expired("10-0"))) == 4
    with pytest.raises(Invalid, match="line 2"):
        _read(expired("9-1"), expired("9-1"))


def test_fields_that_nobody_asked_for_are_no_defect():
    assert _read(GOOD.replace("}", ',"mood":"gay","at":[1,2]}'))


def test_numbers_may_come_as_text_from_a_script():
    line = '{"t":"5","src":"queue/duel","k":"leader.elected","epoch":"3","i":"1-0"}'

    assert [(event.t, event.epoch) for event in _read(line)] == [(5, 3)]


def test_an_empty_list_of_a_script_may_come_as_an_object():
    line = '{"t":5,"src":"queue/duel","k":"match.closed","match":"m","tickets":{},"i":"1-0"}'

    assert [list(event.tickets) for event in _read(line)] == [[]]


def test_a_closed_match_of_which_nobody_goes_back_names_no_tickets():
    line = '{"t":5,"src":"queue/duel","k":"match.closed","match":"m","i":"1-0"}'

    assert [list(event.tickets) for event in _read(line)] == [[]]


def test_the_docs_name_every_kind_and_every_field_that_must_be_there():
    page = (Path(__file__).parents[3] / "docs" / "history.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")]
    told = {
        kind: set(re.findall(r"`(\w+)[\[{?`]", fields))
        for kinds, fields in rows
        for kind in re.findall(r"`([a-z]+\.[a-z]+)`", kinds)
    }

    assert set(told) == set(KINDS)
    for kind, event in KINDS.items():
        fields = {field.encode_name for field in msgspec.structs.fields(event)}
        assert fields - {"t", "src", "i", "server", "player"} <= told[kind], kind
