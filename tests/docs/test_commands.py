"""What a reader copies from a page works: command lines parse, and the chart takes the values."""

import itertools
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from docs.generate import PAGES as MADE
from readyup.cli import made
from tests.docs.pages import PAGES, ROOT, blocks, name

app = made(listed=False)

CHART = ROOT / "deploy" / "chart"
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))

SHELL = ("", "sh", "bash", "console")
ENDS = {"|", "||", "&&", ";", ">", "2>", "&", "<"}

_CODE = re.compile(r"`([\w-]+(?:\.[\w-]+)+): ([^`\n]+)`")


def commands(page: Path, program: str) -> Iterator[list[str]]:
    """The words of each call of a program in a page's shell blocks, after its name."""
    for line in _lines(page):
        words: list[str] = []
        for word in [*line, ";"]:
            if word not in ENDS:
                words.append(word)
                continue
            while words and re.fullmatch(r"\w+=.*|\$", words[0]):
                del words[0]
            if words and Path(words[0]).name == program:
                yield words[1:]
            words = []


def _lines(page: Path) -> Iterator[list[str]]:
    for block in (block for language in SHELL for block in blocks(page, language)):
        for line in block.replace("\\\n", " ").splitlines():
            said = re.split(r"(?<=\S) {3,}", line)[0]  # then comes what it does, in words
            try:
                yield shlex.split(said, comments=True)
            except ValueError:  # what a program printed
                continue


def merged(below: Any, above: Any) -> Any:  # noqa: ANN401 - YAML
    """As helm merges values: tables by key, and null takes out."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    both = {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}
    return {key: value for key, value in both.items() if value is not None}


def of_set(text: str) -> dict[str, Any]:
    """``a.b=1`` of ``--set`` as a table."""
    path, _, value = text.partition("=")
    table: Any = yaml.safe_load(value)
    for step in reversed(path.split(".")):
        table = {step: table}
    return dict(table)


def test_every_command_line_parses():
    wrong = []
    for page, words in _all("readyup"):
        printed = words[:1] and words[0].endswith(":")
        if printed or any(word.startswith("[") or "|" in word for word in words):
            continue  # what it printed, or what may stand there in general
        try:
            app.parse_args(words, exit_on_error=False, print_error=False)
        except Exception as error:  # noqa: BLE001 - of many kinds
            wrong.append(f"{page}: readyup {shlex.join(words)}: {error}")

    assert wrong == []


def test_the_chart_takes_every_value_that_is_shown():
    judge = jsonschema_rs.validator_for(SCHEMA)
    shown = [(name(page), table) for page in PAGES for table in snippets(page)]
    for page, words in _all("helm"):
        if any(word.endswith("deploy/chart") for word in words):
            shown += [(page, of_set(text)) for text in options(words, "--set")]
    wrong = [
        f"{page}: {error}"
        for page, table in shown
        for error in judge.iter_errors(merged(DEFAULTS, table))
    ]

    assert len(shown) >= 4
    assert wrong == []


def test_values_that_are_named_in_passing_exist_and_may_be_so():
    judge = jsonschema_rs.validator_for(SCHEMA)
    wrong = []
    for page in PAGES:
        for path, value in _CODE.findall(page.read_text("utf-8")):
            if path.partition(".")[0] not in SCHEMA["properties"] or "…" in value:
                continue
            given = merged(DEFAULTS, of_set(f"{path}={value}"))
            wrong += [f"{name(page)}, {path}: {error}" for error in judge.iter_errors(given)]

    assert wrong == []


def test_files_that_helm_is_given_are_here():
    given = [path for _, words in _all("helm") for path in options(words, "--values")]

    assert [one for one in given if "/" in one and not (ROOT / one).exists()] == []


def snippets(page: Path) -> Iterator[dict[str, Any]]:
    """The YAML of a page that is values of our chart, by its first keys."""
    for block in blocks(page, "yaml"):
        for table in yaml.safe_load_all(block):
            if isinstance(table, dict) and table and table.keys() <= SCHEMA["properties"].keys():
                yield table


def options(words: list[str], option: str) -> list[str]:
    """What follows an option each time, commas split."""
    given = [value for word, value in itertools.pairwise(words) if word == option]
    return [one for value in given for one in value.split(",")]


def _all(program: str) -> list[tuple[str, list[str]]]:
    pages = [page for page in PAGES if page.name not in MADE]
    return [(name(page), words) for page in pages for words in commands(page, program)]
