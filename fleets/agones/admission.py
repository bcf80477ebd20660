"""The admission of game servers' pods: each sidecar gets ports of its own on the host's network.

Stock Agones gives all sidecars the same ports (its issue 1389). The API server asks us about
every pod before it exists; we derive the ports from the pod's host port and answer with the
changes. No state, no clock: the same pod gives the same answer, also the second time.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from core.errors import Invalid
from fleets.agones.admitted import admitted

Pod = dict[str, Any]


class Asked(msgspec.Struct):
    """What we read of an AdmissionReview's request."""

    uid: str
    object: Pod


class AdmissionReview(msgspec.Struct):
    """``admission.k8s.io/v1`` as the API server sends it."""

    request: Asked
    apiVersion: str = "admission.k8s.io/v1"  # noqa: N815 - Kubernetes' word


REFUSED: Final = 422
"""Unprocessable: Agones shows the reason on the GameServer, which goes to Error."""


def review(asked: Asked) -> Pod:
    """The answer to one question, as an AdmissionReview."""
    answer: Pod = {"uid": asked.uid, "allowed": True}
    try:
        after, warnings = admitted(asked.object)
    except Invalid as wrong:
        status = {"code": REFUSED, "reason": "Invalid", "message": f"ReadyUp: {wrong}"}
        answer |= {"allowed": False, "status": status}
    else:
        if warnings:
            answer["warnings"] = list(warnings)
        if patch := list(changes(asked.object, after)):
            text = json.dumps(patch, separators=(",", ":")).encode()
            answer |= {"patchType": "JSONPatch", "patch": base64.b64encode(text).decode()}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": answer,
    }


def changes(before: Any, after: Any, path: str = "") -> Iterator[Pod]:  # noqa: ANN401 - any JSON
    """JSON Patch (RFC 6902) from one document to the other; lists of one length item by item.

    >>> list(changes({"a": {"b": 1}}, {"a": {"b": 2}, "c": []}))
    [{'op': 'add', 'path': '/a/b', 'value': 2}, {'op': 'add', 'path': '/c', 'value': []}]
    """
    if before == after:
        return
    match before, after:
        case Mapping(), Mapping():
            for key in before.keys() - after.keys():
                yield {"op": "remove", "path": f"{path}/{_pointer(key)}"}
            for key, value in after.items():
                inner = f"{path}/{_pointer(key)}"
                if key in before:
                    yield from changes(before[key], value, inner)
                else:
                    yield {"op": "add", "path": inner, "value": value}
        case list(), list() if len(before) == len(after):
            for n, (was, now) in enumerate(zip(before, after, strict=True)):
                yield from changes(was, now, f"{path}/{n}")
        case _:
            # In an object "add" replaces what is there; in a list it would push it along.
            last = path.rpartition("/")[2]
            yield {"op": "replace" if last.isdigit() else "add", "path": path, "value": after}


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
