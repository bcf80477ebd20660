"""Rows come and go, and hold what the rules ask."""

import numpy as np

from matchmaker.engine.columns import Column, Columns
from matchmaker.rules.members import Party, Player

SKILL = Column("number", "skill", "avg")
MODE = Column("text", "mode")
MAPS = Column("bits", "maps", "union")
TANKS = Column("count", "roles", "", ("tank",))


def party(name: str, *players: dict, at_s: float = 0.0) -> Party:
    return Party(
        name,
        tuple(Player(f"{name}.{n}", one, one.get("latency", {})) for n, one in enumerate(players)),
        at_s,
    )


def test_a_party_is_one_row_with_its_aggregates():
    columns = Columns([SKILL, MODE, MAPS, TANKS], ["max"])
    columns.add(
        party(
            "a",
            {"skill": 10, "mode": "x", "maps": ["m"], "roles": ["tank"], "latency": {"eu": 20}},
            {"skill": 20, "mode": "y", "maps": ["n"], "roles": ["tank", "healer"],
             "latency": {"eu": 40, "us": 9}},
        )
    )  # fmt: skip

    row = columns.row("a")
    assert columns.of[SKILL][row] == 15
    assert columns.of[MODE][row] == -1
    assert columns.of[MAPS][row].bit_count() == 2
    assert columns.of[TANKS][row] == 2
    assert columns.latency["max", "eu"][row] == 40
    assert ("max", "us") not in columns.latency


def test_rows_are_used_again_and_grow_without_mixing_anybody_up():
    columns = Columns([SKILL], ["avg"])
    for n in range(2000):
        near = {"eu": float(n)} if n % 2 else {}
        columns.add(party(f"t{n}", {"skill": n, "latency": near}, at_s=-float(n)))
        if n % 3 == 0:
            columns.remove(f"t{n}")

    kept = [f"t{n}" for n in reversed(range(2000)) if n % 3]
    rows = columns.waiting()
    assert [columns.party(int(row)).id for row in rows] == kept
    assert [int(columns.of[SKILL][row]) for row in rows] == [int(name[1:]) for name in kept]
    eu = columns.latency["avg", "eu"]
    assert all(np.isnan(eu[row]) == (int(columns.of[SKILL][row]) % 2 == 0) for row in rows)


def test_those_of_one_instant_stand_in_the_same_order_whatever_their_rows():
    one, other = Columns(), Columns()
    for n in range(300):
        one.add(party(f"t{n}", {}))
        other.add(party(f"t{299 - n}", {}))

    assert [one.party(int(row)).id for row in one.waiting()] == [
        other.party(int(row)).id for row in other.waiting()
    ]


def test_texts_that_nobody_brings_any_more_are_forgotten():
    columns = Columns([MODE, MAPS])
    for name in ("first", "second"):
        columns.add(party(name, {"mode": "duel", "maps": []}))
    for n in range(5000):
        columns.add(party("guest", {"mode": f"code-{n}", "maps": [f"map-{n}"]}))
    columns.add(party("third", {"mode": "duel", "maps": []}))

    codes = columns.of[MODE]
    assert codes[columns.row("first")] == codes[columns.row("second")]
    assert codes[columns.row("first")] == codes[columns.row("third")] >= 0
    assert codes[columns.row("guest")] not in (-1, codes[columns.row("first")])
    assert len(columns._codes) < 1100
    assert len(columns.texts()["maps"]) == len(columns._bits) == 64
