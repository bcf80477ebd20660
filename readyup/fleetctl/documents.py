"""Kubernetes documents in files: read as YAML or JSON, printed as either."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are a package apart

from core.errors import Invalid

Document = dict[str, Any]


def read(path: Path) -> list[Document]:
    """Every document of a file.

    Raises:
        Invalid: it cannot be read, with the line where that is known.
    """
    try:
        # JSON is YAML, so one reader does for both.
        found = list(yaml.safe_load_all(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as gone:
        raise Invalid(f"{path}: {gone}", field="FILE") from gone
    except yaml.YAMLError as wrong:
        raise Invalid(f"{path}: no YAML: {wrong}", field="FILE") from wrong
    documents = [one for one in found if one is not None]
    for one in documents:
        if not isinstance(one, dict):
            raise Invalid(f"{path}: holds {one!r:.40}, and no Kubernetes document", field="FILE")
    return documents


def printed(documents: Sequence[Document], *, as_json: bool) -> str:
    """As ``kubectl apply -f -`` takes them."""
    if as_json:
        # kubectl reads one JSON document, or a List of several.
        whole = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        return json.dumps(documents[0] if len(documents) == 1 else whole, indent=2)
    text = yaml.dump_all(documents, Dumper=_Plain, sort_keys=False, explicit_start=True)
    return str(text).rstrip()


class _Plain(yaml.SafeDumper):  # type: ignore[misc]  # untyped, as above
    """Repeats what appears twice, and indents lists, as people write manifests."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)
