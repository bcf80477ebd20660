"""Lists of cores as the kernel writes them: ``0-2,8``."""

import re

from core.errors import Invalid

_RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


def parse_cores(text: str) -> tuple[int, ...]:
    """Cores from a list as the kernel writes it.

    >>> parse_cores("0-2,8")
    (0, 1, 2, 8)

    Raises:
        Invalid: not such a list.
    """
    cores: set[int] = set()
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            raise Invalid(f"cores are {text!r}; write them like 0-2,8", field="READYUP_CORES")
        first, last = int(found[1]), int(found[2] or found[1])
        cores.update(range(first, last + 1))
    return tuple(sorted(cores))


def render_cores(cores: tuple[int, ...]) -> str:
    """The list as the kernel writes it.

    >>> render_cores((0, 1, 2, 8))
    '0-2,8'
    """
    runs: list[list[int]] = []
    for core in sorted(cores):
        if runs and core == runs[-1][1] + 1:
            runs[-1][1] = core
        else:
            runs.append([core, core])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)
