"""How Sphinx makes a site of the pages; `make docs` builds it, and a warning is an error.

Pages stay what a forge shows: Markdown with relative links. What docs/README.md lists, group by
group, is the site's navigation, so a page that stands in no group is a warning too.
"""

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]

project = "ReadyUp"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/**.md"]
exclude_patterns = [".*", "dist"]

html_theme = "furo"
html_title = "ReadyUp"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["site"]
html_css_files = ["tables.css"]
html_show_sphinx = False
html_show_copyright = False

# As GitHub makes them, down to the rows of the references.
myst_heading_anchors = 4
# Two dashes begin an option here.
smartquotes = False
# A fence without a language holds commands and their output.
highlight_language = "text"
# Examples in JSON leave out what does not matter, with an ellipsis.
suppress_warnings = ["misc.highlighting_failure"]

BELOW = {
    "docs/decisions/README": "docs/decisions/[0-9]*",
    "docs/monitoring": "docs/runbooks/*",
}
"""A page to those that hang below it, which its own text links."""

_GROUP = re.compile(r"^\*\*(.+)\*\*$")
_PAGE = re.compile(r"\]\(([^):#]+)\.md\)")


def groups(contents: str) -> dict[str, list[str]]:
    """Caption of a group to its pages as Sphinx names them, from the text of docs/README.md."""
    found: dict[str, list[str]] = {}
    pages: list[str] = []
    for line in contents.splitlines():
        if caption := _GROUP.match(line):
            pages = found.setdefault(caption[1], [])
        for page in _PAGE.findall(line):
            place = (ROOT / "docs" / page).resolve().relative_to(ROOT).as_posix()
            if place != root_doc:
                pages.append(place)
    return found


def _tree(entries: list[str], *options: str) -> str:
    return "\n".join(["", "", "```{toctree}", ":hidden:", *options, "", *entries, "```", ""])


def _hang(_: "Sphinx", page: str, source: list[str]) -> None:
    if page == root_doc:
        contents = (ROOT / "docs/README.md").read_text("utf-8")
        source[0] += _tree(["/docs/README"])
        for caption, pages in groups(contents).items():
            source[0] += _tree([f"/{one}" for one in pages], f":caption: {caption}")
    elif page in BELOW:
        source[0] += _tree([f"/{BELOW[page]}"], ":glob:", ":maxdepth: 1")


def _begin(app: "Sphinx", failed: Exception | None) -> None:
    """A server looks for index.html."""
    if failed is None:
        shutil.copyfile(Path(app.outdir, f"{root_doc}.html"), Path(app.outdir, "index.html"))


def setup(app: "Sphinx") -> None:
    """Called by Sphinx."""
    app.connect("source-read", _hang)
    app.connect("build-finished", _begin)
