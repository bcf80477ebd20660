"""Faults as data: read from files, refused with a reason, drawn from dice."""

import random
import re
from pathlib import Path

import pytest

from core.errors import Invalid
from readyup.simulation.faults import TABLE, Fault, draw_faults, read_faults, split


def test_faults_are_read_from_toml_and_from_json(tmp_path: Path):
    toml, json = tmp_path / "faults.toml", tmp_path / "faults.json"
    toml.write_text('[[fault]]\nkind = "pause"\nat_s = 3.0\nwho = "director"\nfor_s = 4.0\n')
    json.write_text('[{"kind": "pause", "at_s": 3.0, "who": "director", "for_s": 4.0}]')

    assert read_faults(toml) == read_faults(json)
    assert read_faults(toml) == (Fault(kind="pause", at_s=3.0, who="director", for_s=4.0),)


@pytest.mark.parametrize(
    "text",
    [
        '[[fault]]\nkind = "flood"\nat_s = 1.0\n',
        '[[fault]]\nkind = "pause"\n',
        '[[fault]]\nkind = "pause"\ncall = 3\n',
        '[[fault]]\nkind = "refused"\ncall = 3\nat_s = 1.0\n',
        '[[fault]]\nkind = "pause"\nat_s = 1.0\nwhom = "api"\n',
        "fault = 3\n",
        "not toml",
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_the_cure(tmp_path: Path, text: str):
    file = tmp_path / "faults.toml"
    file.write_text(text)

    with pytest.raises(Invalid, match=r"docs/simulation\.md"):
        read_faults(file)


def test_a_plan_is_drawn_from_the_dice_alone_and_ends_in_time():
    plan, again = (draw_faults(random.Random(3), until_s=600.0) for _ in range(2))

    assert plan == again
    assert 60 <= len(plan) <= 140
    assert all(fault.at_s is not None and fault.at_s < 600.0 for fault in plan)


def test_the_dice_bring_every_kind_of_fault():
    kinds = {fault.kind for fault in draw_faults(random.Random(1), until_s=6000.0)}

    assert kinds == {mishap.kind for mishap in TABLE}


def test_a_name_concerns_a_process_and_all_that_begin_with_it():
    fault = Fault(kind="kill", at_s=1.0, who="director")

    assert fault.concerns("director-a")
    assert not fault.concerns("directors")
    assert Fault(kind="kill", at_s=1.0).concerns("anybody")


def test_faults_of_calls_and_of_the_clock_are_told_apart():
    call, late, soon = (
        Fault(kind="refused", call=3),
        Fault(kind="pause", at_s=9.0),
        Fault(kind="kill", at_s=2.0),
    )

    assert split([call, late, soon]) == ([call], [soon, late])


def test_the_page_tells_of_every_kind_and_its_example_is_read(tmp_path: Path):
    page = (Path(__file__).parents[3] / "docs" / "simulation.md").read_text("utf-8")
    example = tmp_path / "faults.toml"
    example.write_text(page.partition("```text\n")[2].partition("```")[0])
    table = page.partition("| kind | strikes |")[2].partition("\n\n")[0]
    told = {kind for row in table.splitlines() for kind in re.findall(r"`([a-z-]+)`", row[:32])}

    assert [fault.kind for fault in read_faults(example)] == ["pause", "crash-after"]
    assert told - {"call"} == {mishap.kind for mishap in TABLE}
