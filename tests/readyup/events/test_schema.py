"""The schema of what is told: made of the code, kept in docs, and kept by what is told."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from readyup.events.envelope import TYPE, notice, record_of
from readyup.events.schema import schema
from readyup.events.told import KINDS, StreamSkipped
from tests.readyup.history.runs import good_run

ROOT = Path(__file__).parents[3]

OURS = {"leader.elected", "room.added", "room.removed", "room.released", "match.waiting"} | {
    "claim.left",
    "server.deleted",
}
"""Kinds that the streams hold for ourselves."""

VALIDATOR = jsonschema_rs.Draft202012Validator(schema())


def test_every_kind_that_a_script_writes_is_told_or_is_known_to_be_ours():
    scripts = [path.read_text("utf-8") for path in ROOT.glob("*/lua/*.lua")]
    written = {
        kind
        for text in scripts
        for kind in re.findall(r'\b(?:log|event)\([^"\n]*"([a-z]+\.[a-z]+)"', text)
    }

    assert written >= {"match.committed", "session.result", "player.penalised"}
    assert written - OURS - set(KINDS) == set()
    assert set(KINDS) - written == {"stream.skipped", "stream.withdrawn"}


def test_the_page_holds_the_schema_of_the_code():
    assert json.loads((ROOT / "docs/events.schema.json").read_text("utf-8")) == schema()


def test_whatever_a_good_evening_says_fits_the_schema():
    told = [
        record
        for n, line in enumerate(good_run().lines)
        if line["src"].startswith(("queue/", "fleet/"))
        and (record := record_of(line["src"], line | {"i": f"{line['t']}-{n}"}))
    ]

    assert {record.type.removeprefix(TYPE) for record in told} >= {
        "ticket.enqueued",
        "match.committed",
        "match.announced",
        "session.ended",
    }
    for record in told:
        VALIDATOR.validate(json.loads(record.value))


def test_a_gap_fits_the_schema_and_has_one_name_however_often_it_is_told():
    one, again = (
        notice(
            "queue/duel", "stream.skipped", "1-1", "9-1", StreamSkipped(after="1-1", first="9-1")
        )
        for _ in range(2)
    )
    VALIDATOR.validate(json.loads(one.value))

    assert one == again


@pytest.mark.parametrize("field", ["id", "source", "type", "data"])
def test_the_schema_refuses_what_is_no_event(field: str):
    record = record_of(
        "queue/duel", {"k": "match.ended", "t": 1, "i": "1-1", "match": "m", "reason": "finished"}
    )
    assert record
    said = json.loads(record.value)
    VALIDATOR.validate(said)
    del said[field]

    assert not VALIDATOR.is_valid(said)


def test_the_schema_refuses_the_data_of_another_type():
    said = {"k": "match.ended", "t": 1, "i": "1-1", "match": "m", "reason": "finished"}
    record = record_of("queue/duel", said)
    assert record
    told = json.loads(record.value) | {"type": "readyup.match.committed"}

    assert not VALIDATOR.is_valid(told)
