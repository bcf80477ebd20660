"""The loader: a script's signature is its head comment, and a call keeps to it."""

import sys
from pathlib import Path

import pytest

from core.lua import LuaScript, as_json
from core.redis import Store

HEAD = """--[[
  Put a player into a set.

  KEYS[1] players  set
  KEYS[2] log      stream
  ARGV[1] player   id
  ARGV[2] now_ms   integer
]]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``lua_scripts`` that the test fills."""
    folder = tmp_path / "lua_scripts"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lua_scripts", raising=False)
    return folder


def script(package: Path, source: str, name: str = "join") -> LuaScript:
    (package / f"{name}.lua").write_text(source)
    return LuaScript.load("lua_scripts", name)


def test_the_head_comment_names_keys_and_arguments_in_order(package: Path):
    join = script(package, HEAD + "return 1")

    assert join.keys == ("players", "log")
    assert join.args == ("player", "now_ms")


def test_slots_below_the_head_are_code(package: Path):
    join = script(package, HEAD + "local key =\n  KEYS[1] or nothing\nreturn key")

    assert join.keys == ("players", "log")


@pytest.mark.parametrize("line", ["KEYS[1] log", "KEYS[4] log"])
def test_a_slot_twice_or_left_out_is_refused(package: Path, line: str):
    with pytest.raises(AssertionError):
        script(package, HEAD.replace("KEYS[2] log", line))


@pytest.mark.parametrize(
    ("keys", "args"),
    [
        ({"log": "l", "players": "p"}, {"player": "ann", "now_ms": 1}),
        ({"players": "p"}, {"player": "ann", "now_ms": 1}),
        ({"players": "p", "log": "l"}, {"now_ms": 1, "player": "ann"}),
        ({"players": "p", "log": "l"}, {"player": "ann", "now_ms": 1, "more": 2}),
    ],
    ids=["swapped key", "missing key", "swapped argument", "one too many"],
)
async def test_a_call_that_breaks_the_signature_never_reaches_redis(
    package: Path, store: Store, keys: dict[str, str], args: dict[str, str | int]
):
    join = script(package, HEAD + "redis.call('SADD', KEYS[1], ARGV[1])")

    with pytest.raises(TypeError, match="join takes"):
        await join(store, keys=keys, args=args)
    assert await store.call("DBSIZE") == 0


async def test_keys_and_arguments_arrive_where_they_were_named(package: Path, store: Store):
    join = script(package, HEAD + "return {KEYS[1], KEYS[2], ARGV[1], ARGV[2]}")
    reply = await join(
        store, keys={"players": "p", "log": "l"}, args={"player": "ann", "now_ms": 7}
    )

    assert reply == ["p", "l", "ann", "7"]


async def test_shared_text_comes_from_the_same_package_or_a_named_one(package: Path, store: Store):
    (package / "double.lua").write_text("local function double(n) return 2 * n end\n")
    both = script(
        package,
        "--[[\n  KEYS[1] log\n]]\n"
        "-- include: core:event\n-- include: double\n"
        "event(KEYS[1], 'told', 5, { n = double(21) })\nreturn double(21)",
    )

    assert await both(store, keys={"log": "s"}, args={}) == 42
    (entry,) = await store.read_stream("s", "0", block_ms=1)
    assert entry.fields["k"] == "told"


def test_a_change_in_shared_text_changes_the_script(package: Path):
    (package / "shared.lua").write_text("local limit = 1\n")
    before = script(package, "-- include: shared\nreturn limit", "one")
    (package / "shared.lua").write_text("local limit = 2\n")
    after = script(package, "-- include: shared\nreturn limit", "one")

    assert before.sha != after.sha


@pytest.mark.parametrize("line", ["-- include: Core:event", "-- include: nested", "--include: x "])
def test_an_include_that_would_be_passed_over_is_refused(package: Path, line: str):
    (package / "nested.lua").write_text("-- include: other\n")

    with pytest.raises(AssertionError, match="include"):
        script(package, f"{line}\nreturn 1")


def test_values_travel_as_json():
    assert as_json({"players": ["ann", "bo"], "mmr": 1500.5}) == (
        '{"players":["ann","bo"],"mmr":1500.5}'
    )
