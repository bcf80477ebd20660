"""The pages keep to the code: links lead somewhere, commands exist, made tables are fresh."""

import inspect
import re
import tomllib
from pathlib import Path

import pytest

from docs.generate import DOCS, PAGES as MADE, page
from matchmaker.api.http import PlayerApi
from readyup.cli import made
from readyup.demo.counts import Counts
from readyup.demo.report import report_of
from readyup.history.check import judge
from readyup.settings import parse
from tests.docs.pages import PAGES, ROOT, anchors, blocks, links, name

app = made(listed=False)

_COMMAND = re.compile(r"(?<![\w./-])readyup (?=[a-z])([a-z-]+)([^`\n]*)")
_CODE = re.compile(r"`([^`\n]+)`")


@pytest.mark.parametrize("source", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(source: Path):
    lost = []
    for link in links(source):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (source.parent / path).resolve() if path else source
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)

    assert lost == []


@pytest.mark.parametrize("source", PAGES, ids=name)
def test_every_command_that_is_mentioned_exists_with_its_options(source: Path):
    text = source.read_text("utf-8")
    code = [*_CODE.findall(text), *blocks(source, "")]
    wrong = []
    for verb, rest in (found for part in code for found in _COMMAND.findall(part)):
        known = app[verb]
        if not known.default_command:  # a group of commands
            group = [one for one in known if not one.startswith("-")]
            step = rest.split()[0] if rest.split() else ""
            if step not in group:
                wrong += [f"{verb} {step}"] if step and not step.startswith("-") else []
                continue
            known = known[step]
        options = {word for one in known.assemble_argument_collection() for word in one.names}
        asked = set(re.findall(r"(?<!\S)--[a-z-]+", rest))
        wrong += sorted(f"{verb} {option}" for option in asked - options - {"--help"})

    assert wrong == []


def test_the_readme_lists_every_command():
    listed = set(
        re.findall(r"^\| `readyup ([a-z-]+)`", (ROOT / "README.md").read_text(), re.MULTILINE)
    )

    assert listed == {one for one in app if not one.startswith("-")}


def test_every_make_verb_that_is_mentioned_exists():
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    said = {
        verb
        for source in PAGES
        for part in (*_CODE.findall(source.read_text("utf-8")), *blocks(source, ""))
        for verb in re.findall(r"^make ([a-z-]+)", part, re.MULTILINE)
    }

    assert said - verbs == set()


@pytest.mark.parametrize("file", MADE)
def test_made_tables_are_what_the_code_says(file: str):
    text = (DOCS / file).read_text("utf-8")

    assert page(text) == text, "run python -m docs.generate"


@pytest.mark.parametrize(
    ("source", "n"), [(p, n) for p in PAGES for n in range(len(blocks(p, "python")))]
)
def test_python_blocks_run(source: Path, n: int):
    code = compile(blocks(source, "python")[n], f"{name(source)}, block {n}", "exec")
    exec(code, {"__name__": "a_block"})  # noqa: S102 - our own pages


@pytest.mark.parametrize("source", PAGES, ids=name)
def test_configurations_are_valid(source: Path):
    for block in blocks(source, "toml"):
        assert parse(tomllib.loads(block)).queues


def test_the_player_api_page_lists_every_route():
    said = (ROOT / "docs/player-api.md").read_text("utf-8")
    source = inspect.getsource(PlayerApi.app)
    routes = re.findall(r'web\.\w+\("([^"]+)"', source)

    assert routes
    assert [one for one in routes if re.sub(r"\{\w+\}", "{id}", one) not in said] == []


def test_every_key_of_the_report_is_described():
    nothing = judge([], "history.jsonl")
    report = report_of(
        Counts(), {}, history=Path("history.jsonl"), verdict=nothing, repairs={}, restarts={}
    )
    said = (ROOT / "docs/report.md").read_text("utf-8")

    assert [key for key in report if f"`{key}" not in said] == []


def test_what_people_read_is_ours_alone():
    """No page names a machine's path."""
    told = [name(p) for p in PAGES if re.search(r"(?<![\w.])/(work|home|root)/", p.read_text())]

    assert told == []
