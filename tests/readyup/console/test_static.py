"""The page's files: complete, our own or accounted for, and asking nothing of the internet."""

import hashlib
import re

import pytest

from readyup.console.assets import load_assets

ASSETS = load_assets()
OURS = {path: asset.body.decode() for path, asset in ASSETS.items() if "vendor/" not in path}
VENDORED = ASSETS["vendor/VENDORED.md"].body.decode()
PAGES = ("index.html", "detail.html", "login.html")
ROW = re.compile(r"^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_vendored_files_are_those_of_the_table():
    table = dict(ROW.findall(VENDORED))
    found = {
        path.removeprefix("vendor/"): hashlib.sha256(asset.body).hexdigest()
        for path, asset in ASSETS.items()
        if path.startswith("vendor/") and not path.endswith(".md")
    }

    assert found == table


@pytest.mark.parametrize("path", sorted(OURS))
def test_no_file_of_ours_names_another_host(path: str):
    text = OURS[path].replace('xmlns="http://www.w3.org/2000/svg"', "")

    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text, re.IGNORECASE)


@pytest.mark.parametrize("path", sorted(OURS))
def test_every_file_that_is_referenced_exists(path: str):
    folder = path.rpartition("/")[0]
    absolute = re.findall(r'"/static/([^"]+)"', OURS[path])
    relative = re.findall(r'from "\./([^"]+)"', OURS[path])

    for other in [*absolute, *(f"{folder}/{name}".lstrip("/") for name in relative)]:
        assert other in ASSETS


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_script_and_no_inline_style(path: str):
    page = OURS[path]

    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "<style" not in page
    assert not re.search(r"\s(style|on[a-z]+)=", page)


@pytest.mark.parametrize("path", PAGES)
def test_every_id_that_a_pages_modules_ask_for_is_on_it(path: str):
    asked = {
        name
        for module in modules_of(path)
        for name in re.findall(r'byId\("([^"]+)"\)', OURS[module])
    }
    there = set(re.findall(r'\bid="([^"]+)"', OURS[path]))

    assert asked
    assert asked <= there


def test_every_module_belongs_to_a_page():
    used = {module for path in PAGES for module in modules_of(path)}

    assert used == {path for path in OURS if path.endswith(".js")}


@pytest.mark.parametrize("path", sorted(path for path in OURS if path.endswith(".js")))
def test_nothing_that_comes_from_outside_is_read_as_markup(path: str):
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", OURS[path]
    )


def modules_of(page: str) -> set[str]:
    """The modules that a page loads, and those they load."""
    found: set[str] = set()
    todo = re.findall(r'src="/static/([^"]+\.js)"', OURS[page])
    while todo:
        module = todo.pop()
        if module not in found and module in OURS:
            found.add(module)
            todo += re.findall(r'from "\./([^"]+)"', OURS[module])
    return found
