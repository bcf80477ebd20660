"""The page's files, read once from the package, each with the hash of its content as ETag."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "md": "text/markdown",
    "LICENSE": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    content_type: str
    etag: str


def load_assets() -> dict[str, Asset]:
    """Path below ``static/`` to file, all of them: about 200 kB."""
    root = resources.files("readyup.console").joinpath("static")
    return {path: _asset(path, file.read_bytes()) for path, file in _walk(root, "")}


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.rpartition(".")[2] in TYPES:
            yield f"{prefix}{entry.name}", entry


def _asset(path: str, body: bytes) -> Asset:
    return Asset(body, TYPES[path.rpartition(".")[2]], hashlib.sha256(body).hexdigest()[:16])
