"""Where events go, by a URL; and what is refused."""

import os
import sys
from pathlib import Path

import pytest

from core.errors import Invalid, Unreachable
from readyup.events.envelope import Record
from readyup.events.sinks import Lines, ReaderGone, open_sink


def record(n: int) -> Record:
    return Record("queue/duel", f"{n}-1", "readyup.match.ended", b'{"n":%d}' % n)


async def test_a_file_gets_a_line_for_each_record_behind_what_it_has(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    for n in (1, 2):
        sink = open_sink(f"file:{path}")
        await sink.tell([record(n), record(n + 10)])
        await sink.aclose()
        await sink.aclose()

    assert path.read_text() == '{"n":1}\n{"n":11}\n{"n":2}\n{"n":12}\n'


@pytest.mark.parametrize("torn", ['{"n":9', "x" * 70_000])
async def test_half_a_line_of_one_who_was_killed_goes_away(tmp_path: Path, torn: str):
    path = tmp_path / "events.jsonl"
    path.write_text('{"n":0}\n' + torn)
    sink = open_sink(f"file:{path}")
    await sink.tell([record(1)])
    await sink.aclose()

    assert path.read_text() == '{"n":0}\n{"n":1}\n'


async def test_a_disk_that_is_full_is_a_sink_that_is_away():
    sink = open_sink("file:/dev/full")

    with pytest.raises(Unreachable, match="No space left"):
        await sink.tell([record(1)])
    await sink.aclose()


async def test_a_pipe_whose_reader_left_is_the_end():
    reader, writer = os.pipe()
    os.close(reader)

    with pytest.raises(ReaderGone, match="nobody reads"):
        await Lines(writer, ours=True).tell([record(1)])
    os.close(writer)


@pytest.mark.parametrize("where", ["", "nowhere", "file:", "http://127.0.0.1", "kafka:x"])
def test_what_is_nowhere_is_refused(where: str):
    with pytest.raises(Invalid, match="--to"):
        open_sink(where)


def test_without_its_library_kafka_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    monkeypatch.delitem(sys.modules, "readyup.events.kafka", raising=False)

    with pytest.raises(Invalid, match=r"readyup\[kafka\]"):
        open_sink("kafka://127.0.0.1:9092/events")
