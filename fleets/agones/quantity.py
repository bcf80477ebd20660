"""Kubernetes' amounts: what "500m" and "64Mi" are as numbers, and who is Guaranteed."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from core.errors import Invalid

_TEXT = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?")
_SUFFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{suffix: Decimal(1000) ** n for n, suffix in enumerate(("", "k", "M", "G", "T", "P", "E"))},
    **{f"{suffix}i": Decimal(1024) ** n for n, suffix in enumerate("KMGTPE", 1)},
}


def quantity(text: object) -> Decimal:
    """An amount as a number.

    >>> quantity("1500m"), quantity("1Ki"), quantity(2)
    (Decimal('1.5'), Decimal('1024'), Decimal('2'))

    Raises:
        Invalid: no amount.
    """
    found = _TEXT.fullmatch(str(text))
    if found is None:
        raise Invalid(f'{text!r} is no amount; write for example "2", "500m" or "64Mi"')
    return (Decimal(found[1]) * _SUFFIXES[found[2] or ""]).normalize()


def is_guaranteed(container: Mapping[str, Any]) -> bool:
    """Whether cpu and memory have limits, and requests (where they stand) equal to them."""
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    return all(
        name in limits and quantity(requests.get(name, limits[name])) == quantity(limits[name])
        for name in ("cpu", "memory")
    )
