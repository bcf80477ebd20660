"""The shape of the tree itself: small rooms that say what they are for, and no foreign names."""

import ast
import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("core", "gameserver", "fleets", "allocator", "matchmaker", "readyup")
FILE_LINES_MAX = 320
FUNCTION_LINES_MAX = 60

LONG = {
    ("matchmaker/api/openapi.py", "_paths"): "one table, each path below the other",
    ("allocator/metrics.py", "__init__"): "one declaration for each metric",
    ("matchmaker/metrics.py", "__init__"): "one declaration for each metric",
    ("fleets/metrics.py", "__init__"): "one declaration for each metric",
}
"""Functions that are lists rather than steps."""

NOT_MIRRORED = {
    "allocator/lua": "scripts, shown through the rooms that call them",
}
"""Folders without tests under their own name, and why."""

SOURCES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if "_pb2" not in path.name
)
FOLDERS = sorted({path.parent for path in SOURCES if path.read_bytes()})
SCRIPTS = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.lua"))
SHARED = {
    name
    for path in SCRIPTS
    for name in re.findall(r"(?m)^-- include: (?:[\w.]+:)?(\w+)$", path.read_text("utf-8"))
}
"""Lua that others include; it has no signature of its own."""

# In pieces, so that this file does not find itself.
FOREIGN = re.compile(
    "|".join((
        "/work" + "/", "/root" + "/", "/home" + r"/\w+/", "py" + r"pi\.org", "python" + "hosted",
        "registry" + r"\.npmjs", r"proxy\.golang" + r"\.org", "crates" + r"\.io",
        "artifact" + "ory", "docker" + r"\.io/",
    ))
)  # fmt: skip
"""Paths of one machine, and hosts that packages come from: whoever builds this has their own."""


TESTS = sorted((ROOT / "tests").rglob("*.py"))


@functools.cache
def _tree(path: Path) -> ast.Module:
    """What a file says; several tests ask, and to parse takes longer than to look."""
    return ast.parse(path.read_text("utf-8"))


def name(path: Path) -> str:
    """As a test's parameter is shown."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_room_is_small_and_says_what_it_is_for(path: Path):
    tree = _tree(path)
    if not tree.body:
        return
    # A summary may run over the line; it ends where its paragraph does.
    summary = (ast.get_docstring(tree) or "").partition("\n\n")[0]
    long = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _lines(node) > FUNCTION_LINES_MAX
        and (name(path), node.name) not in LONG
    ]

    assert summary.endswith((".", ":")), "open the file with one sentence that says its purpose"
    assert _lines_of(path) <= FILE_LINES_MAX
    assert not long


def _lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_a_file_of_tests_is_no_longer_than_a_room():
    assert [name(path) for path in TESTS if _lines_of(path) > FILE_LINES_MAX] == []


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines below a function's signature and docstring, which may be long for a reader."""
    first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node.body[0]
    return (node.end_lineno or 0) - first.lineno + 1


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_every_package_is_mirrored_in_tests(folder: Path):
    if name(folder) in NOT_MIRRORED:
        return
    mirror = ROOT / "tests" / folder.relative_to(ROOT)

    assert any(mirror.glob("test_*.py")) or name(folder).replace("/", ".") in _imported_by_tests()


@functools.cache
def _imported_by_tests() -> frozenset[str]:
    """Packages of which some test imports a room."""
    return frozenset(
        (node.module or "").rpartition(".")[0]
        for path in TESTS
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom)
    )


def test_exceptions_are_still_needed():
    for path, function in LONG:
        lines = [
            _lines(node)
            for node in ast.walk(_tree(ROOT / path))
            if isinstance(node, ast.FunctionDef) and node.name == function
        ]
        assert max(lines) > FUNCTION_LINES_MAX, path
    for folder in NOT_MIRRORED:
        assert ROOT / folder in FOLDERS, folder
        assert not (ROOT / "tests" / folder).exists(), folder


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_opens_with_its_signature(path: Path):
    source = path.read_text("utf-8")
    if path.stem in SHARED:
        assert source.startswith("-- "), "say what the shared text is for"
        return
    head, _, body = source.partition("]]")

    assert head.startswith("--[[\n")
    assert re.search(r"(?m)^  Returns: ", head), "say what the script returns"
    for kind in ("KEYS", "ARGV"):
        told = {int(n) for n in re.findall(rf"(?m)^  {kind}\[(\d+)\] +\w+", head)}
        used = {int(n) for n in re.findall(rf"{kind}\[(\d+)\]", body)}
        assert told == set(range(1, len(told) + 1))
        assert used <= told, f"{kind} {used - told} is not in the head comment"


def test_nothing_names_a_machine_or_a_registry():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("no repository here")
    found = []
    for path in (ROOT / relative for relative in listed.stdout.split("\0") if relative):
        try:
            text = path.read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):  # a picture, or deleted just now
            continue
        found += [
            f"{name(path)}:{n}: {line.strip()[:100]}"
            for n, line in enumerate(text.splitlines(), 1)
            if FOREIGN.search(line)
        ]

    assert not found


def test_a_test_is_named_by_what_it_shows():
    """``test_lease`` names a thing; ``test_giving_up_lets_the_other_lead`` says something of it."""
    short = [
        f"{name(path)}: {node.name}"
        for path in TESTS
        if path.name.startswith("test_")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and node.name.count("_") < 3
    ]

    assert not short
