"""A queue's further rule sets: the shadow's, and those on their way in."""

import json
import tomllib
from pathlib import Path

import pytest

from core.errors import Invalid
from readyup.settings import as_table, parse

RULES = "// duels by skill\n" + json.dumps(
    {
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "skill", "type": "number"}],
        "teams": [{"name": name, "minPlayers": 1, "maxPlayers": 1} for name in ("red", "blue")],
    }
)
BASE = """
[fleets.arena]
command = ["game"]
ports = "7000-7009"
[queues.duel]
fleet = "arena"
teams = ["red", "blue"]
team_size = 1
"""


def asked(more: str, folder: Path):
    (folder / "new.json").write_text(RULES, "utf-8")
    return parse(tomllib.loads(BASE + more), folder=folder)


def test_both_come_from_files_and_survive_the_way_to_another_process(tmp_path: Path):
    config = asked(
        'shadow_rules = "new.json"\nrollout_rules = {file = "new.json", percent = 5}', tmp_path
    )

    again = parse(as_table(config))

    queue, other = config.queues["duel"], again.queues["duel"]
    assert queue.shadow_rules is not None
    assert queue.rollout_rules is not None
    assert (queue.rollout_rules.percent, queue.rollout_rules.mercy_s) == (5, 60)
    assert other.shadow_rules == queue.shadow_rules
    assert other.rollout_rules == queue.rollout_rules


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('shadow_rules = "gone.json"', "No such file"),
        ("shadow_rules = 5", "must be a text"),
        ('rollout_rules = "new.json"', "needs two things"),
        ('rollout_rules = {file = "new.json", percent = 120}', "outside 0-100"),
        ('rollout_rules = {file = "new.json", percent = 1, share = 2}', "share"),
    ],
)
def test_what_is_wrong_is_named(wrong: str, told: str, tmp_path: Path):
    with pytest.raises(Invalid, match=told):
        asked(wrong, tmp_path)
