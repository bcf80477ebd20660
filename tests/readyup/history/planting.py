"""How bugs are planted: each doctors a good run, and breaks one invariant."""

from collections.abc import Callable

from tests.readyup.history.runs import Doctoring

Planted = list[tuple[str, Doctoring]]
"""The invariant that is broken, and how."""


def planter(bugs: Planted) -> Callable[[str], Callable[[Doctoring], Doctoring]]:
    """A decorator that plants in this bed: the doctored run breaks the invariant, and no other."""

    def plant(invariant: str) -> Callable[[Doctoring], Doctoring]:
        def register(doctor: Doctoring) -> Doctoring:
            bugs.append((invariant, doctor))
            return doctor

        return register

    return plant
