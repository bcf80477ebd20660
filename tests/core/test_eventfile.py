"""Events written to a file: each a whole line at once, whoever dies next."""

import json
from pathlib import Path

import pytest

from core.eventfile import EventFile
from tests.core.clocks import NOW, HandClock


def test_each_event_is_a_whole_line_as_soon_as_it_is_written(tmp_path: Path):
    path = tmp_path / "events" / "api.jsonl"
    clock = HandClock()
    events = EventFile(path, "api/1", clock)
    for n in range(3):
        clock.now_ms = NOW + n
        events.write("api.pushed", ticket=f"t{n}", players=["ann", "bo"])
        lines = path.read_text().splitlines(keepends=True)

        assert len(lines) == n + 1
        assert lines[-1].endswith("\n")
        assert json.loads(lines[-1]) == {
            "t": NOW + n, "src": "api/1", "k": "api.pushed", "ticket": f"t{n}",
            "players": ["ann", "bo"],
        }  # fmt: skip


def test_a_file_that_many_share_names_who_speaks(tmp_path: Path):
    events = EventFile(tmp_path / "bots.jsonl", "bots", HandClock())
    events.write("bot.left", src="bot/ann", player="ann")

    assert json.loads((tmp_path / "bots.jsonl").read_text())["src"] == "bot/ann"


def test_a_file_goes_on_where_the_last_process_stopped(tmp_path: Path):
    for n in range(2):
        events = EventFile(tmp_path / "e.jsonl", "api/1", HandClock())
        events.write("run", n=n)
        events.close()
        events.close()
    lines = (tmp_path / "e.jsonl").read_text().splitlines()

    assert [json.loads(line)["n"] for line in lines] == [0, 1]


def test_what_cannot_be_said_leaves_no_half_line(tmp_path: Path):
    events = EventFile(tmp_path / "e.jsonl", "api/1", HandClock())
    with pytest.raises(TypeError):
        events.write("bad", what=object())
    events.write("good")

    assert [json.loads(line)["k"] for line in (tmp_path / "e.jsonl").open()] == ["good"]
